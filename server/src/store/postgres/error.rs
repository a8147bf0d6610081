//! Errors of this back-end: why a database was refused, and PostgreSQL's errors in the words of the
//! store contract. Nothing of the driver's types shows outside.

use crate::store::contract::{Lack, StoreError};
use deadpool_postgres::{PoolError, TimeoutType};
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// Why the database was not opened. It is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read. What it says is not repeated: it may carry a password.
    #[error("the URL is not a PostgreSQL URL such as postgres://user@host/database")]
    Url,
    /// Where TLS is asked for, and the system trusts nobody.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Text is not kept as UTF-8.
    #[error("refusing the database: its encoding is {0}, and has to be UTF8")]
    Encoding(String),
    /// Written by a later release than this one.
    #[error(
        "refusing the database: its schema is version {found}, this release knows versions up to \
         {supported}; use the release that wrote it, or a later one"
    )]
    Newer {
        /// The schema version of the database.
        found: i64,
        /// The latest schema version known here.
        supported: i64,
    },
    /// It has not all that is to be in it.
    #[error(
        "refusing the database: it is being made the successor of {0}; once nobody uses that any \
         more, `migrate --finish` ends it"
    )]
    Unfinished(String),
    /// It cannot be reached, or does not let us.
    #[error("cannot open the database: {what} failed")]
    Failed {
        /// What was being done.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why something did not happen, before it is the contract's error. Cheap to copy: the jobs of a batch
/// may share one.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Error {
    /// The server, or the way to it.
    #[error(transparent)]
    Database(Arc<tokio_postgres::Error>),
    /// No connection can be made.
    #[error(transparent)]
    Connect(Arc<tokio_postgres::Error>),
    /// No connection was had.
    #[error(transparent)]
    Pool(Arc<PoolError>),
    /// The connection is there, and nothing comes through it.
    #[error("the database does not answer")]
    Silent,
    /// What a column holds was not written by us, or a bug.
    #[error("{0}")]
    Because(String),
    /// The connection went away while the commit was on its way.
    #[error("the connection was lost at the commit: whether it was done is not known")]
    Unknown(#[source] Arc<tokio_postgres::Error>),
}

/// What this back-end does, or why not.
pub(super) type Result<T> = std::result::Result<T, Error>;

/// What may be said of an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Nature {
    /// The same again has another outcome: a conflict with another process, a lock, a timeout.
    Passing,
    /// The database lacks something it will have again.
    Unavailable(Lack),
    /// The store has been closed.
    Closed,
    /// It stays.
    Lasting,
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Connect(Arc::new(error)),
            error => Self::Pool(Arc::new(error)),
        }
    }
}

impl Error {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self::Because(why.into())
    }

    pub(super) fn nature(&self) -> Nature {
        match self {
            Self::Database(error) => nature(error),
            Self::Pool(error) => match &**error {
                PoolError::Timeout(TimeoutType::Wait) => Nature::Passing,
                PoolError::Closed => Nature::Closed,
                _ => Nature::Unavailable(Lack::Connection),
            },
            Self::Connect(_) | Self::Silent | Self::Unknown(_) => {
                Nature::Unavailable(Lack::Connection)
            }
            Self::Because(_) => Nature::Lasting,
        }
    }

    /// What became of a commit that failed so.
    pub(super) fn at_commit(error: tokio_postgres::Error) -> Self {
        // The server's word that it was not done; but not its last word, after which it may have been.
        let is_of = |class: &&str| error.code().is_none_or(|code| code.code().starts_with(class));
        if LAST_WORDS.iter().any(is_of) { Self::Unknown(Arc::new(error)) } else { error.into() }
    }

    /// Whether the server says that the same transaction, tried again, may succeed.
    pub(super) fn is_conflict(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        error.code().is_some_and(|code| conflicts.contains(code))
    }

    /// The contract's error for a failed unit of work.
    pub(super) fn during(self, what: &'static str) -> StoreError {
        match self.nature() {
            Nature::Passing => StoreError::Busy,
            Nature::Closed => StoreError::Closed,
            Nature::Unavailable(lack) => {
                StoreError::Unavailable { what, lack, source: Box::new(self) }
            }
            Nature::Lasting => StoreError::Failed { what, source: Box::new(self) },
        }
    }
}

/// Classes of errors with which a server, or an operator, ends what is under way: connection exceptions,
/// operator intervention.
const LAST_WORDS: [&str; 2] = ["08", "57"];

/// The class of those for which it has not enough of something: connections, memory.
const RESOURCES: [&str; 1] = ["53"];

fn nature(error: &tokio_postgres::Error) -> Nature {
    let Some(code) = error.code() else {
        // Without a word of the server: the connection, unless a value could not be bound or read.
        let is_ours = error.to_string().contains("serializ");
        return if is_ours { Nature::Lasting } else { Nature::Unavailable(Lack::Connection) };
    };
    let passing = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ];
    let is_of = |class: &&str| code.code().starts_with(class);
    match code {
        _ if passing.contains(code) => Nature::Passing,
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Nature::Unavailable(Lack::Writing),
        _ if *code == SqlState::DISK_FULL => Nature::Unavailable(Lack::Room),
        _ if *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => {
            Nature::Unavailable(Lack::Connection)
        }
        _ if LAST_WORDS.iter().chain(&RESOURCES).any(is_of) => {
            Nature::Unavailable(Lack::Connection)
        }
        _ => Nature::Lasting,
    }
}
