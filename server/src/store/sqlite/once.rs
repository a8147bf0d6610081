//! Creates that happen once (`Idempotency-Key`): the SQL inside the writer's transaction.
//!
//! One thread writes, so of the creates that come with one key the first to be run finds no row and
//! the others find its row, in the same transaction or a later one. The interaction and the answer
//! are committed together, or neither is: after a crash there is no row without its interaction. A
//! create of several at once is remembered in the same way, with `location` empty.
//!
//! Nobody cleans up on a schedule. Each keyed create takes a few expired rows along, more than it
//! adds, so the table shrinks back whenever it is used.

use super::change::{self, Unit};
use crate::store::contract::{Answered, CreateOnce, CreatedOne, Creation, Once};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Expired rows that one create deletes: more than it adds, and no burden to it.
const MOST_EXPIRED: u32 = 8;

/// Creates, unless the key is known.
pub(super) fn create_once(
    unit: &mut Unit<'_>,
    creations: &[Creation],
    once: &Once,
) -> rusqlite::Result<CreateOnce> {
    delete_expired(unit.connection, once.now)?;
    if let Some((request, answer)) = find(unit.connection, once)? {
        let is_same = request == once.request;
        return Ok(if is_same { CreateOnce::Replayed(answer) } else { CreateOnce::KeyReused });
    }
    if !change::create(unit, creations)? {
        return Ok(CreateOnce::IdTaken);
    }
    let Answered { one, body } = &once.answer;
    let (version, location) =
        one.as_ref().map_or((0, ""), |one| (one.version, one.location.as_str()));
    // What is replaced has expired, and waits for its turn to be deleted.
    unit.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (key, request, expires, version, location, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![once.key, once.request, once.expires, version, location, body])?;
    Ok(CreateOnce::Created)
}

/// The request and the answer remembered under the key.
fn find(connection: &Connection, once: &Once) -> rusqlite::Result<Option<([u8; 32], Answered)>> {
    connection
        .prepare_cached(
            "SELECT request, version, location, body FROM idempotency
             WHERE key = ?1 AND expires > ?2",
        )?
        .query_row(params![once.key, once.now], answered_from)
        .optional()
}

/// Reads a row that begins with `request, version, location, body`.
pub(super) fn answered_from(row: &Row<'_>) -> rusqlite::Result<([u8; 32], Answered)> {
    // Where one interaction is, is never nowhere: that stands for several.
    let one = CreatedOne { version: row.get(1)?, location: row.get(2)? };
    let one = Some(one).filter(|one| !one.location.is_empty());
    Ok((row.get(0)?, Answered { one, body: row.get(3)? }))
}

fn delete_expired(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE key IN
                 (SELECT key FROM idempotency WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        )?
        .execute(params![now, MOST_EXPIRED])?;
    Ok(())
}
