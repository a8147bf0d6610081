//! What the servers hold: files of lines, and stores filled with them, each made once and kept until the
//! run is over.

use super::generate::{Generator, Size};
use super::server::ended_children_seconds;
use crate::tools::{output, program};
use anyhow::{Context, ensure};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The plain server is not filled beyond: by then it has shown what it costs.
pub(super) const MOST_PLAIN: u64 = 1_000_000;
/// What a small interaction takes on the disk, in all the forms it is kept in at once: a line, our
/// store, the plain one.
const BYTES_PER_DOCUMENT: u64 = 7_500;
/// For all that does not grow with the number of documents.
const BYTES_BESIDE: u64 = 4 << 30;

/// Makes and keeps them.
pub(super) struct Datasets {
    folder: PathBuf,
    binary: PathBuf,
    plain: PathBuf,
    stores: RefCell<BTreeMap<u64, Import>>,
}

/// What became of an import.
#[derive(Clone)]
pub(super) struct Import {
    pub(super) file: PathBuf,
    pub(super) documents: u64,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
}

impl Import {
    pub(super) fn per_second(&self) -> f64 {
        self.documents as f64 / self.seconds
    }

    pub(super) fn cpu_micros(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.documents as f64
    }

    /// Of the database file, for a document.
    pub(super) fn bytes_per_document(&self) -> anyhow::Result<f64> {
        Ok(std::fs::metadata(&self.file)?.len() as f64 / self.documents as f64)
    }
}

impl Datasets {
    pub(super) fn new(folder: &Path, binary: &Path, plain: &Path) -> Self {
        let [folder, binary, plain] = [folder, binary, plain].map(Path::to_owned);
        Self { folder, binary, plain, stores: RefCell::default() }
    }

    /// A file of lines for an import.
    pub(super) fn lines(&self, generator: Generator) -> anyhow::Result<PathBuf> {
        let Generator { documents, size } = generator;
        let file = self.folder.join(format!("{documents}-{size:?}.ndjson"));
        if !file.exists() {
            println!("writing {documents} lines");
            let mut lines = BufWriter::new(std::fs::File::create(&file)?);
            for number in 0..documents {
                writeln!(lines, "{}", generator.line(number))?;
            }
            lines.flush()?;
        }
        Ok(file)
    }

    /// Our store with so many small documents. Who writes to it takes a [copy](Self::copy).
    pub(super) fn ours(&self, documents: u64) -> anyhow::Result<Import> {
        if let Some(made) = self.stores.borrow().get(&documents) {
            return Ok(made.clone());
        }
        let lines = self.lines(Generator { documents, size: Size::Small })?;
        let made = self.import(&format!("{documents}.db"), &lines, documents, None)?;
        if documents > MOST_PLAIN {
            std::fs::remove_file(lines)?;
        }
        self.stores.borrow_mut().insert(documents, made.clone());
        Ok(made)
    }

    /// A new file with the same content.
    pub(super) fn copy(&self, documents: u64, name: &str) -> anyhow::Result<PathBuf> {
        let copy = self.folder.join(format!("{name}.db"));
        std::fs::copy(self.ours(documents)?.file, &copy)?;
        Ok(copy)
    }

    /// The plain server's file with so many small documents.
    pub(super) fn plain(&self, documents: u64) -> anyhow::Result<PathBuf> {
        let lines = self.lines(Generator { documents, size: Size::Small })?;
        let file = self.folder.join(format!("{documents}-plain.db"));
        if !file.exists() {
            println!("filling the plain server with {documents} documents");
            output(program(&self.folder, &self.plain, &[]).arg(&file).arg(lines))?;
        }
        Ok(file)
    }

    /// Imports into a new file; on one core only, if that is given.
    pub(super) fn import(
        &self,
        name: &str,
        lines: &Path,
        documents: u64,
        core: Option<usize>,
    ) -> anyhow::Result<Import> {
        let file = self.folder.join(name);
        ensure!(!file.exists(), "{name} is there already");
        let store = store_of(&file);
        self.import_into(&store, lines, documents, core).map(|import| Import { file, ..import })
    }

    /// The same into any store, which has no file.
    pub(super) fn import_into(
        &self,
        store: &str,
        lines: &Path,
        documents: u64,
        core: Option<usize>,
    ) -> anyhow::Result<Import> {
        let arguments = ["import", "--store", store].map(OsString::from);
        let arguments = arguments.into_iter().chain([lines.into()]);
        let mut import = match core {
            None => program(&self.folder, &self.binary, &[]),
            Some(core) => {
                let mut pinned: Command =
                    program(&self.folder, "taskset", &["-c", &core.to_string()]);
                pinned.arg(&self.binary);
                pinned
            }
        };
        let (before, start) = (ended_children_seconds()?, Instant::now());
        let said = output(import.args(arguments)).context("import")?;
        let seconds = start.elapsed().as_secs_f64();
        let cpu_seconds = ended_children_seconds()? - before;
        let import = Import { file: PathBuf::new(), documents, seconds, cpu_seconds };
        println!("{}: {:.0} documents/s", said.trim(), import.per_second());
        Ok(import)
    }
}

/// The setting `store` for a file.
pub(super) fn store_of(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Refuses to begin what would fill the disk.
pub(super) fn ensure_room(root: &Path, folder: &Path, sizes: &[u64]) -> anyhow::Result<()> {
    let documents = |size: &u64| {
        let plain = BYTES_PER_DOCUMENT / 3;
        size * if *size > MOST_PLAIN { BYTES_PER_DOCUMENT - plain } else { BYTES_PER_DOCUMENT }
    };
    let needed = BYTES_BESIDE + sizes.iter().map(documents).sum::<u64>();
    let said = output(program(root, "df", &["--block-size=1", "--output=avail"]).arg(folder))?;
    let free: u64 = said.lines().last().unwrap_or_default().trim().parse().context("df")?;
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    println!("needs up to {:.0} GiB of disk, {:.0} GiB are free", gib(needed), gib(free));
    ensure!(needed < free, "not enough room on the disk: ask for fewer documents");
    Ok(())
}
