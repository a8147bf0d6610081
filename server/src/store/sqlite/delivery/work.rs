//! What a worker writes and reads: leases, claims, progress. The SQL inside the writer's transaction,
//! and one read.
//!
//! A lease is one row per owner rather than one per subscription: renewing it costs the same for one
//! subscription as for thousands. Paused and ended subscriptions have no owner, so all that an owner
//! whose lease is over leaves behind is there to be taken.

use super::super::change::Unit;
use crate::store::contract::Subscription;
use crate::store::contract::delivery::{Claimed, Dead, Failed, Lease, Progress, Redelivered};
use rusqlite::{Connection, Row, params};

/// Renews the lease and takes what nobody has.
pub(super) fn take(unit: &mut Unit<'_>, lease: &Lease, most: u32) -> rusqlite::Result<()> {
    let Lease { owner, now, until } = lease;
    let connection = unit.connection;
    connection
        .prepare_cached(
            "INSERT INTO delivery_lease (owner, until) VALUES (?1, ?2)
             ON CONFLICT (owner) DO UPDATE SET until = excluded.until",
        )?
        .execute(params![owner, until])?;
    connection
        .prepare_cached(
            "UPDATE subscription SET owner = ?1 WHERE id IN
                 (SELECT id FROM subscription
                  WHERE state = 'active' AND (owner IS NULL OR owner IN
                      (SELECT owner FROM delivery_lease WHERE until <= ?2 AND owner <> ?1))
                  LIMIT max(0, ?3 - (SELECT count(*) FROM subscription WHERE owner = ?1)))",
        )?
        .execute(params![owner, now, most])?;
    connection
        .prepare_cached(
            "DELETE FROM delivery_lease WHERE until <= ?1 AND owner <> ?2
                 AND owner NOT IN (SELECT owner FROM subscription WHERE owner IS NOT NULL)",
        )?
        .execute(params![now, owner])?;
    Ok(())
}

/// What an owner has.
pub(super) fn claimed(connection: &Connection, owner: &str) -> rusqlite::Result<Vec<Claimed>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SUBSCRIPTION}, s.epoch, s.cursor, s.attempts, s.next_attempt,
                 EXISTS (SELECT 1 FROM dead_delivery AS d
                         WHERE d.subscription_id = s.id AND d.queued = 1)
             FROM subscription AS s WHERE s.owner = ?1 ORDER BY s.cursor, s.id"
        ))?
        .query_map([owner], |row| {
            Ok(Claimed {
                subscription: subscription_from(row)?,
                epoch: row.get(6)?,
                cursor: row.get(7)?,
                attempts: row.get(8)?,
                next_attempt: row.get(9)?,
                queued: row.get(10)?,
            })
        })?
        .collect()
}

/// Gives everything back.
pub(super) fn release(unit: &mut Unit<'_>, owner: &str) -> rusqlite::Result<()> {
    let connection = unit.connection;
    connection
        .prepare_cached("UPDATE subscription SET owner = NULL WHERE owner = ?1")?
        .execute([owner])?;
    connection.prepare_cached("DELETE FROM delivery_lease WHERE owner = ?1")?.execute([owner])?;
    // Whoever shares this store may take them at once.
    unit.news.subscriptions += 1;
    Ok(())
}

/// Writes all progress that is not refused, and answers whose is.
pub(super) fn progress(
    unit: &mut Unit<'_>,
    owner: &str,
    progress: &[Progress],
) -> rusqlite::Result<Vec<String>> {
    let mut refused = Vec::new();
    for one in progress {
        if advance(unit.connection, owner, one)? {
            let id = &one.subscription_id;
            one.dead.iter().try_for_each(|dead| bury(unit.connection, id, dead))?;
            let mut redelivered = one.redelivered.iter();
            redelivered.try_for_each(|again| settle(unit.connection, id, again))?;
        } else {
            refused.push(one.subscription_id.clone());
        }
    }
    Ok(refused)
}

/// `false`: it is no longer the owner's, or not as it was when it was claimed.
fn advance(connection: &Connection, owner: &str, progress: &Progress) -> rusqlite::Result<bool> {
    let failure = progress.last_failure.as_ref();
    let updated = connection
        .prepare_cached(
            "UPDATE subscription SET cursor = ?4, attempts = ?5, next_attempt = ?6,
                 last_success = coalesce(?7, last_success),
                 last_error = coalesce(?8, last_error),
                 last_error_at = coalesce(?9, last_error_at),
                 state = iif(?10, 'ended', state), owner = iif(?10, NULL, owner)
             WHERE id = ?1 AND owner = ?2 AND epoch = ?3 AND state = 'active'",
        )?
        .execute(params![
            progress.subscription_id,
            owner,
            progress.epoch,
            progress.cursor,
            progress.attempts,
            progress.next_attempt,
            progress.last_success,
            failure.map(|failed| &failed.error),
            failure.map(|failed| failed.at),
            progress.ended,
        ])?;
    Ok(updated > 0)
}

/// An event replayed may die twice; the later death counts.
fn bury(connection: &Connection, subscription_id: &str, dead: &Dead) -> rusqlite::Result<()> {
    let Dead { seq, attempts, failed: Failed { error, at } } = dead;
    connection
        .prepare_cached(
            "INSERT INTO dead_delivery (subscription_id, seq, attempts, error, died_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (subscription_id, seq) DO UPDATE SET attempts = excluded.attempts,
                 error = excluded.error, died_at = excluded.died_at, queued = 0",
        )?
        .execute(params![subscription_id, seq, attempts, error, at])?;
    Ok(())
}

fn settle(
    connection: &Connection,
    subscription_id: &str,
    again: &Redelivered,
) -> rusqlite::Result<()> {
    match &again.failed {
        None => connection
            .prepare_cached("DELETE FROM dead_delivery WHERE subscription_id = ?1 AND seq = ?2")?
            .execute(params![subscription_id, again.seq])?,
        Some(Failed { error, at }) => connection
            .prepare_cached(
                "UPDATE dead_delivery
                 SET attempts = attempts + 1, error = ?3, died_at = ?4, queued = 0
                 WHERE subscription_id = ?1 AND seq = ?2",
            )?
            .execute(params![subscription_id, again.seq, error, at])?,
    };
    Ok(())
}

/// The columns of a subscription, for [`subscription_from`].
pub(super) const SUBSCRIPTION: &str =
    "s.id, s.api_version, s.callback, s.query, s.base_url, s.created_at";

/// Reads a row that begins with [`SUBSCRIPTION`].
pub(super) fn subscription_from(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        id: row.get(0)?,
        api_version: row.get(1)?,
        callback: row.get(2)?,
        query: row.get(3)?,
        base_url: row.get(4)?,
        created_at: row.get(5)?,
    })
}
