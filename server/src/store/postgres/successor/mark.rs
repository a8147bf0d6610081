//! The mark of a database that is being made another store's successor: the row of `succession`.
//!
//! As long as it is there no server starts on the database, for it would show a part of the data, and
//! what is written would be taken away by the next run. It is made only in a database nobody ever used, so
//! that nothing can be overwritten; and when it is gone no run begins again.
//!
//! Who is going to use a database leaves a trace in its heartbeat. Whoever comes first, server or
//! migration, holds that row until the other can see it.

use super::super::counter::Counter;
use super::super::error::{Error, OpenError, Result};
use crate::store::contract::succession::Unfit;
use deadpool_postgres::{Object, Pool, Transaction};

const WHAT: &str = "the mark of the succession";

/// For who is going to use the database: refuses one with a mark, and lets no mark be made after that.
pub(in crate::store::postgres) async fn enter(
    client: &mut Object,
) -> std::result::Result<(), OpenError> {
    let entered = async {
        let transaction = client.transaction().await?;
        transaction.execute("UPDATE heartbeat SET beat = beat + 1 WHERE one = 1", &[]).await?;
        let of = original(&transaction).await?;
        if of.is_none() {
            transaction.commit().await?;
        }
        Ok::<_, Error>(of)
    };
    match entered.await {
        Ok(None) => Ok(()),
        Ok(Some(original)) => Err(OpenError::Unfinished(original)),
        Err(e) => Err(OpenError::Failed { what: "entering", source: e.into() }),
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
pub(super) async fn begin(pool: &Pool, name: String, run: &str) -> std::result::Result<(), Unfit> {
    let begun = async {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        let unfit = match original(&transaction).await? {
            Some(of) => (of != name).then_some(Unfit::OfAnother(of)),
            None => is_used(&transaction).await?.then_some(Unfit::Used),
        };
        if let Some(unfit) = unfit {
            return Ok(Err(unfit));
        }
        let sql = "INSERT INTO succession (one, original, run) VALUES (1, $1, $2)
             ON CONFLICT (one) DO UPDATE SET run = excluded.run";
        transaction.execute(sql, &[&name, &run]).await?;
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
        let sql = "DELETE FROM succession WHERE run = $1";
        if transaction.execute(sql, &[&run]).await? == 0 {
            return Ok(Err(Unfit::TakenOver));
        }
        transaction.commit().await?;
        Ok(Ok(()))
    };
    finished.await.unwrap_or_else(|error: Error| Err(error.during(WHAT).into()))
}

/// What the database is being made the successor of, if it is.
async fn original(transaction: &Transaction<'_>) -> Result<Option<String>> {
    let found = transaction.query_opt("SELECT original FROM succession WHERE one = 1", &[]).await?;
    Ok(found.map(|row| row.get(0)))
}

/// Whether anybody ever was going to use it. Nobody begins to before the end of the transaction.
async fn is_used(transaction: &Transaction<'_>) -> Result<bool> {
    let sql = "SELECT beat FROM heartbeat WHERE one = 1 FOR UPDATE";
    let beat: i64 = transaction.query_one(sql, &[]).await?.get(0);
    // Releases before this one left no trace but their data.
    let counter = Counter::read(transaction).await?;
    let sql = "SELECT EXISTS (SELECT 1 FROM subscription)";
    let has_subscriptions: bool = transaction.query_one(sql, &[]).await?.get(0);
    Ok(beat > 0 || counter.interaction > 0 || counter.event > 0 || has_subscriptions)
}
