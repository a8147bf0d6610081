//! Reading the event log.

use super::super::memory;
use crate::domain::event::{Event, EventKind};
use crate::store::contract::delivery::{LogPage, LoggedEvent};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

/// A page has no more than this of documents, but for a single one that is longer.
const PAGE_BYTES: usize = 1 << 20;

/// The columns of an event, for [`event_from`].
pub(in crate::store::sqlite) const COLUMNS: &str =
    "o.seq, o.event_id, o.kind, o.interaction_id, o.foreign_href, o.time,
    o.correlation_id, o.document, o.changed";

/// The events after `seq`.
pub(super) fn after(connection: &Connection, seq: i64, most: u32) -> rusqlite::Result<LogPage> {
    let head = memory::head(connection)?;
    let sql = format!("SELECT {COLUMNS} FROM outbox AS o WHERE o.seq > ?1 ORDER BY o.seq LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![seq, most])?;
    let kept_after = kept_after(connection)?.unwrap_or(head);
    let mut page = LogPage { events: Vec::new(), read_to: head.max(seq), head, kept_after };
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let logged = event_from(row)?;
        bytes += logged.event.document.len();
        if bytes > PAGE_BYTES && !page.events.is_empty() {
            page.read_to = page.events.last().map_or(seq, |last| last.seq);
            return Ok(page);
        }
        page.events.push(logged);
    }
    if page.events.len() == most as usize {
        page.read_to = page.events.last().map_or(seq, |last| last.seq);
    }
    Ok(page)
}

/// What comes before the oldest event; `None`: there is no event.
fn kept_after(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT min(seq) - 1 FROM outbox")?;
    statement.query_row([], |row| row.get(0))
}

/// Events of deliveries queued again.
pub(super) fn queued(
    connection: &Connection,
    subscription_id: &str,
    most: u32,
) -> rusqlite::Result<Vec<LoggedEvent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM dead_delivery AS d JOIN outbox AS o ON o.seq = d.seq
         WHERE d.subscription_id = ?1 AND d.queued = 1 ORDER BY d.seq LIMIT ?2"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![subscription_id, most], event_from)?
        .collect()
}

/// Reads a row of [`COLUMNS`].
pub(in crate::store::sqlite) fn event_from(row: &Row<'_>) -> rusqlite::Result<LoggedEvent> {
    let changed: Option<String> = row.get(8)?;
    let changed = changed.as_deref().map(serde_json::from_str).transpose();
    let event = Event {
        id: row.get(1)?,
        kind: kind_at(row, 2)?,
        interaction_id: row.get(3)?,
        foreign_href: row.get(4)?,
        time: row.get(5)?,
        correlation_id: row.get(6)?,
        document: row.get(7)?,
        changed: changed.map_err(|e| unreadable(8, e))?.unwrap_or_default(),
    };
    Ok(LoggedEvent { seq: row.get(0)?, event })
}

/// The kind of event a column names.
pub(in crate::store::sqlite) fn kind_at(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<EventKind> {
    let name: String = row.get(column)?;
    EventKind::of_name(&name).ok_or_else(|| unreadable(column, format!("no kind of event: {name}")))
}

/// What a column holds was not written by us.
pub(in crate::store::sqlite) fn unreadable(
    column: usize,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}
