//! What became of the lines of an import: counted, and each that was refused told by its line number
//! and JSON Pointer.

use super::document::Complaints;
use crate::http::schema::Violation;
use crate::store::contract::Imported;
use anyhow::Context;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Complaints shown where no file is given for them.
const MOST_SHOWN: u64 = 10;

/// Numbers of lines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// New interactions.
    pub created: u64,
    /// Took the place of another of their id.
    pub replaced: u64,
    /// Left out, for another of their id stayed.
    pub skipped: u64,
    /// Were there already: from an earlier run.
    pub same: u64,
    /// Not taken; each is reported.
    pub refused: u64,
    /// The line the import stopped at, if it did.
    pub stopped_at: Option<u64>,
}

impl Summary {
    /// Whether every line did what it was to do.
    pub fn is_whole(&self) -> bool {
        self.refused == 0 && self.stopped_at.is_none()
    }

    /// Lines done with.
    pub fn lines(&self) -> u64 {
        self.created + self.replaced + self.skipped + self.same + self.refused
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { created, replaced, skipped, same, refused, stopped_at } = self;
        write!(
            f,
            "{created} created, {replaced} replaced, {skipped} skipped, {same} there already, \
             {refused} refused"
        )?;
        stopped_at.iter().try_for_each(|line| write!(f, ", stopped at line {line}"))
    }
}

/// Counts and tells.
pub(super) struct Report {
    file: Option<BufWriter<File>>,
    shown: u64,
    pub(super) summary: Summary,
}

impl Report {
    /// Complaints go to the file, which is emptied, or else some of them to standard error.
    pub(super) fn new(errors: Option<&Path>) -> anyhow::Result<Self> {
        let create = |path: &Path| File::create(path).with_context(|| path.display().to_string());
        let file = errors.map(create).transpose()?.map(BufWriter::new);
        Ok(Self { file, shown: 0, summary: Summary::default() })
    }

    /// A line that was not taken.
    pub(super) fn refused(&mut self, line: u64, complaints: &Complaints) -> anyhow::Result<()> {
        self.summary.refused += 1;
        for Violation { pointer, problem } in complaints {
            if let Some(file) = &mut self.file {
                let record = json!({"line": line, "pointer": pointer, "problem": problem});
                writeln!(file, "{record}").context("the file of errors")?;
                continue;
            }
            self.shown += 1;
            if self.shown <= MOST_SHOWN {
                eprintln!(
                    "line {line}: {} {problem}",
                    if pointer.is_empty() { "it" } else { pointer }
                );
            } else if self.shown == MOST_SHOWN + 1 {
                eprintln!("there is more of this; --errors FILE keeps all of it");
            }
        }
        Ok(())
    }

    /// A line that was taken to the store.
    pub(super) fn imported(&mut self, line: u64, fate: Imported) -> anyhow::Result<()> {
        match fate {
            Imported::Created => self.summary.created += 1,
            Imported::Replaced => self.summary.replaced += 1,
            Imported::Skipped => self.summary.skipped += 1,
            Imported::Same => self.summary.same += 1,
            Imported::Stopped => {
                self.summary.stopped_at = Some(line);
                let problem = "is the id of another interaction".to_owned();
                self.refused(line, &vec![Violation { pointer: "/id".to_owned(), problem }])?;
            }
        }
        Ok(())
    }

    /// All that was told is in the file.
    pub(super) fn finish(mut self) -> anyhow::Result<Summary> {
        self.file.as_mut().map_or(Ok(()), Write::flush).context("the file of errors")?;
        Ok(self.summary)
    }
}
