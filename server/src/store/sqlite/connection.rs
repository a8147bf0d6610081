//! Connections: how the file comes into being, and what each kind of connection is set to.
//!
//! Every PRAGMA in use is in this file, with its reason. The schema is not: see [`super::schema`].

use super::error::OpenError;
use super::schema;
use super::store::SqliteOptions;
use super::wal::MOST;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// No connection is ever used by two threads at once, so SQLite need not lock it for us.
const WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// The path with its directory made absolute: read connections are opened later, when the
/// working directory may be another, and SQLite takes a path that starts with `file:` for a URI.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let refuse = |what, kind: io::ErrorKind| OpenError::Failed {
        path: path.to_path_buf(),
        what,
        source: io::Error::from(kind).into(),
    };
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(refuse("opening it as a file", io::ErrorKind::IsADirectory));
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match parent.canonicalize() {
        Ok(parent) => Ok(parent.join(name)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(OpenError::NoDirectory { path: path.to_path_buf() })
        }
        Err(e) => Err(refuse("finding its directory", e.kind())),
    }
}

/// Opens the write connection: creates the file if need be, refuses what is not ours before
/// anything is written, and migrates.
pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, OpenError> {
    let failed = |what| {
        move |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Failed {
            path: path.to_path_buf(),
            what,
            source,
        }
    };
    create_private(path).map_err(|e| failed("creating it")(e.into()))?;
    let mut connection =
        Connection::open_with_flags(path, WRITE).map_err(|e| failed("opening it")(e.into()))?;
    connection.busy_timeout(options.busy_timeout).map_err(|e| failed("setting it up")(e.into()))?;
    // Closing a connection checkpoints, which is a write: not before we know whose file it is.
    let checkpoint_off = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection
        .set_db_config(checkpoint_off, true)
        .map_err(|e| failed("setting it up")(e.into()))?;
    schema::inspect(&connection, path)?;
    connection
        .set_db_config(checkpoint_off, false)
        .and_then(|_| set_up_writer(&connection))
        .map_err(|e| failed("setting it up")(e.into()))?;
    schema::migrate(&mut connection).map_err(|e| failed("migrating its schema")(e.into()))?;
    Ok(connection)
}

/// Makes the file, readable and writable for its owner only, before SQLite sees it: what parties
/// said is nobody else's business. SQLite gives -wal and -shm the mode of the database file.
/// A file that exists keeps the mode its operator chose.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

fn set_up_writer(connection: &Connection) -> rusqlite::Result<()> {
    // Readers never wait for the writer, nor the writer for readers, and a commit is one
    // sequential write and one fsync. Lasting: it is recorded in the file.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An acknowledged change survives a power cut: fsync at each commit. NORMAL would only
    // promise a consistent file. Group commit is what makes this affordable.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoint every 4000 pages (16 MiB) instead of 1000 while the schema is migrated: index pages are
    // changed again and again, and reach the database file once per checkpoint. Later, see
    // [`super::wal`].
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // After a peak (a reader that kept the WAL from being reset) give the disk space back.
    connection.pragma_update(None, "journal_size_limit", MOST.cast_signed())?;
    // Savepoint journals stay in memory: no personal data in files under /tmp, and no such I/O.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The upper levels of the index B-trees and the pages of a large batch; in KiB.
    connection.pragma_update(None, "cache_size", -(32 << 10))?;
    // A database file handed to us cannot make our SQL run functions of its own choosing.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    compile_once(connection)
}

/// Keeps SQLite from looking at what is bound when it plans: a statement whose `LIMIT` is bound would else be
/// compiled anew at each use.
fn compile_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Opens the connection that copies the write-ahead log to the database, see [`super::wal`].
pub(super) fn open_copier(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, WRITE)?;
    // As for the writer: the database is on disk before the log is begun anew.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The writer's last checkpoint is the one at close.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Opens a connection for reads by key, on the thread that asks.
pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, READ)?;
    set_up_reader(&connection, options)?;
    Ok(connection)
}

/// What reading connections are opened with. The pool for lists opens its own.
pub(super) const READ: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// What every reading connection is set to.
pub(super) fn set_up_reader(
    connection: &Connection,
    options: &SqliteOptions,
) -> rusqlite::Result<()> {
    // WAL readers are hardly ever blocked: only by recovery and by a close.
    connection.busy_timeout(options.busy_timeout)?;
    // The file is opened read-only already; this makes a mistake an error at the statement.
    connection.pragma_update(None, "query_only", true)?;
    // A reader's cache is thrown away whenever another connection has committed: keep it small;
    // in KiB.
    connection.pragma_update(None, "cache_size", -(1 << 10))?;
    // Sorting and materialised sets stay in memory, see the writer.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    compile_once(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn statements_are_compiled_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, options) = (folder.path().join("a.db"), SqliteOptions::default());
        let writer = open_writer(&path, &options).unwrap();
        for connection in [writer, open_reader(&path, &options).unwrap()] {
            let mut limited = connection.prepare("SELECT seq FROM outbox LIMIT ?").unwrap();
            for limit in 1..4 {
                assert!(!limited.exists([limit]).unwrap());
            }
            assert_eq!(limited.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
