//! What an operator sees of subscriptions and deliveries.

use super::super::memory;
use super::log::{kind_at, unreadable};
use super::work::{SUBSCRIPTION, subscription_from};
use crate::store::contract::delivery::{
    DeadDelivery, DeadQuery, Failed, Listed, State, SubscriptionStatus,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A window of a list: negative LIMIT means none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    offset: i64,
    limit: i64,
}

impl Window {
    pub(super) fn new(offset: u64, limit: Option<u64>) -> Self {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self { offset: signed(offset), limit: limit.map_or(-1, signed) }
    }
}

/// What a status is read from, for [`status_from`]; `?1` is the end of the log.
fn statuses(rest: &str) -> String {
    format!(
        "SELECT {SUBSCRIPTION}, s.state, s.cursor, s.attempts, s.next_attempt, s.last_success,
             s.last_error, s.last_error_at, s.lost_events,
             (SELECT count(*) FROM dead_delivery AS d WHERE d.subscription_id = s.id),
             max(0, ?1 - max(s.cursor, (SELECT coalesce(min(seq), ?1 + 1) FROM outbox) - 1)),
             (SELECT time FROM outbox WHERE seq > s.cursor ORDER BY seq LIMIT 1)
         FROM subscription AS s {rest}"
    )
}

/// Subscriptions, oldest first: their ids are in the order they were made.
pub(super) fn subscriptions(
    connection: &Connection,
    state: Option<State>,
    window: Window,
) -> rusqlite::Result<Listed<SubscriptionStatus>> {
    let state = state.map(State::name);
    let head = memory::head(connection)?;
    let total: i64 = connection
        .prepare_cached("SELECT count(*) FROM subscription WHERE ?1 IS NULL OR state = ?1")?
        .query_row([state], |row| row.get(0))?;
    let rest = "WHERE ?2 IS NULL OR s.state = ?2 ORDER BY s.id LIMIT ?3 OFFSET ?4";
    let items = connection
        .prepare_cached(&statuses(rest))?
        .query_map(params![head, state, window.limit, window.offset], status_from)?
        .collect::<Result<_, _>>()?;
    Ok(Listed { total: total.unsigned_abs(), items })
}

/// One subscription.
pub(super) fn subscription(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<SubscriptionStatus>> {
    let head = memory::head(connection)?;
    connection
        .prepare_cached(&statuses("WHERE s.id = ?2"))?
        .query_row(params![head, id], status_from)
        .optional()
}

fn status_from(row: &Row<'_>) -> rusqlite::Result<SubscriptionStatus> {
    let state: String = row.get(6)?;
    let state = State::of_name(&state).ok_or_else(|| unreadable(6, format!("state {state}")))?;
    Ok(SubscriptionStatus {
        subscription: subscription_from(row)?,
        state,
        attempts: row.get(8)?,
        next_attempt: row.get(9)?,
        last_success: row.get(10)?,
        last_failure: failed_at(row, 11)?,
        lost_events: row.get(13)?,
        dead: row.get::<_, i64>(14)?.unsigned_abs(),
        lag: row.get::<_, i64>(15)?.unsigned_abs(),
        oldest_pending: row.get(16)?,
    })
}

/// A failure in two columns, if there is one.
fn failed_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Failed>> {
    let error: Option<String> = row.get(column)?;
    error.map(|error| Ok(Failed { error, at: row.get(column + 1)? })).transpose()
}

const DEAD: &str = "SELECT d.id, d.subscription_id, d.attempts, d.error, d.died_at, d.queued,
         o.event_id, o.kind, o.time, o.interaction_id
     FROM dead_delivery AS d JOIN outbox AS o ON o.seq = d.seq";

const DEAD_ONLY: &str =
    "WHERE (?1 IS NULL OR d.subscription_id = ?1) AND (?2 IS NULL OR d.queued = ?2)";

/// Dead and queued deliveries, oldest first.
pub(super) fn dead(
    connection: &Connection,
    query: &DeadQuery,
    window: Window,
) -> rusqlite::Result<Listed<DeadDelivery>> {
    let DeadQuery { subscription_id, queued } = query;
    let counted = format!("SELECT count(*) FROM ({DEAD} {DEAD_ONLY})");
    let total: i64 = connection
        .prepare_cached(&counted)?
        .query_row(params![subscription_id, queued], |row| row.get(0))?;
    let items = connection
        .prepare_cached(&format!("{DEAD} {DEAD_ONLY} ORDER BY d.id LIMIT ?3 OFFSET ?4"))?
        .query_map(params![subscription_id, queued, window.limit, window.offset], dead_from)?
        .collect::<Result<_, _>>()?;
    Ok(Listed { total: total.unsigned_abs(), items })
}

/// One of them.
pub(super) fn dead_delivery(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Option<DeadDelivery>> {
    connection
        .prepare_cached(&format!("{DEAD} WHERE d.id = ?1"))?
        .query_row([id], dead_from)
        .optional()
}

fn dead_from(row: &Row<'_>) -> rusqlite::Result<DeadDelivery> {
    Ok(DeadDelivery {
        id: row.get(0)?,
        subscription_id: row.get(1)?,
        attempts: row.get(2)?,
        failed: Failed { error: row.get(3)?, at: row.get(4)? },
        queued: row.get(5)?,
        event_id: row.get(6)?,
        kind: kind_at(row, 7)?,
        time: row.get(8)?,
        interaction_id: row.get(9)?,
    })
}
