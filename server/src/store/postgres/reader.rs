//! Reads: each on a connection of the pool, from one snapshot.
//!
//! A commit comes before its reply, so whoever has a reply reads what it told of, through whichever
//! process: all read from the one database. Only lists may come from a [replica](super::replica).

use super::connection::in_time;
use super::error::Result;
use crate::store::contract::StoreResult;
use deadpool_postgres::{Pool, Transaction};
use futures::future::BoxFuture;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

/// Reads.
#[derive(Debug)]
pub(super) struct Reader {
    pool: Pool,
    patience: Duration,
}

impl Reader {
    /// A read is given up after `patience`.
    pub(super) fn new(pool: Pool, patience: Duration) -> Self {
        Self { pool, patience }
    }

    /// A single statement.
    pub(super) async fn row(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>> {
        in_time(self.patience, async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query_opt(&statement, values).await?)
        })
        .await
    }

    /// Several statements that see the same.
    pub(super) async fn read<T, W>(&self, what: &'static str, work: W) -> StoreResult<T>
    where
        T: Send,
        W: for<'a, 't> FnOnce(&'a Transaction<'t>) -> BoxFuture<'a, Result<T>> + Send,
    {
        in_time(self.patience, self.snapshot(work)).await.map_err(|error| error.during(what))
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
