//! What the servers hold: stores, filled as lines are generated, without files of them; each made once and kept
//! until the run is over, but for the largest.

use super::generate::{Generator, Size};
use super::server::ended_children_seconds;
use crate::tools::{output, program};
use anyhow::{Context, ensure};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Larger stores are made for one measurement and gone with it. Nor is the plain server filled beyond: by
/// then it has shown what it costs.
pub(super) const MOST_KEPT: u64 = 1_000_000;
/// What a small interaction takes in a store of ours, and in the plain one.
const BYTES_OF_OURS: u64 = 1_400;
const BYTES_OF_PLAIN: u64 = 1_700;
/// What it takes in PostgreSQL, with its log.
const BYTES_OF_POSTGRES: u64 = 4_000;
/// Lines after which a word is said.
const MANY_LINES: u64 = 1_000_000;
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
    /// Of the file.
    bytes: u64,
}

/// Where an import finds its lines.
pub(super) enum Lines<'a> {
    File(&'a Path),
    /// Written to its standard input as it reads them, which takes a fraction of another processor.
    Generated(Generator),
}

impl Import {
    pub(super) fn per_second(&self) -> f64 {
        self.documents as f64 / self.seconds
    }

    pub(super) fn cpu_micros(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.documents as f64
    }

    /// Of the database file, for a document.
    pub(super) fn bytes_per_document(&self) -> f64 {
        self.bytes as f64 / self.documents as f64
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
            write_lines(generator, std::fs::File::create(&file)?)?;
        }
        Ok(file)
    }

    /// Our store with so many small documents. Who writes to it takes [one's own](Self::own).
    pub(super) fn ours(&self, documents: u64) -> anyhow::Result<Import> {
        if let Some(made) = self.stores.borrow().get(&documents) {
            return Ok(made.clone());
        }
        let lines = Lines::Generated(Generator { documents, size: Size::Small });
        let made = self.import(&format!("{documents}.db"), &lines, documents, None)?;
        self.stores.borrow_mut().insert(documents, made.clone());
        Ok(made)
    }

    /// A new file with the same content; of a large one the file itself, for two would take too much of
    /// the disk.
    pub(super) fn own(&self, documents: u64, name: &str) -> anyhow::Result<PathBuf> {
        let own = self.folder.join(format!("{name}.db"));
        let made = self.ours(documents)?.file;
        if documents > MOST_KEPT {
            std::fs::rename(made, &own)?;
            self.stores.borrow_mut().remove(&documents);
        } else {
            std::fs::copy(made, &own)?;
        }
        Ok(own)
    }

    /// The plain server's file with so many small documents.
    pub(super) fn plain(&self, documents: u64) -> anyhow::Result<PathBuf> {
        let file = self.folder.join(format!("{documents}-plain.db"));
        if !file.exists() {
            println!("filling the plain server with {documents} documents");
            let mut fill = program(&self.folder, &self.plain, &[]);
            let generator = Generator { documents, size: Size::Small };
            piped(fill.arg(&file).arg("/dev/stdin"), generator).context("the plain server")?;
        }
        Ok(file)
    }

    /// Imports into a new file; on one core only, if that is given.
    pub(super) fn import(
        &self,
        name: &str,
        lines: &Lines<'_>,
        documents: u64,
        core: Option<usize>,
    ) -> anyhow::Result<Import> {
        let file = self.folder.join(name);
        ensure!(!file.exists(), "{name} is there already");
        let import = self.import_into(&store_of(&file), lines, documents, core)?;
        let bytes = std::fs::metadata(&file)?.len();
        Ok(Import { file, bytes, ..import })
    }

    /// The same into any store, which has no file.
    pub(super) fn import_into(
        &self,
        store: &str,
        lines: &Lines<'_>,
        documents: u64,
        core: Option<usize>,
    ) -> anyhow::Result<Import> {
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
        import.args(["import", "--store", store]);
        let said = match lines {
            Lines::File(file) => output(import.arg(file)),
            Lines::Generated(generator) => piped(import.arg("-"), *generator),
        };
        let said = said.context("import")?;
        let seconds = start.elapsed().as_secs_f64();
        let cpu_seconds = ended_children_seconds()? - before;
        let import = Import { file: PathBuf::new(), documents, seconds, cpu_seconds, bytes: 0 };
        println!("{}: {:.0} documents/s", said.trim(), import.per_second());
        Ok(import)
    }
}

/// The setting `store` for a file.
pub(super) fn store_of(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Removes a database of SQLite's, with what may lie beside it.
pub(super) fn remove(file: &Path) -> anyhow::Result<()> {
    std::fs::remove_file(file).with_context(|| file.display().to_string())?;
    for beside in ["-wal", "-shm"] {
        let mut beside_it = OsString::from(file);
        beside_it.push(beside);
        // Who ends in order leaves none.
        let _ = std::fs::remove_file(beside_it);
    }
    Ok(())
}

fn write_lines(generator: Generator, to: impl Write) -> anyhow::Result<()> {
    let mut lines = BufWriter::with_capacity(64 << 10, to);
    for number in 0..generator.documents {
        writeln!(lines, "{}", generator.line(number))?;
        if number > 0 && number % MANY_LINES == 0 {
            println!("{number} lines of {}", generator.documents);
        }
    }
    Ok(lines.flush()?)
}

/// Runs a program that reads lines from its standard input, and returns what it printed.
fn piped(command: &mut Command, generator: Generator) -> anyhow::Result<String> {
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let lines = running.stdin.take().context("no standard input")?;
    let written = write_lines(generator, lines);
    let ended = running.wait_with_output()?;
    // That explains a pipe that broke, and not the other way round.
    ensure!(ended.status.success(), "{}", ended.status);
    written?;
    Ok(String::from_utf8(ended.stdout)?)
}

/// The most disk a run over these sizes takes at a time.
fn most_bytes(sizes: &[u64]) -> u64 {
    let (kept, passing): (Vec<u64>, Vec<u64>) = sizes.iter().partition(|size| **size <= MOST_KEPT);
    // Each once as it was made and once to be written to; and either one of the large ones beside that,
    // or PostgreSQL.
    let kept_bytes = kept.iter().sum::<u64>() * (2 * BYTES_OF_OURS + BYTES_OF_PLAIN);
    let postgres = kept.iter().max().map_or(0, |most| most * BYTES_OF_POSTGRES);
    let beside = passing.iter().max().map_or(0, |most| most * BYTES_OF_OURS).max(postgres);
    BYTES_BESIDE + kept_bytes + beside
}

/// Refuses to begin what would fill the disk.
pub(super) fn ensure_room(root: &Path, folder: &Path, sizes: &[u64]) -> anyhow::Result<()> {
    let needed = most_bytes(sizes);
    let said = output(program(root, "df", &["--block-size=1", "--output=avail"]).arg(folder))?;
    let free: u64 = said.lines().last().unwrap_or_default().trim().parse().context("df")?;
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    println!("needs up to {:.0} GiB of disk, {:.0} GiB are free", gib(needed), gib(free));
    ensure!(needed < free, "not enough room on the disk: ask for fewer documents");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_needs_as_much_disk_as_the_help_says() {
        let gib = |sizes: &[u64]| most_bytes(sizes) >> 30;
        assert_eq!(gib(&[10_000, 100_000, 1_000_000, 10_000_000]), 21);
        // Of the large ones, one at a time.
        assert!(gib(&[10_000_000, 20_000_000]) < 31);
        assert!(gib(&[]) >= 4);
    }
}
