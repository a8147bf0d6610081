//! Errors of this back-end: why a database file was refused, and SQLite's errors in the words of
//! the store contract. Nothing of the driver's types shows outside.

use crate::store::contract::StoreError;
use rusqlite::ErrorCode;
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

/// Whether SQLite says that somebody else holds a lock: worth another try.
fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// The contract's error for one failed unit of work.
pub(super) fn failed(what: &'static str, error: rusqlite::Error) -> StoreError {
    if is_busy(&error) {
        StoreError::Busy
    } else {
        StoreError::Failed { what, source: Box::new(error) }
    }
}

/// The same for one of several units of work that share a failure: a batch whose commit failed.
pub(super) fn failed_together(what: &'static str, error: &Arc<rusqlite::Error>) -> StoreError {
    if is_busy(error) {
        StoreError::Busy
    } else {
        StoreError::Failed { what, source: Box::new(Arc::clone(error)) }
    }
}

/// A failure that has words only: a panic, a thread that is gone.
pub(super) fn failed_because(what: &'static str, why: impl Into<String>) -> StoreError {
    StoreError::Failed { what, source: why.into().into() }
}
