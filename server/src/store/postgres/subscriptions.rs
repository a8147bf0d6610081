//! The SQL of subscriptions, inside the writer's transaction, and how they are read.

use super::change::findable;
use super::error::{Error, Result};
use super::job::Unit;
use crate::store::contract::{Subscribed, Subscription};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;

/// A new subscription begins at the end of the log.
pub(super) async fn subscribe(
    unit: &Unit<'_>,
    (subscription, most): &(Subscription, u32),
) -> Result<Subscribed> {
    let digest = digest(subscription);
    let sql = "SELECT count(*), coalesce(sum(CASE WHEN digest = $1 THEN 1 ELSE 0 END), 0)::BIGINT
         FROM subscription WHERE state <> 'ended'";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let row = unit.transaction.query_one(&statement, &[&digest.as_slice()]).await?;
    let (all, same): (i64, i64) = (row.get(0), row.get(1));
    if same > 0 {
        return Ok(Subscribed::Already);
    }
    if all >= i64::from(*most) {
        return Ok(Subscribed::TooMany);
    }
    let sql = "INSERT INTO subscription (id, api_version, registered, digest, cursor_seq)
         VALUES ($1, $2, $3, $4, $5)";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let head = unit.counter().event;
    let Subscription { id, api_version, .. } = subscription;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [id, api_version, &registered(subscription), &digest.as_slice(), &head];
    unit.transaction.execute(&statement, &values).await?;
    unit.count(|counter| counter.subscriptions += 1);
    Ok(Subscribed::Done)
}

/// `false`: there is none of that id and version. Its dead deliveries go with it.
pub(super) async fn unsubscribe(
    unit: &Unit<'_>,
    (id, api_version): &(String, String),
) -> Result<bool> {
    let sql = "DELETE FROM subscription WHERE id = $1 AND api_version = $2";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let id = findable(id);
    if unit.transaction.execute(&statement, &[&id, api_version]).await? == 0 {
        return Ok(false);
    }
    let sql = "DELETE FROM dead_delivery WHERE subscription_id = $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    unit.transaction.execute(&statement, &[&id]).await?;
    unit.count(|counter| counter.subscriptions += 1);
    Ok(true)
}

/// Of what may be registered once. No query is the same as no query.
pub(super) fn digest(subscription: &Subscription) -> [u8; 32] {
    let Subscription { api_version, callback, query, .. } = subscription;
    let query = query.as_deref().unwrap_or_default();
    Sha256::digest(json!([api_version, callback, query]).to_string()).into()
}

/// As JSON, which escapes U+0000.
pub(super) fn registered(subscription: &Subscription) -> String {
    let Subscription { callback, query, base_url, created_at, .. } = subscription;
    json!([callback, query, base_url, created_at]).to_string()
}

/// The columns of a subscription, for [`subscription_from`].
pub(super) const SUBSCRIPTION: &str = "s.id, s.api_version, s.registered";

/// How many they are.
pub(super) const SUBSCRIPTION_COLUMNS: usize = 3;

/// Reads a row that begins with [`SUBSCRIPTION`].
pub(super) fn subscription_from(row: &Row) -> Result<Subscription> {
    let registered: &str = row.get(2);
    let (callback, query, base_url, created_at) = serde_json::from_str(registered)
        .map_err(|e| Error::because(format!("a subscription is not as it was written: {e}")))?;
    Ok(Subscription {
        id: row.get(0),
        api_version: row.get(1),
        base_url,
        callback,
        query,
        created_at,
    })
}
