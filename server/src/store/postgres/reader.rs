//! Reads: each on a connection of the pool, from one snapshot.
//!
//! A commit comes before its reply, so whoever has a reply reads what it told of, through whichever
//! process: all read from the one database. Only lists may come from a [replica](super::replica).

use super::error::Result;
use crate::store::contract::StoreResult;
use deadpool_postgres::{Pool, Transaction};
use futures::future::BoxFuture;
use tokio_postgres::IsolationLevel;

/// Reads.
#[derive(Debug)]
pub(super) struct Reader {
    pool: Pool,
}

impl Reader {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The pool, for a read of a single statement.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Several statements that see the same.
    pub(super) async fn read<T, W>(&self, what: &'static str, work: W) -> StoreResult<T>
    where
        T: Send,
        W: for<'a, 't> FnOnce(&'a Transaction<'t>) -> BoxFuture<'a, Result<T>> + Send,
    {
        self.snapshot(work).await.map_err(|error| error.during(what))
    }

    async fn snapshot<T, W>(&self, work: W) -> Result<T>
    where
        T: Send,
        W: for<'a, 't> FnOnce(&'a Transaction<'t>) -> BoxFuture<'a, Result<T>> + Send,
    {
        let mut client = self.pool.get().await?;
        let snapshot = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let found = work(&snapshot).await?;
        snapshot.commit().await?;
        Ok(found)
    }

    /// Accepts nothing more.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}
