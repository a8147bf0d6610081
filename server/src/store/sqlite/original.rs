//! A SQLite database that gives away what it keeps, to the store that is to succeed it.
//!
//! It is read a page at a time, each of its own moment, so that a server goes on writing and its log is
//! checkpointed meanwhile. Or it is held, so that nobody can change it until the succession is done.

use super::connection::READ;
use super::delivery::log::{COLUMNS, event_from, unreadable};
use super::delivery::work::{SUBSCRIPTION, subscription_from};
use super::error::{OpenError, failed, failed_because};
use super::once::answered_from;
use super::schema;
use crate::domain::interaction::Interaction;
use crate::store::contract::StoreResult;
use crate::store::contract::administration::State;
use crate::store::contract::delivery::{Dead, Failed};
use crate::store::contract::succession::{
    Counters, KeptAnswer, KeptDelivery, KeptSubscription, Original, Part, Place, Row, error_text,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::{Connection, OpenFlags, ToSql};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// Rows of a page.
const ROWS: u32 = 4096;

/// A page has no more than this, but for a single row that is longer.
const PAGE_BYTES: usize = 1 << 20;

/// How long to wait for a lock that somebody holds for a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database of this release's schema.
#[derive(Debug)]
pub struct SqliteOriginal {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteOriginal {
    /// Opens a database for reading, beside whoever uses it. Blocks.
    ///
    /// # Errors
    /// It is not there, not ours, or not of this release's schema.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::with(path, READ)
    }

    /// The same, and keeps everybody else from it. Blocks.
    ///
    /// # Errors
    /// As [`Self::open`], or somebody has it open.
    pub fn hold(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let held = Self::with(path, flags)?;
        let in_use = |_| OpenError::InUse { path: path.to_path_buf() };
        let connection = held.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // In this mode the lock of the first transaction is kept until the connection is closed.
        connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.pragma_update(None, "locking_mode", "EXCLUSIVE"))
            .and_then(|()| connection.execute_batch("BEGIN EXCLUSIVE; COMMIT"))
            .map_err(in_use)?;
        drop(connection);
        Ok(held)
    }

    fn with(path: &Path, flags: OpenFlags) -> Result<Self, OpenError> {
        let failed = |source: rusqlite::Error| OpenError::Failed {
            path: path.to_path_buf(),
            what: "opening it",
            source: source.into(),
        };
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        schema::inspect_current(&connection, path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }
}

impl Original for SqliteOriginal {
    fn rows(&self, part: Part, after: Place) -> BoxFuture<'_, StoreResult<Vec<Row>>> {
        let connection = Arc::clone(&self.connection);
        let what = part.name();
        let reading = spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            rows(&connection, part, after)
        });
        async move {
            let read = reading.await.map_err(|e| failed_because(what, e.to_string()))?;
            read.map_err(|e| failed(what, e))
        }
        .boxed()
    }
}

fn rows(connection: &Connection, part: Part, after: Place) -> rusqlite::Result<Vec<Row>> {
    let page = |columns: &str, table: &str, place: &str, read| {
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {place} > ?1 ORDER BY {place} LIMIT {ROWS}"
        );
        page(connection, &sql, &after, read)
    };
    match part {
        Part::ExtensionPaths => page("path", "extension_path", "path", path_from),
        Part::Interactions => {
            let columns = "seq, id, version, foreign_href, document";
            page(columns, "interaction", "seq", interaction_from)
        }
        Part::Events => {
            page(COLUMNS, "outbox AS o", "o.seq", |row| Ok(Row::Event(event_from(row)?)))
        }
        Part::Subscriptions => {
            let columns = format!(
                "{SUBSCRIPTION}, s.state, s.epoch, s.cursor, s.attempts, s.next_attempt,
                 s.last_success, s.last_error, s.last_error_at, s.lost_events"
            );
            page(&columns, "subscription AS s", "s.id", kept_subscription_from)
        }
        Part::DeadDeliveries => {
            let columns = "id, subscription_id, seq, attempts, error, died_at, queued";
            page(columns, "dead_delivery", "id", kept_delivery_from)
        }
        Part::Answers => {
            let columns = "request, version, location, body, key, expires";
            page(columns, "idempotency", "key", kept_answer_from)
        }
        Part::Counters => {
            let row = Row::Counters(counters(connection)?);
            Ok(if after < row.place() { vec![row] } else { Vec::new() })
        }
    }
}

fn page(
    connection: &Connection,
    sql: &str,
    after: &Place,
    read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<Row>,
) -> rusqlite::Result<Vec<Row>> {
    let after: &dyn ToSql = match after {
        Place::Number(number) => number,
        Place::Text(text) => text,
        Place::Bytes(bytes) => bytes,
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([after])?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let row = read(row)?;
        bytes += row.bytes();
        if bytes > PAGE_BYTES && !rows.is_empty() {
            break;
        }
        rows.push(row);
    }
    Ok(rows)
}

fn path_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row::ExtensionPath(row.get(0)?))
}

fn interaction_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let interaction = Interaction {
        id: row.get(1)?,
        version: row.get(2)?,
        foreign_href: row.get(3)?,
        text: row.get(4)?,
    };
    Ok(Row::Interaction { number: row.get(0)?, interaction })
}

fn kept_subscription_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let state: String = row.get(6)?;
    let state =
        State::of_name(&state).ok_or_else(|| unreadable(6, format!("no state: {state}")))?;
    let (error, at): (Option<String>, Option<i64>) = (row.get(12)?, row.get(13)?);
    let last_failure = error.zip(at).map(|(error, at)| Failed { error: error_text(error), at });
    Ok(Row::Subscription(KeptSubscription {
        subscription: subscription_from(row)?,
        state,
        epoch: row.get(7)?,
        cursor: row.get(8)?,
        attempts: row.get(9)?,
        next_attempt: row.get(10)?,
        last_success: row.get(11)?,
        last_failure,
        lost_events: row.get(14)?,
    }))
}

fn kept_delivery_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let failed = Failed { error: error_text(row.get(4)?), at: row.get(5)? };
    Ok(Row::DeadDelivery(KeptDelivery {
        id: row.get(0)?,
        subscription_id: row.get(1)?,
        dead: Dead { seq: row.get(2)?, attempts: row.get(3)?, failed },
        queued: row.get(6)?,
    }))
}

fn kept_answer_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let (request, answer) = answered_from(row)?;
    let (key, expires) = (row.get(4)?, row.get(5)?);
    Ok(Row::Answer(KeptAnswer { key, request, expires, answer }))
}

fn counters(connection: &Connection) -> rusqlite::Result<Counters> {
    let sql = "SELECT (SELECT count(*) FROM interaction),
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'interaction'), 0),
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0),
         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'dead_delivery'), 0)";
    connection.prepare_cached(sql)?.query_row([], |row| {
        Ok(Counters {
            interactions: row.get(0)?,
            interaction: row.get(1)?,
            event: row.get(2)?,
            dead_delivery: row.get(3)?,
        })
    })
}
