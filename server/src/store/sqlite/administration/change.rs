//! What an operator does to subscriptions and deliveries: the SQL inside the writer's transaction.
//!
//! Each raises the epoch, so that a worker that does not know yet cannot undo it, and is news to the
//! workers of this process.

use super::super::change::Unit;
use super::super::memory;
use crate::store::contract::administration::{Administered, ReplayFrom};
use rusqlite::{Connection, OptionalExtension, params};

/// No longer worked on.
pub(super) fn pause(unit: &mut Unit<'_>, id: &str) -> rusqlite::Result<Administered> {
    administer(unit, id, "state = 'paused', owner = NULL", None)
}

/// Worked on, and what failed is tried at once.
pub(super) fn resume(unit: &mut Unit<'_>, id: &str) -> rusqlite::Result<Administered> {
    administer(unit, id, "state = 'active', attempts = 0, next_attempt = NULL", None)
}

/// Goes on after `cursor`. What was given up beyond it is to be told again, and no longer dead.
pub(super) fn move_cursor(
    unit: &mut Unit<'_>,
    id: &str,
    cursor: i64,
) -> rusqlite::Result<Administered> {
    let changes = "cursor = ?2, attempts = 0, next_attempt = NULL";
    let administered = administer(unit, id, changes, Some(cursor))?;
    if administered == Administered::Done {
        unit.connection
            .prepare_cached("DELETE FROM dead_delivery WHERE subscription_id = ?1 AND seq > ?2")?
            .execute(params![id, cursor])?;
    }
    Ok(administered)
}

/// Queues a dead delivery.
pub(super) fn redeliver(unit: &mut Unit<'_>, id: i64) -> rusqlite::Result<Administered> {
    let found: Option<String> = unit
        .connection
        .prepare_cached("SELECT subscription_id FROM dead_delivery WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(subscription_id) = found else { return Ok(Administered::Missing) };
    let administered = administer(unit, &subscription_id, "state = state", None)?;
    if administered == Administered::Done {
        unit.connection
            .prepare_cached("UPDATE dead_delivery SET queued = 1 WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(administered)
}

/// Changes a subscription and raises its epoch. `changes` may name one value, as ?2.
fn administer(
    unit: &mut Unit<'_>,
    id: &str,
    changes: &'static str,
    value: Option<i64>,
) -> rusqlite::Result<Administered> {
    let state: Option<String> = unit
        .connection
        .prepare_cached("SELECT state FROM subscription WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match state.as_deref() {
        None => return Ok(Administered::Missing),
        Some("ended") => return Ok(Administered::Ended),
        Some(_) => {}
    }
    let sql = format!("UPDATE subscription SET {changes}, epoch = epoch + 1 WHERE id = ?1");
    let mut statement = unit.connection.prepare_cached(&sql)?;
    match value {
        Some(value) => statement.execute(params![id, value])?,
        None => statement.execute([id])?,
    };
    unit.news.subscriptions += 1;
    Ok(Administered::Done)
}

/// The cursor from which `from` is what comes next; `None`: not in the log.
pub(super) fn cursor_before(
    connection: &Connection,
    from: &ReplayFrom,
) -> rusqlite::Result<Option<i64>> {
    match from {
        ReplayFrom::Event(id) => Ok(connection
            .prepare_cached("SELECT seq FROM outbox WHERE event_id = ?1")?
            .query_row([id], |row| row.get::<_, i64>(0))
            .optional()?
            .map(|seq| seq - 1)),
        ReplayFrom::Time(time) => cursor_before_time(connection, *time),
    }
}

/// By the ids of events, which are in the order of the times they were drawn at (RFC 9562 §5.7), a
/// moment after the event; so the outbox needs no index of times.
fn cursor_before_time(connection: &Connection, time: i64) -> rusqlite::Result<Option<i64>> {
    let bound = first_id_of(time);
    let head = memory::head(connection)?;
    let (oldest, is_before): (Option<i64>, bool) = connection
        .prepare_cached(
            "SELECT (SELECT min(seq) FROM outbox),
                 EXISTS (SELECT 1 FROM outbox WHERE event_id < ?1)",
        )?
        .query_row([&bound], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let nothing_removed = head == 0 || oldest == Some(1);
    if !is_before && !nothing_removed {
        return Ok(None);
    }
    let first: Option<i64> = connection
        .prepare_cached("SELECT min(seq) FROM outbox WHERE event_id >= ?1")?
        .query_row([&bound], |row| row.get(0))?;
    Ok(Some(first.map_or(head, |first| first - 1)))
}

/// What no UUIDv7 drawn before `time` is beyond.
fn first_id_of(time: i64) -> String {
    let time = time.max(0);
    format!("{:08x}-{:04x}", time >> 16, time & 0xffff)
}
