//! The audience of an import on the command line: a file of complaints, or some of them on standard
//! error, and how far it is.

use super::progress::Progress;
use super::report::{Audience, Summary};
use crate::http::schema::Violation;
use anyhow::Context;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Complaints shown where no file is given for them.
const MOST_SHOWN: u64 = 10;

/// Whoever runs the command.
pub(super) struct Terminal {
    file: Option<BufWriter<File>>,
    shown: u64,
    progress: Progress,
}

impl Terminal {
    /// Complaints go to the file, which is emptied, or else some of them to standard error.
    pub(super) fn new(errors: Option<&Path>, progress: Progress) -> anyhow::Result<Self> {
        let create = |path: &Path| File::create(path).with_context(|| path.display().to_string());
        let file = errors.map(create).transpose()?.map(BufWriter::new);
        Ok(Self { file, shown: 0, progress })
    }

    /// All that was told is in the file.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush).context("the file of errors")
    }
}

impl Audience for Terminal {
    async fn complaint(&mut self, line: u64, violation: &Violation) -> anyhow::Result<()> {
        let Violation { pointer, problem } = violation;
        if let Some(file) = &mut self.file {
            let record = json!({"line": line, "pointer": pointer, "problem": problem});
            return writeln!(file, "{record}").context("the file of errors");
        }
        self.shown += 1;
        if self.shown <= MOST_SHOWN {
            eprintln!("line {line}: {} {problem}", if pointer.is_empty() { "it" } else { pointer });
        } else if self.shown == MOST_SHOWN + 1 {
            eprintln!("there is more of this; --errors FILE keeps all of it");
        }
        Ok(())
    }

    async fn reached(&mut self, summary: Summary, bytes: u64) -> anyhow::Result<()> {
        self.progress.reached(summary.lines(), bytes);
        Ok(())
    }
}
