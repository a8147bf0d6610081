//! Backup and restore: a whole database copied from one snapshot, judged before it gets its name.
//!
//! Both are a copy, one way or the other. It is taken while servers read and write: it is what was
//! committed when it began. What it takes the place of must be nobody's, for what others have open would
//! go on living without a name. It is there whole or not at all: made beside its place, checked, renamed.

use super::connection::{READ, create_private, resolve};
use super::error::OpenError;
use super::schema;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for a lock that a writer holds for a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why no copy was made. What was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the databases is not ours to use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is there already.
    #[error("{} is there already; --force replaces it", .0.display())]
    Taken(PathBuf),
    /// There is no such file.
    #[error("there is no {}", .0.display())]
    Missing(PathBuf),
    /// It is a database, but not one of ours.
    #[error("refusing {}: there is nothing of ours in it", .0.display())]
    Empty(PathBuf),
    /// Somebody has the database open.
    #[error("{} is in use; stop the server first", .0.display())]
    InUse(PathBuf),
    /// SQLite finds the database damaged.
    #[error("{} is damaged: {finding}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The first thing that is wrong.
        finding: String,
    },
    /// The copy has not what its source has.
    #[error("the copy is not whole: {copied} interactions of {of}")]
    Short {
        /// In the copy.
        copied: u64,
        /// In the source.
        of: u64,
    },
    /// The file system failed.
    #[error("{what} {} failed", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// SQLite failed.
    #[error("{what} failed")]
    Sqlite {
        /// What was being done.
        what: &'static str,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
}

/// Copies the database `from` to the file `to`, and answers how many interactions it has. Blocks.
///
/// # Errors
/// [`CopyError`]; then `to` is as it was.
pub fn copy(from: &Path, to: &Path, replace: bool) -> Result<u64, CopyError> {
    let to = resolve(to)?;
    free(&to, replace)?;
    let part = copied(from, &to)?;
    let held = if to.exists() { Some(hold(&to)?) } else { None };
    let interactions = part.settle(&to)?;
    // Until here nobody could begin to use the old one.
    drop(held);
    Ok(interactions)
}

/// A whole and sound copy that has not got its name yet. Goes away if it never does.
struct Part {
    path: PathBuf,
    interactions: u64,
}

impl Part {
    /// Gives it its name.
    fn settle(mut self, path: &Path) -> Result<u64, CopyError> {
        let failed = |what| {
            let path = path.to_path_buf();
            move |source| CopyError::Io { what, path, source }
        };
        let sync = |path: &Path| File::open(path)?.sync_all();
        sync(&self.path).map_err(failed("writing"))?;
        // One left by an older file of this name must not become its own.
        remove_log(path).map_err(failed("clearing the log of"))?;
        std::fs::rename(&self.path, path).map_err(failed("naming"))?;
        self.path.clear();
        path.parent().map_or(Ok(()), sync).map_err(failed("writing the directory of"))?;
        Ok(self.interactions)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // Nobody is hurt by what cannot be removed.
            let _ = std::fs::remove_file(&self.path).and_then(|()| remove_log(&self.path));
        }
    }
}

/// Copies a database to a file beside `to`, and checks the copy.
fn copied(from: &Path, to: &Path) -> Result<Part, CopyError> {
    if !from.is_file() {
        return Err(CopyError::Missing(from.to_path_buf()));
    }
    let from = resolve(from)?;
    let because = |what| move |source| CopyError::Sqlite { what, source };
    let source = open(&from, READ)?;
    let mut part = Part { path: beside(to, ".part"), interactions: 0 };
    // What a copy that was cut off has left.
    let _ = remove_log(&part.path).and_then(|()| std::fs::remove_file(&part.path));
    let unwritable = |source| CopyError::Io { what: "creating", path: part.path.clone(), source };
    create_private(&part.path).map_err(unwritable)?;
    // One snapshot for the count and the copy.
    let snapshot = source.unchecked_transaction().map_err(because("reading the database"))?;
    let of = count(&snapshot).map_err(because("counting"))?;
    let mut copy = Connection::open(&part.path).map_err(because("creating the copy"))?;
    // All pages in one step: between steps a writer could make it begin again, for ever.
    let step = Backup::new(&snapshot, &mut copy).and_then(|backup| backup.step(-1));
    match step.map_err(because("copying"))? {
        StepResult::Done => {}
        _ => return Err(CopyError::InUse(from)),
    }
    copy.close().map_err(|(_, source)| CopyError::Sqlite { what: "closing the copy", source })?;
    part.interactions = sound(&part.path)?;
    if part.interactions != of {
        return Err(CopyError::Short { copied: part.interactions, of });
    }
    Ok(part)
}

/// Opens a database that exists and is ours.
fn open(path: &Path, flags: OpenFlags) -> Result<Connection, CopyError> {
    let failed = |source| CopyError::Sqlite { what: "opening a database", source };
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    schema::inspect(&connection, path)?;
    if !schema::is_ours(&connection).map_err(failed)? {
        return Err(CopyError::Empty(path.to_path_buf()));
    }
    Ok(connection)
}

/// Opens a copy anew, has SQLite check all of it, and counts.
fn sound(path: &Path) -> Result<u64, CopyError> {
    let failed = |source| CopyError::Sqlite { what: "checking the copy", source };
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let finding: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if finding != "ok" {
        return Err(CopyError::Damaged { path: path.to_path_buf(), finding });
    }
    let interactions = count(&connection).map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))?;
    Ok(interactions)
}

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .query_row("SELECT count(*) FROM interaction", [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

/// Keeps everybody else from a database, as long as the connection lives.
fn hold(path: &Path) -> Result<Connection, CopyError> {
    let in_use = |_| CopyError::InUse(path.to_path_buf());
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::ZERO).map_err(in_use)?;
    // Leaving write-ahead logging takes being alone; the log is gone afterwards.
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0))
        .map_err(in_use)?;
    if mode != "delete" {
        return Err(CopyError::InUse(path.to_path_buf()));
    }
    connection.execute_batch("BEGIN EXCLUSIVE").map_err(in_use)?;
    Ok(connection)
}

fn free(path: &Path, replace: bool) -> Result<(), CopyError> {
    let log = beside(path, "-wal");
    let taken = [path, log.as_path()].into_iter().find(|path| path.exists());
    taken.filter(|_| !replace).map_or(Ok(()), |taken| Err(CopyError::Taken(taken.to_path_buf())))
}

/// A log that SQLite would take for that of another file of the same name.
fn remove_log(path: &Path) -> io::Result<()> {
    for ending in ["-wal", "-shm", "-journal"] {
        match std::fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
