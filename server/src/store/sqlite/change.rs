//! The SQL of each change: what happens to the tables inside the writer's transaction.
//!
//! Functions here neither begin nor commit; the writer does, for many of them at once. Each may
//! run twice (the first transaction may have been rolled back), so they only read what they are
//! given. Statements come from the connection's cache: they are compiled once per run.

use super::memory::{self, Memory, News};
use super::tail::Told;
use crate::domain::event::Event;
use crate::domain::index::{Key, not_among};
use crate::store::contract::{Before, Creation, Outcome, Record, Subscribed, Subscription};
use rusqlite::{Connection, OptionalExtension, Statement, params};
use serde_json::json;
use std::sync::{Arc, LazyLock};

/// What a job works on.
pub(super) struct Unit<'a> {
    /// In a transaction.
    pub(super) connection: &'a Connection,
    /// What is in memory: the state before the transaction.
    pub(super) memory: &'a Memory,
    /// What the job wants to be in memory once the transaction is committed.
    pub(super) news: &'a mut News,
}

/// `false`: one of the ids exists, and nothing is written.
pub(super) fn create(unit: &mut Unit<'_>, creations: &[Creation]) -> rusqlite::Result<bool> {
    let Some((first, others)) = creations.split_first() else { return Ok(true) };
    // Asked beforehand, for what is written cannot be taken back here. The first, often the only one,
    // is told by its insert.
    for other in others {
        if exists(unit.connection, &other.record.interaction.id)? {
            return Ok(false);
        }
    }
    if !insert(unit, first)? {
        return Ok(false);
    }
    for other in others {
        if !insert(unit, other)? {
            // The same id twice among them: a failure, after which the writer takes all back.
            return Err(rusqlite::Error::StatementChangedRows(0));
        }
    }
    Ok(true)
}

/// All of a creation but its index entries, which follow together with others ([`super::indexing`]).
/// `false`: the id exists.
pub(super) fn insert(unit: &mut Unit<'_>, creation: &Creation) -> rusqlite::Result<bool> {
    let Creation { record, events } = creation;
    let interaction = &record.interaction;
    let inserted = unit
        .connection
        .prepare_cached(
            "INSERT INTO interaction (id, version, foreign_href, document) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            interaction.id,
            interaction.version,
            interaction.foreign_href,
            interaction.text,
        ])?;
    if inserted == 0 {
        return Ok(false);
    }
    let seq = unit.connection.last_insert_rowid();
    let (id, version) = (interaction.id.clone(), interaction.version);
    let told = Told { id, version, keys: Arc::clone(&record.keys) };
    unit.news.created.push((seq.unsigned_abs(), told));
    add_extension_paths(unit, &record.extension_paths)?;
    add_events(unit, events)?;
    Ok(true)
}

/// Replaces the document, and of the index entries those that differ: as far as they are in the index.
pub(super) fn replace(
    unit: &mut Unit<'_>,
    record: &Record,
    before: &Before,
    events: &[Event],
) -> rusqlite::Result<Outcome> {
    let interaction = &record.interaction;
    let seq = match find(unit.connection, &interaction.id, before.version)? {
        Ok(seq) => seq,
        Err(outcome) => return Ok(outcome),
    };
    unit.connection
        .prepare_cached(
            "UPDATE interaction SET version = ?2, foreign_href = ?3, document = ?4 WHERE seq = ?1",
        )?
        .execute(params![seq, interaction.version, interaction.foreign_href, interaction.text,])?;
    for key in not_among(&before.keys, &record.keys) {
        remove_key(unit.connection, seq, key)?;
    }
    if is_indexed(unit.connection, seq)? {
        let new = not_among(&record.keys, &before.keys).map(|key| (key, seq));
        add_keys(unit.connection, new.collect())?;
    }
    add_extension_paths(unit, &record.extension_paths)?;
    add_events(unit, events)?;
    Ok(Outcome::Done)
}

/// Deletes the interaction and its index entries; the outbox keeps what was told of it.
pub(super) fn delete(
    unit: &mut Unit<'_>,
    id: &str,
    before: &Before,
    events: &[Event],
) -> rusqlite::Result<Outcome> {
    let connection = unit.connection;
    let seq = match find(connection, id, before.version)? {
        Ok(seq) => seq,
        Err(outcome) => return Ok(outcome),
    };
    for key in &before.keys {
        remove_key(connection, seq, key)?;
    }
    connection.prepare_cached("DELETE FROM interaction WHERE seq = ?1")?.execute([seq])?;
    add_events(unit, events)?;
    Ok(Outcome::Done)
}

/// A new subscription begins at the end of the log.
pub(super) fn subscribe(
    unit: &mut Unit<'_>,
    subscription: &Subscription,
    most: u32,
) -> rusqlite::Result<Subscribed> {
    let Subscription { id, api_version, callback, query, base_url, created_at } = subscription;
    let connection = unit.connection;
    let head = memory::head(connection)?;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO subscription
                 (id, api_version, callback, query, base_url, created_at, cursor)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
             WHERE (SELECT count(*) FROM subscription WHERE state <> 'ended') < ?8
             ON CONFLICT (api_version, callback, coalesce(query, '')) WHERE state <> 'ended'
             DO NOTHING",
        )?
        .execute(params![id, api_version, callback, query, base_url, created_at, head, most])?;
    if inserted > 0 {
        unit.news.subscriptions += 1;
        return Ok(Subscribed::Done);
    }
    let is_there: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM subscription WHERE api_version = ?1 AND callback = ?2
                 AND coalesce(query, '') = coalesce(?3, '') AND state <> 'ended')",
        )?
        .query_row(params![api_version, callback, query], |row| row.get(0))?;
    Ok(if is_there { Subscribed::Already } else { Subscribed::TooMany })
}

