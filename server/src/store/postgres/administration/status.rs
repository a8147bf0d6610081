//! What an operator sees of subscriptions and deliveries.

use super::super::change::{findable, signed, small};
use super::super::counter::Counter;
use super::super::delivery::log::kind;
use super::super::error::{Error, Result};
use super::super::subscriptions::{SUBSCRIPTION, SUBSCRIPTION_COLUMNS, subscription_from};
use crate::store::contract::administration::{
    DeadDelivery, DeadQuery, Listed, State, SubscriptionStatus,
};
use crate::store::contract::delivery::Failed;
use deadpool_postgres::Transaction;
use tokio_postgres::Row;

/// A window of a list: a LIMIT of NULL means none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    offset: i64,
    limit: Option<i64>,
}

impl Window {
    pub(super) fn new(offset: u64, limit: Option<u64>) -> Self {
        Self { offset: signed(offset), limit: limit.map(signed) }
    }
}

/// What a status is read from, for [`status_from`].
fn statuses(rest: &str) -> String {
    format!(
        "SELECT {SUBSCRIPTION}, s.state, s.cursor_seq, s.attempts, s.next_attempt,
             s.last_success, s.last_error, s.last_error_at, s.lost_events,
             (SELECT count(*) FROM dead_delivery AS d WHERE d.subscription_id = s.id),
             (SELECT min(seq) FROM outbox),
             (SELECT time FROM outbox WHERE seq > s.cursor_seq ORDER BY seq LIMIT 1)
         FROM subscription AS s {rest}"
    )
}

/// Subscriptions, oldest first: their ids are in the order they were made.
pub(super) async fn subscriptions(
    snapshot: &Transaction<'_>,
    state: Option<State>,
    window: Window,
) -> Result<Listed<SubscriptionStatus>> {
    let state = state.map(State::name);
    let head = Counter::read(snapshot).await?.event;
    let sql = "SELECT count(*) FROM subscription WHERE $1::TEXT IS NULL OR state = $1";
    let statement = snapshot.prepare_cached(sql).await?;
    let total: i64 = snapshot.query_one(&statement, &[&state]).await?.get(0);
    let sql = statuses(
        "WHERE $1::TEXT IS NULL OR s.state = $1 ORDER BY s.id LIMIT $2::BIGINT OFFSET $3::BIGINT",
    );
    let statement = snapshot.prepare_cached(&sql).await?;
    let rows = snapshot.query(&statement, &[&state, &window.limit, &window.offset]).await?;
    let items = rows.iter().map(|row| status_from(row, head)).collect::<Result<_>>()?;
    Ok(Listed { total: total.unsigned_abs(), items })
}

/// One subscription.
pub(super) async fn subscription(
    snapshot: &Transaction<'_>,
    id: String,
) -> Result<Option<SubscriptionStatus>> {
    let head = Counter::read(snapshot).await?.event;
    let statement = snapshot.prepare_cached(&statuses("WHERE s.id = $1")).await?;
    let row = snapshot.query_opt(&statement, &[&findable(&id)]).await?;
    row.map(|row| status_from(&row, head)).transpose()
}

fn status_from(row: &Row, head: i64) -> Result<SubscriptionStatus> {
    let at = |column: usize| SUBSCRIPTION_COLUMNS + column;
    let state: &str = row.get(at(0));
    let state =
        State::of_name(state).ok_or_else(|| Error::because(format!("no state: {state}")))?;
    let (cursor, dead): (i64, i64) = (row.get(at(1)), row.get(at(8)));
    let oldest: Option<i64> = row.get(at(9));
    let error: Option<String> = row.get(at(5));
    Ok(SubscriptionStatus {
        subscription: subscription_from(row)?,
        state,
        lag: (head - cursor.max(oldest.unwrap_or(head + 1) - 1)).max(0).unsigned_abs(),
        oldest_pending: row.get(at(10)),
        attempts: small(row.get(at(2)))?,
        next_attempt: row.get(at(3)),
        last_success: row.get(at(4)),
        last_failure: error.map(|error| Failed { error, at: row.get(at(6)) }),
        lost_events: row.get(at(7)),
        dead: dead.unsigned_abs(),
    })
}

const DEAD: &str = "SELECT d.id, d.subscription_id, d.attempts, d.error, d.died_at, d.queued,
         o.event_id, o.kind, o.time, o.interaction_id
     FROM dead_delivery AS d JOIN outbox AS o ON o.seq = d.seq";

const DEAD_ONLY: &str = "WHERE ($1::TEXT IS NULL OR d.subscription_id = $1)
     AND ($2::BOOLEAN IS NULL OR d.queued = $2)";

/// Dead and queued deliveries, oldest first.
pub(super) async fn dead(
    snapshot: &Transaction<'_>,
    query: DeadQuery,
    window: Window,
) -> Result<Listed<DeadDelivery>> {
    let DeadQuery { subscription_id, queued } = query;
    if subscription_id.as_deref().is_some_and(|id| findable(id).is_none()) {
        return Ok(Listed { total: 0, items: Vec::new() });
    }
    let counted = format!("SELECT count(*) FROM ({DEAD} {DEAD_ONLY}) AS part");
    let statement = snapshot.prepare_cached(&counted).await?;
    let total: i64 = snapshot.query_one(&statement, &[&subscription_id, &queued]).await?.get(0);
    let sql = format!("{DEAD} {DEAD_ONLY} ORDER BY d.id LIMIT $3::BIGINT OFFSET $4::BIGINT");
    let statement = snapshot.prepare_cached(&sql).await?;
    let rows = snapshot
        .query(&statement, &[&subscription_id, &queued, &window.limit, &window.offset])
        .await?;
    let items = rows.iter().map(dead_from).collect::<Result<_>>()?;
    Ok(Listed { total: total.unsigned_abs(), items })
}

/// One of them.
pub(super) async fn dead_delivery(
    snapshot: &Transaction<'_>,
    id: i64,
) -> Result<Option<DeadDelivery>> {
    let statement = snapshot.prepare_cached(&format!("{DEAD} WHERE d.id = $1")).await?;
    let row = snapshot.query_opt(&statement, &[&id]).await?;
    row.as_ref().map(dead_from).transpose()
}

fn dead_from(row: &Row) -> Result<DeadDelivery> {
    Ok(DeadDelivery {
        id: row.get(0),
        subscription_id: row.get(1),
        attempts: small(row.get(2))?,
        failed: Failed { error: row.get(3), at: row.get(4) },
        queued: row.get(5),
        event_id: row.get(6),
        kind: kind(row.get(7))?,
        time: row.get(8),
        interaction_id: row.get(9),
    })
}
