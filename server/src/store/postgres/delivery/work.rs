//! What a worker writes and reads: leases, claims, progress, inside the writer's transaction, and one
//! read.
//!
//! A lease is one row per owner, whichever process that is. Its times are the owners' own: machines
//! whose clocks differ by more than a lease lasts would take subscriptions from each other too early,
//! which costs a notification sent twice, and no more, for progress is only taken from the owner.

use super::super::change::small;
use super::super::error::Result;
use super::super::job::Unit;
use super::super::subscriptions::{SUBSCRIPTION, SUBSCRIPTION_COLUMNS, subscription_from};
use crate::store::contract::delivery::{Claimed, Dead, Failed, Lease, Progress, Redelivered};
use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;

/// Renews the lease and takes what nobody has.
pub(super) async fn take(unit: &Unit<'_>, (lease, most): &(Lease, u32)) -> Result<()> {
    let Lease { owner, now, until } = lease;
    let sql = "INSERT INTO delivery_lease (owner, until) VALUES ($1, $2)
         ON CONFLICT (owner) DO UPDATE SET until = excluded.until";
    execute(unit, sql, &[owner, until]).await?;
    let sql = "SELECT count(*) FROM subscription WHERE owner = $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let has: i64 = unit.transaction.query_one(&statement, &[owner]).await?.get(0);
    let room = (i64::from(*most) - has).max(0);
    let sql = "UPDATE subscription SET owner = $1 WHERE id IN
         (SELECT id FROM subscription
          WHERE state = 'active' AND (owner IS NULL OR owner IN
              (SELECT owner FROM delivery_lease WHERE until <= $2 AND owner <> $1))
          LIMIT $3)";
    execute(unit, sql, &[owner, now, &room]).await?;
    let sql = "DELETE FROM delivery_lease WHERE until <= $1 AND owner <> $2
         AND owner NOT IN (SELECT owner FROM subscription WHERE owner IS NOT NULL)";
    execute(unit, sql, &[now, owner]).await?;
    Ok(())
}

/// What an owner has.
pub(super) async fn claimed(snapshot: &Transaction<'_>, owner: String) -> Result<Vec<Claimed>> {
    let sql = format!(
        "SELECT {SUBSCRIPTION}, s.epoch, s.cursor_seq, s.attempts, s.next_attempt,
             EXISTS (SELECT 1 FROM dead_delivery AS d WHERE d.subscription_id = s.id AND d.queued)
         FROM subscription AS s WHERE s.owner = $1 ORDER BY s.cursor_seq, s.id"
    );
    let statement = snapshot.prepare_cached(&sql).await?;
    let rows = snapshot.query(&statement, &[&owner]).await?;
    let next = SUBSCRIPTION_COLUMNS;
    rows.iter()
        .map(|row| {
            Ok(Claimed {
                subscription: subscription_from(row)?,
                epoch: row.get(next),
                cursor: row.get(next + 1),
                attempts: small(row.get(next + 2))?,
                next_attempt: row.get(next + 3),
                queued: row.get(next + 4),
            })
        })
        .collect()
}

/// Gives everything back.
pub(super) async fn release(unit: &Unit<'_>, owner: &String) -> Result<()> {
    execute(unit, "UPDATE subscription SET owner = NULL WHERE owner = $1", &[owner]).await?;
    execute(unit, "DELETE FROM delivery_lease WHERE owner = $1", &[owner]).await?;
    // Whoever shares this database may take them at once.
    unit.count(|counter| counter.subscriptions += 1);
    Ok(())
}

/// Writes all progress that is not refused, and answers whose is.
pub(super) async fn progress(
    unit: &Unit<'_>,
    (owner, progress): &(String, Vec<Progress>),
) -> Result<Vec<String>> {
    let mut refused = Vec::new();
    for one in progress {
        let id = &one.subscription_id;
        if !advance(unit, owner, one).await? {
            refused.push(id.clone());
            continue;
        }
        for dead in &one.dead {
            bury(unit, id, dead).await?;
        }
        for again in &one.redelivered {
            settle(unit, id, again).await?;
        }
    }
    Ok(refused)
}

/// `false`: it is no longer the owner's, or not as it was when it was claimed.
async fn advance(unit: &Unit<'_>, owner: &String, progress: &Progress) -> Result<bool> {
    let sql = "UPDATE subscription SET cursor_seq = $4, attempts = $5, next_attempt = $6,
             last_success = coalesce($7, last_success), last_error = coalesce($8, last_error),
             last_error_at = coalesce($9, last_error_at),
             state = CASE WHEN $10 THEN 'ended' ELSE state END,
             owner = CASE WHEN $10 THEN NULL ELSE owner END
         WHERE id = $1 AND owner = $2 AND epoch = $3 AND state = 'active'";
    let failure = progress.last_failure.as_ref();
    let values: [&(dyn ToSql + Sync); 10] = [
        &progress.subscription_id,
        owner,
        &progress.epoch,
        &progress.cursor,
        &i64::from(progress.attempts),
        &progress.next_attempt,
        &progress.last_success,
        &failure.map(|failed| shown(&failed.error)),
        &failure.map(|failed| failed.at),
        &progress.ended,
    ];
    Ok(execute(unit, sql, &values).await? > 0)
}

/// An event replayed may die twice; the later death counts.
async fn bury(unit: &Unit<'_>, subscription_id: &String, dead: &Dead) -> Result<()> {
    let Dead { seq, attempts, failed: Failed { error, at } } = dead;
    let sql = "INSERT INTO dead_delivery (id, subscription_id, seq, attempts, error, died_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (subscription_id, seq) DO UPDATE SET attempts = excluded.attempts,
             error = excluded.error, died_at = excluded.died_at, queued = FALSE";
    let id = unit.count(|counter| {
        counter.dead_delivery += 1;
        counter.dead_delivery
    });
    let attempts = i64::from(*attempts);
    execute(unit, sql, &[&id, subscription_id, seq, &attempts, &shown(error), at]).await?;
    Ok(())
}

async fn settle(unit: &Unit<'_>, subscription_id: &String, again: &Redelivered) -> Result<()> {
    let seq = &again.seq;
    match &again.failed {
        None => {
            let sql = "DELETE FROM dead_delivery WHERE subscription_id = $1 AND seq = $2";
            execute(unit, sql, &[subscription_id, seq]).await?;
        }
        Some(Failed { error, at }) => {
            let sql = "UPDATE dead_delivery
                 SET attempts = attempts + 1, error = $3, died_at = $4, queued = FALSE
                 WHERE subscription_id = $1 AND seq = $2";
            execute(unit, sql, &[subscription_id, seq, &shown(error), at]).await?;
        }
    }
    Ok(())
}

/// For people; TEXT has no U+0000.
fn shown(error: &str) -> String {
    error.replace('\0', "\u{fffd}")
}

async fn execute(unit: &Unit<'_>, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
    let statement = unit.transaction.prepare_cached(sql).await?;
    Ok(unit.transaction.execute(&statement, values).await?)
}