/// `false`: there is none of that id and version. Its dead deliveries go with it.
pub(super) fn unsubscribe(
    unit: &mut Unit<'_>,
    id: &str,
    api_version: &str,
) -> rusqlite::Result<bool> {
    let connection = unit.connection;
    let deleted = connection
        .prepare_cached("DELETE FROM subscription WHERE id = ?1 AND api_version = ?2")?
        .execute([id, api_version])?;
    if deleted == 0 {
        return Ok(false);
    }
    connection
        .prepare_cached("DELETE FROM dead_delivery WHERE subscription_id = ?1")?
        .execute([id])?;
    unit.news.subscriptions += 1;
    Ok(true)
}

/// Writes for the sake of writing; answers the new count.
pub(super) fn beat(unit: &mut Unit<'_>) -> rusqlite::Result<i64> {
    unit.connection
        .prepare_cached("UPDATE heartbeat SET beat = beat + 1 WHERE one = 1 RETURNING beat")?
        .query_row([], |row| row.get(0))
}

fn exists(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM interaction WHERE id = ?1")?.exists([id])
}

/// The `seq` of the interaction at that version, or why there is none.
fn find(
    connection: &Connection,
    id: &str,
    expected_version: i64,
) -> rusqlite::Result<Result<i64, Outcome>> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT seq, version FROM interaction WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match found {
        None => Err(Outcome::Missing),
        Some((_, version)) if version != expected_version => Err(Outcome::Changed),
        Some((seq, _)) => Ok(seq),
    })
}

/// Whether the interaction's entries are in the index; else they follow.
fn is_indexed(connection: &Connection, seq: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT up_to >= ?1 FROM indexed WHERE one = 1")?
        .query_row([seq], |row| row.get(0))
}

/// Entries that one statement adds where there are many: a third of the cost of one is the statement.
const ROWS: usize = 64;

/// The same value twice in one document is one entry.
static ADD_ROWS: LazyLock<String> = LazyLock::new(|| {
    let rows = ["(?, ?, ?)"; ROWS].join(", ");
    format!("INSERT INTO attribute (path, value, seq) VALUES {rows} ON CONFLICT DO NOTHING")
});
const ADD_ROW: &str =
    "INSERT INTO attribute (path, value, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";

/// Adds index entries, in the order in which they lie in the index.
pub(super) fn add_keys(
    connection: &Connection,
    mut entries: Vec<(&Key, i64)>,
) -> rusqlite::Result<()> {
    entries.sort_unstable();
    let chunks = entries.chunks_exact(ROWS);
    let single = chunks.remainder().chunks(1);
    if entries.len() >= ROWS {
        add_rows(&mut *connection.prepare_cached(&ADD_ROWS)?, chunks)?;
    }
    add_rows(&mut *connection.prepare_cached(ADD_ROW)?, single)
}

/// Runs the statement once for each of `chunks`.
fn add_rows<'k>(
    statement: &mut Statement<'_>,
    chunks: impl Iterator<Item = &'k [(&'k Key, i64)]>,
) -> rusqlite::Result<()> {
    for chunk in chunks {
        for ((key, seq), first) in chunk.iter().zip((1..).step_by(3)) {
            statement.raw_bind_parameter(first, key.path)?;
            statement.raw_bind_parameter(first + 1, &key.value)?;
            statement.raw_bind_parameter(first + 2, seq)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// Removes one index entry.
fn remove_key(connection: &Connection, seq: i64, key: &Key) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM attribute WHERE path = ?1 AND value = ?2 AND seq = ?3")?
        .execute(params![key.path, key.value, seq])?;
    Ok(())
}

/// Stores the paths that are news. Nearly always there are none, and then this asks memory only.
fn add_extension_paths(unit: &mut Unit<'_>, paths: &[String]) -> rusqlite::Result<()> {
    for path in paths {
        if unit.memory.knows_extension_path(path) {
            continue;
        }
        unit.connection
            .prepare_cached("INSERT INTO extension_path (path) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([path])?;
        unit.news.extension_paths.push(path.clone());
    }
    Ok(())
}

fn add_events(unit: &mut Unit<'_>, events: &[Event]) -> rusqlite::Result<()> {
    for event in events {
        let changed = (!event.changed.is_empty()).then(|| json!(event.changed).to_string());
        unit.connection
            .prepare_cached(
                "INSERT INTO outbox (event_id, kind, interaction_id, foreign_href, time,
                     correlation_id, document, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                event.id,
                event.kind.name(),
                event.interaction_id,
                event.foreign_href,
                event.time,
                event.correlation_id,
                event.document,
                changed,
            ])?;
        unit.news.head = Some(unit.connection.last_insert_rowid());
    }
    Ok(())
}
