//! Creates that happen once (`Idempotency-Key`), inside the writer's transaction.
//!
//! The counter is locked, so of the creates that come with one key, to whichever process, the first to
//! be run finds no row and the others find its row. The interaction and the answer are committed
//! together, or neither is. Each keyed create takes a few expired rows along, more than it adds.

use super::change;
use super::error::{Error, Result};
use super::job::Unit;
use crate::store::contract::{Answered, CreateOnce, CreatedOne, Creation, Once};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Expired rows that one create deletes: more than it adds, and no burden to it.
const MOST_EXPIRED: i64 = 8;

/// Creates, unless the key is known.
pub(super) async fn create_once(
    unit: &Unit<'_>,
    (creations, once): &(Vec<Creation>, Once),
) -> Result<CreateOnce> {
    delete_expired(unit, once.now).await?;
    if let Some((request, answer)) = find(unit, once).await? {
        let is_same = request == once.request;
        return Ok(if is_same { CreateOnce::Replayed(answer) } else { CreateOnce::KeyReused });
    }
    if !change::create(unit, creations).await? {
        return Ok(CreateOnce::IdTaken);
    }
    remember(unit.transaction, (&once.key, &once.request), once.expires, &once.answer).await?;
    Ok(CreateOnce::Created)
}

/// Keeps an answer under its key.
pub(super) async fn remember(
    transaction: &Transaction<'_>,
    (key, request): (&[u8; 32], &[u8; 32]),
    expires: i64,
    Answered { one, body }: &Answered,
) -> Result<()> {
    let (version, location) =
        one.as_ref().map_or((0, ""), |one| (one.version, one.location.as_str()));
    // What is replaced has expired, and waits for its turn to be deleted.
    let sql = "INSERT INTO idempotency (key, request, expires, version, location, body)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (key) DO UPDATE SET request = excluded.request, expires = excluded.expires,
             version = excluded.version, location = excluded.location, body = excluded.body";
    let statement = transaction.prepare_cached(sql).await?;
    let values: [&(dyn ToSql + Sync); 6] =
        [&key.as_slice(), &request.as_slice(), &expires, &version, &location, body];
    transaction.execute(&statement, &values).await?;
    Ok(())
}

/// The request and the answer remembered under the key.
async fn find(unit: &Unit<'_>, once: &Once) -> Result<Option<([u8; 32], Answered)>> {
    let sql = "SELECT request, version, location, body FROM idempotency
         WHERE key = $1 AND expires > $2";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let row = unit.transaction.query_opt(&statement, &[&once.key.as_slice(), &once.now]).await?;
    row.as_ref().map(answered_from).transpose()
}

/// Reads a row that begins with `request, version, location, body`.
pub(super) fn answered_from(row: &Row) -> Result<([u8; 32], Answered)> {
    let request: &[u8] = row.get(0);
    let request = request.try_into().map_err(|_| Error::because("a digest of another length"))?;
    // Where one interaction is, is never nowhere: that stands for several.
    let one = CreatedOne { version: row.get(1), location: row.get(2) };
    let one = Some(one).filter(|one| !one.location.is_empty());
    Ok((request, Answered { one, body: row.get(3) }))
}

async fn delete_expired(unit: &Unit<'_>, now: i64) -> Result<()> {
    let sql = "DELETE FROM idempotency WHERE key IN
         (SELECT key FROM idempotency WHERE expires <= $1 ORDER BY expires LIMIT $2)";
    let statement = unit.transaction.prepare_cached(sql).await?;
    unit.transaction.execute(&statement, &[&now, &MOST_EXPIRED]).await?;
    Ok(())
}
