//! Removing events that need not be kept: the SQL inside the writer's transaction.

use super::super::change::Unit;
use super::super::memory;
use crate::store::contract::delivery::{Pruned, Retention};
use rusqlite::{Connection, params};

/// Removes the oldest, up to the first that must stay.
pub(super) fn prune(unit: &mut Unit<'_>, retention: &Retention) -> rusqlite::Result<Pruned> {
    let connection = unit.connection;
    let Some(last) = last_to_go(connection, retention)? else { return Ok(Pruned::default()) };
    let execute = |sql: &str| connection.prepare_cached(sql)?.execute([last]);
    let events = execute("DELETE FROM outbox WHERE seq <= ?1")? as u64;
    execute("DELETE FROM dead_delivery WHERE seq <= ?1")?;
    execute("DELETE FROM subscription WHERE state = 'ended' AND cursor <= ?1")?;
    let losers = connection
        .prepare_cached(
            "UPDATE subscription SET lost_events = ?2 WHERE state <> 'ended' AND cursor < ?1",
        )?
        .execute(params![last, retention.now])? as u64;
    Ok(Pruned { events, losers })
}

/// The last event of those that may be removed now.
fn last_to_go(connection: &Connection, retention: &Retention) -> rusqlite::Result<Option<i64>> {
    let head = memory::head(connection)?;
    let too_many = retention.keep.map(|keep| head - i64::try_from(keep).unwrap_or(i64::MAX));
    let wanted: Option<i64> = connection
        .prepare_cached("SELECT min(cursor) FROM subscription WHERE state <> 'ended'")?
        .query_row([], |row| row.get(0))?;
    let wanted = wanted.filter(|_| !retention.beyond_cursors).unwrap_or(i64::MAX);
    let mut statement =
        connection.prepare_cached("SELECT seq, time FROM outbox ORDER BY seq LIMIT ?1")?;
    let mut rows = statement.query([retention.most])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (seq, time): (i64, String) = (row.get(0)?, row.get(1)?);
        let too_old = retention.older_than.as_ref().is_some_and(|bound| time < *bound);
        let goes = too_old || too_many.is_some_and(|bound| seq <= bound);
        if !goes || seq > wanted {
            break;
        }
        last = Some(seq);
    }
    Ok(last)
}
