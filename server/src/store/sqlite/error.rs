//! Errors of this back-end: why a database file was refused, and SQLite's errors in the words of
//! the store contract. Nothing of the driver's types shows outside.

use crate::store::contract::{Lack, StoreError};
use rusqlite::{ErrorCode, ffi};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the database was not opened. The file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory the file should be in is not there.
    #[error("cannot open the database {path}: its directory does not exist")]
    NoDirectory {
        /// As asked for.
        path: PathBuf,
    },
    /// The file is there and is no SQLite database.
    #[error("refusing {path}: it is not a SQLite database")]
    NotADatabase {
        /// As asked for.
        path: PathBuf,
    },
    /// A SQLite database of another application.
    #[error("refusing {path}: it is a database of another application (id {application_id:#x})")]
    Foreign {
        /// As asked for.
        path: PathBuf,
        /// What its header says.
        application_id: i32,
    },
    /// Written by a later release than this one.
    #[error(
        "refusing {path}: its schema is version {found}, this release knows versions up to \
         {supported}; use the release that wrote it, or a later one"
    )]
    Newer {
        /// As asked for.
        path: PathBuf,
        /// The schema version of the file.
        found: i64,
        /// The latest schema version known here.
        supported: i64,
    },
    /// Written by an earlier release than this one, where nothing may be changed.
    #[error(
        "refusing {path}: its schema is version {found}, this release reads version {supported}; \
         start a server of this release on it once"
    )]
    Older {
        /// As asked for.
        path: PathBuf,
        /// The schema version of the file.
        found: i64,
        /// The schema version of this release.
        supported: i64,
    },
    /// There is nothing in it, where something is to be read.
    #[error("refusing {path}: there is nothing in it")]
    Empty {
        /// As asked for.
        path: PathBuf,
    },
    /// Somebody has it open, where nobody else may.
    #[error("{path} is in use; stop the server first")]
    InUse {
        /// As asked for.
        path: PathBuf,
    },
    /// The file system or SQLite failed.
    #[error("cannot open the database {path}: {what} failed")]
    Failed {
        /// As asked for.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What may be said of an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Nature {
    /// Somebody else holds a lock: worth another try.
    Passing,
    /// The file lacks something it will have again.
    Unavailable(Lack),
    /// It stays.
    Lasting,
}

/// Extended codes of an operating system that does not write. What it says of room has a code of its own,
/// but where the index of the write-ahead log grows.
const NOT_WRITTEN: [i32; 4] = [
    ffi::SQLITE_IOERR_WRITE,
    ffi::SQLITE_IOERR_FSYNC,
    ffi::SQLITE_IOERR_DIR_FSYNC,
    ffi::SQLITE_IOERR_TRUNCATE,
];

pub(super) fn nature(error: &rusqlite::Error) -> Nature {
    let Some(ffi::Error { code, extended_code }) = error.sqlite_error() else {
        return Nature::Lasting;
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Nature::Passing,
        ErrorCode::DiskFull => Nature::Unavailable(Lack::Room),
        _ if *extended_code == ffi::SQLITE_IOERR_SHMSIZE => Nature::Unavailable(Lack::Room),
        ErrorCode::ReadOnly => Nature::Unavailable(Lack::Writing),
        _ if NOT_WRITTEN.contains(extended_code) => Nature::Unavailable(Lack::Writing),
        _ => Nature::Lasting,
    }
}

/// The contract's error for one failed unit of work.
pub(super) fn failed(what: &'static str, error: rusqlite::Error) -> StoreError {
    told(what, nature(&error), error.into())
}

/// The same for one of several units of work that share a failure: a batch whose commit failed.
pub(super) fn failed_together(what: &'static str, error: &Arc<rusqlite::Error>) -> StoreError {
    told(what, nature(error), Arc::clone(error).into())
}

fn told(what: &'static str, nature: Nature, source: Box<dyn Error + Send + Sync>) -> StoreError {
    match nature {
        Nature::Passing => StoreError::Busy,
        Nature::Unavailable(lack) => StoreError::Unavailable { what, lack, source },
        Nature::Lasting => StoreError::Failed { what, source },
    }
}

/// A failure that has words only: a panic, a thread that is gone.
pub(super) fn failed_because(what: &'static str, why: impl Into<String>) -> StoreError {
    StoreError::Failed { what, source: why.into().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_told_from_what_is_broken() {
        let cases = [
            (ffi::SQLITE_BUSY_SNAPSHOT, Nature::Passing),
            (ffi::SQLITE_LOCKED, Nature::Passing),
            (ffi::SQLITE_FULL, Nature::Unavailable(Lack::Room)),
            (ffi::SQLITE_IOERR_SHMSIZE, Nature::Unavailable(Lack::Room)),
            (ffi::SQLITE_READONLY, Nature::Unavailable(Lack::Writing)),
            (ffi::SQLITE_READONLY_DBMOVED, Nature::Unavailable(Lack::Writing)),
            (ffi::SQLITE_IOERR_WRITE, Nature::Unavailable(Lack::Writing)),
            (ffi::SQLITE_IOERR_FSYNC, Nature::Unavailable(Lack::Writing)),
            (ffi::SQLITE_IOERR_READ, Nature::Lasting),
            (ffi::SQLITE_CORRUPT, Nature::Lasting),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Nature::Lasting),
        ];
        for (code, expected) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(nature(&error), expected, "{error}");
        }
        assert_eq!(nature(&rusqlite::Error::QueryReturnedNoRows), Nature::Lasting);
    }
}
