//! What a database keeps, as rows, a page at a time.

use super::super::counter::Counter;
use super::super::delivery::log::{self, event_from};
use super::super::error::{Error, Result};
use super::super::once::answered_from;
use super::super::subscriptions::{SUBSCRIPTION, SUBSCRIPTION_COLUMNS, subscription_from};
use crate::domain::interaction::Interaction;
use crate::store::contract::administration::State;
use crate::store::contract::delivery::{Dead, Failed};
use crate::store::contract::succession::{
    Counters, KeptAnswer, KeptDelivery, KeptSubscription, Part, Place, Row,
};
use crate::store::postgres::change::small;
use deadpool_postgres::Object;
use tokio_postgres::Row as Columns;
use tokio_postgres::types::ToSql;

/// Rows of a page.
const ROWS: usize = 4096;

/// A page has no more than this and a few rows.
const PAGE_BYTES: usize = 1 << 20;

/// Rows that are fetched together.
const TOGETHER: i32 = 128;

/// The rows behind a place. Texts are in the order of their bytes, whatever the collation.
pub(super) async fn rows(client: &mut Object, part: Part, after: &Place) -> Result<Vec<Row>> {
    let mut page = async |columns: &str, table: &str, place: &str, read| {
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {place} > $1 ORDER BY {place} LIMIT {ROWS}"
        );
        page(client, &sql, after, read).await
    };
    match part {
        Part::ExtensionPaths => page("DISTINCT path", "extension_path", "path", path_from).await,
        Part::Interactions => {
            let columns = "seq, id, version, foreign_href, document";
            page(columns, "interaction", "seq", interaction_from).await
        }
        Part::Events => {
            let read = |row: &Columns| Ok(Row::Event(event_from(row)?));
            page(log::COLUMNS, "outbox AS o", "o.seq", read).await
        }
        Part::Subscriptions => {
            let columns = format!(
                "{SUBSCRIPTION}, s.state, s.epoch, s.cursor_seq, s.attempts, s.next_attempt,
                 s.last_success, s.last_error, s.last_error_at, s.lost_events"
            );
            let place = "convert_to(s.id, 'UTF8')";
            page(&columns, "subscription AS s", place, kept_subscription_from).await
        }
        Part::DeadDeliveries => {
            let columns = "id, subscription_id, seq, attempts, error, died_at, queued";
            page(columns, "dead_delivery", "id", kept_delivery_from).await
        }
        Part::Answers => {
            let columns = "request, version, location, body, key, expires";
            page(columns, "idempotency", "key", kept_answer_from).await
        }
        Part::Counters => {
            let row = counters_from(&Counter::read(&*client).await?);
            Ok(if *after < row.place() { vec![row] } else { Vec::new() })
        }
    }
}

async fn page(
    client: &mut Object,
    sql: &str,
    after: &Place,
    read: fn(&Columns) -> Result<Row>,
) -> Result<Vec<Row>> {
    let after: &(dyn ToSql + Sync) = match after {
        Place::Number(number) => number,
        Place::Text(text) => &text.as_bytes(),
        Place::Bytes(bytes) => bytes,
    };
    let snapshot = client.build_transaction().read_only(true).start().await?;
    let statement = snapshot.prepare_cached(sql).await?;
    let portal = snapshot.bind(&statement, &[after]).await?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES {
        let fetched = snapshot.query_portal(&portal, TOGETHER).await?;
        for row in &fetched {
            let row = read(row)?;
            bytes += row.bytes();
            rows.push(row);
        }
        if (fetched.len() as i32) < TOGETHER {
            break;
        }
    }
    Ok(rows)
}

fn path_from(row: &Columns) -> Result<Row> {
    let path = String::from_utf8(row.get(0));
    path.map(Row::ExtensionPath).map_err(|_| Error::because("an extension path is not UTF-8"))
}

fn interaction_from(row: &Columns) -> Result<Row> {
    let interaction = Interaction {
        id: row.get(1),
        version: row.get(2),
        foreign_href: row.get(3),
        text: row.get(4),
    };
    Ok(Row::Interaction { number: row.get(0), interaction })
}

fn kept_subscription_from(row: &Columns) -> Result<Row> {
    let at = |column: usize| SUBSCRIPTION_COLUMNS + column;
    let state: &str = row.get(at(0));
    let state =
        State::of_name(state).ok_or_else(|| Error::because(format!("no state: {state}")))?;
    let (error, failed_at): (Option<String>, Option<i64>) = (row.get(at(6)), row.get(at(7)));
    Ok(Row::Subscription(KeptSubscription {
        subscription: subscription_from(row)?,
        state,
        epoch: row.get(at(1)),
        cursor: row.get(at(2)),
        attempts: small(row.get(at(3)))?,
        next_attempt: row.get(at(4)),
        last_success: row.get(at(5)),
        last_failure: error.zip(failed_at).map(|(error, at)| Failed { error, at }),
        lost_events: row.get(at(8)),
    }))
}

fn kept_delivery_from(row: &Columns) -> Result<Row> {
    let failed = Failed { error: row.get(4), at: row.get(5) };
    Ok(Row::DeadDelivery(KeptDelivery {
        id: row.get(0),
        subscription_id: row.get(1),
        dead: Dead { seq: row.get(2), attempts: small(row.get(3))?, failed },
        queued: row.get(6),
    }))
}

fn kept_answer_from(row: &Columns) -> Result<Row> {
    let (request, answer) = answered_from(row)?;
    let key: &[u8] = row.get(4);
    let key = key.try_into().map_err(|_| Error::because("a digest of another length"))?;
    Ok(Row::Answer(KeptAnswer { key, request, expires: row.get(5), answer }))
}

fn counters_from(counter: &Counter) -> Row {
    let Counter { interaction, interactions, event, dead_delivery, .. } = *counter;
    Row::Counters(Counters { interactions, interaction, event, dead_delivery })
}
