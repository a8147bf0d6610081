//! What an operator does to subscriptions and deliveries, inside the writer's transaction.
//!
//! Each raises the epoch, so that a worker that does not know yet cannot undo it, and is news to the
//! workers of all processes.

use super::super::change::findable;
use super::super::counter::Counter;
use super::super::error::Result;
use super::super::job::Unit;
use crate::store::contract::administration::{Administered, ReplayFrom};
use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;

/// No longer worked on.
pub(super) async fn pause(unit: &Unit<'_>, id: &str) -> Result<Administered> {
    administer(unit, id, "state = 'paused', owner = NULL", &[]).await
}

/// Worked on, and what failed is tried at once.
pub(super) async fn resume(unit: &Unit<'_>, id: &str) -> Result<Administered> {
    administer(unit, id, "state = 'active', attempts = 0, next_attempt = NULL", &[]).await
}

/// Goes on after a cursor. What was given up beyond it is to be told again, and no longer dead.
pub(super) async fn move_cursor(
    unit: &Unit<'_>,
    (id, cursor): &(String, i64),
) -> Result<Administered> {
    let changes = "cursor_seq = $2, attempts = 0, next_attempt = NULL";
    let administered = administer(unit, id, changes, &[cursor]).await?;
    if administered == Administered::Done {
        let sql = "DELETE FROM dead_delivery WHERE subscription_id = $1 AND seq > $2";
        let statement = unit.transaction.prepare_cached(sql).await?;
        unit.transaction.execute(&statement, &[id, cursor]).await?;
    }
    Ok(administered)
}

/// Queues a dead delivery.
pub(super) async fn redeliver(unit: &Unit<'_>, id: &i64) -> Result<Administered> {
    let sql = "SELECT subscription_id FROM dead_delivery WHERE id = $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let Some(found) = unit.transaction.query_opt(&statement, &[id]).await? else {
        return Ok(Administered::Missing);
    };
    let administered = administer(unit, found.get(0), "state = state", &[]).await?;
    if administered == Administered::Done {
        let sql = "UPDATE dead_delivery SET queued = TRUE WHERE id = $1";
        let statement = unit.transaction.prepare_cached(sql).await?;
        unit.transaction.execute(&statement, &[id]).await?;
    }
    Ok(administered)
}

/// Changes a subscription and raises its epoch. `changes` may name one value, as $2.
async fn administer(
    unit: &Unit<'_>,
    id: &str,
    changes: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Administered> {
    let id = findable(id);
    let sql = "SELECT state FROM subscription WHERE id = $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    match unit.transaction.query_opt(&statement, &[&id]).await? {
        None => return Ok(Administered::Missing),
        Some(row) if row.get::<_, &str>(0) == "ended" => return Ok(Administered::Ended),
        Some(_) => {}
    }
    let sql = format!("UPDATE subscription SET {changes}, epoch = epoch + 1 WHERE id = $1");
    let statement = unit.transaction.prepare_cached(&sql).await?;
    let id: &(dyn ToSql + Sync) = &id;
    let values: Vec<_> = [id].into_iter().chain(values.iter().copied()).collect();
    unit.transaction.execute(&statement, &values).await?;
    unit.count(|counter| counter.subscriptions += 1);
    Ok(Administered::Done)
}

/// The cursor from which `from` is what comes next; `None`: not in the log.
pub(super) async fn cursor_before(
    snapshot: &Transaction<'_>,
    from: ReplayFrom,
) -> Result<Option<i64>> {
    match from {
        ReplayFrom::Event(id) => {
            let sql = "SELECT seq FROM outbox WHERE event_id = $1";
            let statement = snapshot.prepare_cached(sql).await?;
            let found = snapshot.query_opt(&statement, &[&findable(&id)]).await?;
            Ok(found.map(|row| row.get::<_, i64>(0) - 1))
        }
        ReplayFrom::Time(time) => cursor_before_time(snapshot, time).await,
    }
}

/// By the ids of events, which are in the order of the times they were drawn at (RFC 9562 §5.7), a
/// moment after the event; so the outbox needs no index of times. Their digits are in the same order
/// under every collation.
async fn cursor_before_time(snapshot: &Transaction<'_>, time: i64) -> Result<Option<i64>> {
    let bound = first_id_of(time);
    let head = Counter::read(snapshot).await?.event;
    let sql = "SELECT (SELECT min(seq) FROM outbox),
         EXISTS (SELECT 1 FROM outbox WHERE event_id < $1),
         (SELECT min(seq) FROM outbox WHERE event_id >= $1)";
    let statement = snapshot.prepare_cached(sql).await?;
    let row = snapshot.query_one(&statement, &[&bound]).await?;
    let (oldest, is_before, first): (Option<i64>, bool, Option<i64>) =
        (row.get(0), row.get(1), row.get(2));
    let nothing_removed = head == 0 || oldest == Some(1);
    if !is_before && !nothing_removed {
        return Ok(None);
    }
    Ok(Some(first.map_or(head, |first| first - 1)))
}

/// What no UUIDv7 drawn before `time` is beyond.
fn first_id_of(time: i64) -> String {
    let time = time.max(0);
    format!("{:08x}-{:04x}", time >> 16, time & 0xffff)
}
