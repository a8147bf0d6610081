//! The event log: writing and reading it.

use super::super::error::{Error, Result};
use crate::domain::event::{Event, EventKind};
use crate::store::contract::delivery::{LogPage, LoggedEvent};
use crate::store::postgres::counter::Counter;
use crate::store::postgres::parts::parts;
use deadpool_postgres::Transaction;
use serde_json::json;
use std::borrow::Borrow;
use tokio_postgres::Row;

/// A page has no more than this of documents, but for a single one that is longer.
const PAGE_BYTES: usize = 1 << 20;

/// Rows that are read together.
const TOGETHER: i64 = 64;

/// The columns of an event, for [`event_from`].
pub(in crate::store::postgres) const COLUMNS: &str =
    "o.seq, o.event_id, o.kind, o.interaction_id, o.foreign_href, o.time,
    o.correlation_id, o.document, o.changed";

/// Writes events under their numbers.
pub(in crate::store::postgres) async fn append(
    transaction: &Transaction<'_>,
    events: &[(i64, impl Borrow<Event> + Sync)],
) -> Result<()> {
    for some in parts(events, |(_, event)| event.borrow().document.len()) {
        append_some(transaction, some).await?;
    }
    Ok(())
}

async fn append_some(
    transaction: &Transaction<'_>,
    events: &[(i64, impl Borrow<Event>)],
) -> Result<()> {
    let sql = "INSERT INTO outbox (seq, event_id, kind, interaction_id, foreign_href, time,
             correlation_id, document, changed)
         SELECT n.seq, n.event_id, n.kind, n.interaction_id, n.foreign_href, n.time,
             n.correlation_id, n.document, n.changed
         FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[],
                 $7::TEXT[], $8::TEXT[], $9::TEXT[])
             AS n(seq, event_id, kind, interaction_id, foreign_href, time, correlation_id,
                 document, changed)";
    let statement = transaction.prepare_cached(sql).await?;
    let numbers: Vec<i64> = events.iter().map(|(number, _)| *number).collect();
    let all = || events.iter().map(|(_, event)| event.borrow());
    let texts = |of: fn(&Event) -> &str| all().map(of).collect::<Vec<_>>();
    let options = |of: fn(&Event) -> Option<&str>| all().map(of).collect::<Vec<_>>();
    let changed =
        |event: &Event| (!event.changed.is_empty()).then(|| json!(event.changed).to_string());
    let changed: Vec<Option<String>> = all().map(changed).collect();
    transaction
        .execute(
            &statement,
            &[
                &numbers,
                &texts(|event| &event.id),
                &texts(|event| event.kind.name()),
                &texts(|event| &event.interaction_id),
                &options(|event| event.foreign_href.as_deref()),
                &texts(|event| &event.time),
                &options(|event| event.correlation_id.as_deref()),
                &texts(|event| &event.document),
                &changed,
            ],
        )
        .await?;
    Ok(())
}

/// The events after `seq`. Numbers are in commit order, see [`super::super::schema`].
pub(super) async fn after(snapshot: &Transaction<'_>, seq: i64, most: u32) -> Result<LogPage> {
    let head = Counter::read(snapshot).await?.event;
    let sql = format!("SELECT {COLUMNS} FROM outbox AS o WHERE o.seq > $1 ORDER BY o.seq LIMIT $2");
    let statement = snapshot.prepare_cached(&sql).await?;
    let kept_after = kept_after(snapshot).await?.unwrap_or(head);
    let mut page = LogPage { events: Vec::new(), read_to: head.max(seq), head, kept_after };
    let (mut bytes, mut read_to) = (0, seq);
    loop {
        let left = i64::from(most) - page.events.len() as i64;
        if left <= 0 {
            page.read_to = read_to;
            return Ok(page);
        }
        let together = left.min(TOGETHER);
        let rows = snapshot.query(&statement, &[&read_to, &together]).await?;
        for row in &rows {
            let logged = event_from(row)?;
            bytes += logged.event.document.len();
            if bytes > PAGE_BYTES && !page.events.is_empty() {
                page.read_to = read_to;
                return Ok(page);
            }
            read_to = logged.seq;
            page.events.push(logged);
        }
        if (rows.len() as i64) < together {
            return Ok(page);
        }
    }
}

/// What comes before the oldest event; `None`: there is no event.
async fn kept_after(snapshot: &Transaction<'_>) -> Result<Option<i64>> {
    let statement = snapshot.prepare_cached("SELECT min(seq) - 1 FROM outbox").await?;
    Ok(snapshot.query_one(&statement, &[]).await?.get(0))
}

/// Events of deliveries queued again.
pub(super) async fn queued(
    snapshot: &Transaction<'_>,
    subscription_id: String,
    most: u32,
) -> Result<Vec<LoggedEvent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM dead_delivery AS d JOIN outbox AS o ON o.seq = d.seq
         WHERE d.subscription_id = $1 AND d.queued ORDER BY d.seq LIMIT $2"
    );
    let statement = snapshot.prepare_cached(&sql).await?;
    let rows = snapshot.query(&statement, &[&subscription_id, &i64::from(most)]).await?;
    rows.iter().map(event_from).collect()
}

/// Reads a row of [`COLUMNS`].
pub(in crate::store::postgres) fn event_from(row: &Row) -> Result<LoggedEvent> {
    let changed: Option<&str> = row.get(8);
    let changed = changed.map(serde_json::from_str).transpose();
    let event = Event {
        id: row.get(1),
        kind: kind(row.get(2))?,
        interaction_id: row.get(3),
        foreign_href: row.get(4),
        time: row.get(5),
        correlation_id: row.get(6),
        document: row.get(7),
        changed: changed
            .map_err(|e| Error::because(format!("an event is not as it was written: {e}")))?
            .unwrap_or_default(),
    };
    Ok(LoggedEvent { seq: row.get(0), event })
}

/// The kind of event of that name.
pub(in crate::store::postgres) fn kind(name: &str) -> Result<EventKind> {
    EventKind::of_name(name).ok_or_else(|| Error::because(format!("no kind of event: {name}")))
}
