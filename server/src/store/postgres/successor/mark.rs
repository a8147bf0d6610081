//! The mark of a database that is being made another store's successor: the row of `succession`.
//!
//! As long as it is there no server starts on the database, for it would show a part of the data, and
//! what is written would be taken away by the next run. It is made in an empty database only, so what
//! operators have elsewhere cannot be overwritten; and when it is gone no run begins again.

use super::super::counter::Counter;
use super::super::error::{Error, OpenError, Result};
use crate::store::contract::succession::Unfit;
use chrono::Utc;
use deadpool_postgres::{GenericClient, Pool, Transaction};

const WHAT: &str = "the mark of the succession";

/// For who is going to serve.
pub(in crate::store::postgres) async fn refuse(
    client: &impl GenericClient,
) -> std::result::Result<(), OpenError> {
    let found = client.query_opt("SELECT original FROM succession WHERE one = 1", &[]).await;
    match found {
        Ok(None) => Ok(()),
        Ok(Some(row)) => Err(OpenError::Unfinished(row.get(0))),
        Err(e) => Err(OpenError::Failed { what: "looking for its mark", source: e.into() }),
    }
}

/// Whether this run still is the one that writes. Keeps it so until the end of the transaction.
pub(super) async fn check(transaction: &Transaction<'_>, run: &str) -> Result<()> {
    let sql = "SELECT run FROM succession WHERE one = 1 FOR SHARE";
    let statement = transaction.prepare_cached(sql).await?;
    match transaction.query_opt(&statement, &[]).await? {
        Some(row) if row.get::<_, &str>(0) == run => Ok(()),
        _ => Err(Error::because(Unfit::TakenOver.to_string())),
    }
}

/// See [`crate::store::contract::succession::Successor::begin`].
pub(super) async fn begin(
    pool: &Pool,
    original: String,
    run: &str,
) -> std::result::Result<(), Unfit> {
    let begun = async {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        let counter = Counter::lock(&transaction).await?;
        let of = transaction.query_opt("SELECT original FROM succession", &[]).await?;
        let unfit = match of.map(|row| row.get::<_, String>(0)) {
            Some(of) => (of != original).then_some(Unfit::OfAnother(of)),
            None if is_served(&transaction).await? => Some(Unfit::InUse),
            None if is_inhabited(&transaction, &counter).await? => Some(Unfit::Inhabited),
            None => None,
        };
        if let Some(unfit) = unfit {
            return Ok(Err(unfit));
        }
        let sql = "INSERT INTO succession (one, original, run) VALUES (1, $1, $2)
             ON CONFLICT (one) DO UPDATE SET run = excluded.run";
        transaction.execute(sql, &[&original, &run]).await?;
        transaction.commit().await?;
        Ok(Ok(()))
    };
    begun.await.unwrap_or_else(|error: Error| Err(error.during(WHAT).into()))
}

/// See [`crate::store::contract::succession::Successor::finish`].
pub(super) async fn finish(pool: &Pool, run: &str) -> std::result::Result<(), Unfit> {
    let finished = async {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        if is_served(&transaction).await? {
            return Ok(Err(Unfit::InUse));
        }
        let sql = "DELETE FROM succession WHERE run = $1";
        if transaction.execute(sql, &[&run]).await? == 0 {
            return Ok(Err(Unfit::TakenOver));
        }
        transaction.commit().await?;
        Ok(Ok(()))
    };
    finished.await.unwrap_or_else(|error: Error| Err(error.during(WHAT).into()))
}

/// Whether some server, which began before there was a mark, has a lease.
async fn is_served(transaction: &Transaction<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM delivery_lease WHERE until > $1)";
    let now = Utc::now().timestamp_millis();
    Ok(transaction.query_one(sql, &[&now]).await?.get(0))
}

/// Whether there is, or ever was, anything.
async fn is_inhabited(transaction: &Transaction<'_>, counter: &Counter) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM subscription) OR EXISTS (SELECT 1 FROM idempotency)
         OR EXISTS (SELECT 1 FROM extension_path)";
    let has_rows: bool = transaction.query_one(sql, &[]).await?.get(0);
    Ok(has_rows || counter.interaction > 0 || counter.event > 0)
}
