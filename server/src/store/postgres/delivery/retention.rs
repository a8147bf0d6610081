//! Removing events that need not be kept, inside the writer's transaction.

use super::super::change::signed;
use super::super::error::Result;
use super::super::job::Unit;
use crate::store::contract::delivery::{Pruned, Retention};

/// Removes the oldest, up to the first that must stay.
pub(super) async fn prune(unit: &Unit<'_>, retention: &Retention) -> Result<Pruned> {
    let Some(last) = last_to_go(unit, retention).await? else { return Ok(Pruned::default()) };
    let execute = async |sql: &str| -> Result<u64> {
        let statement = unit.transaction.prepare_cached(sql).await?;
        Ok(unit.transaction.execute(&statement, &[&last]).await?)
    };
    let events = execute("DELETE FROM outbox WHERE seq <= $1").await?;
    execute("DELETE FROM dead_delivery WHERE seq <= $1").await?;
    execute("DELETE FROM subscription WHERE state = 'ended' AND cursor_seq <= $1").await?;
    let sql = "UPDATE subscription SET lost_events = $2 WHERE state <> 'ended' AND cursor_seq < $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let losers = unit.transaction.execute(&statement, &[&last, &retention.now]).await?;
    Ok(Pruned { events, losers })
}

/// The last event of those that may be removed now.
async fn last_to_go(unit: &Unit<'_>, retention: &Retention) -> Result<Option<i64>> {
    let too_many = retention.keep.map(|keep| unit.counter().event.saturating_sub(signed(keep)));
    let sql = "SELECT min(cursor_seq) FROM subscription WHERE state <> 'ended'";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let wanted: Option<i64> = unit.transaction.query_one(&statement, &[]).await?.get(0);
    let wanted = wanted.filter(|_| !retention.beyond_cursors).unwrap_or(i64::MAX);
    let sql = "SELECT seq, time FROM outbox ORDER BY seq LIMIT $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let rows = unit.transaction.query(&statement, &[&i64::from(retention.most)]).await?;
    let goes = rows.iter().map(|row| (row.get::<_, i64>(0), row.get::<_, &str>(1))).take_while(
        |(seq, time)| {
            let too_old = retention.older_than.as_ref().is_some_and(|bound| *time < bound.as_str());
            (too_old || too_many.is_some_and(|bound| *seq <= bound)) && *seq <= wanted
        },
    );
    Ok(goes.last().map(|(seq, _)| seq))
}
