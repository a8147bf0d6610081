//! A database that is made the successor of another store, see [`crate::store::contract::succession`].
//!
//! What it takes goes past the writer of a store: nobody serves, so there are no events to tell of and no
//! numbers to give out, and several transactions may be under way. [`mark`] keeps servers away meanwhile.

mod amend;
pub(super) mod mark;
mod read;

use super::connection::{Address, Settings};
use super::error::{Error, OpenError, Result};
use super::schema;
use super::store::PostgresOptions;
use crate::store::contract::StoreResult;
use crate::store::contract::succession::{Original, Part, Place, Row, Successor, Unfit};
use deadpool_postgres::Pool;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::time::Duration;
use uuid::Uuid;

/// Transactions at a time, reading or writing.
const CONNECTIONS: usize = 8;

/// Nobody waits for these statements but an operator, who sees how they go on.
const SETTINGS: Settings = Settings {
    statement: Duration::from_secs(600),
    lock: Duration::from_secs(60),
    idle: Duration::from_secs(60),
    by_key: true,
};

/// How often rows that conflict with another transaction are tried.
const ATTEMPTS: usize = 5;

/// A database, and this run.
#[derive(Debug)]
pub struct PostgresSuccessor {
    pool: Pool,
    run: String,
}

impl PostgresSuccessor {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// As [`super::PostgresStore::open`].
    pub async fn open(url: &str) -> std::result::Result<Self, OpenError> {
        let pool = Address::of(url, &PostgresOptions::default())?.pool(CONNECTIONS, SETTINGS)?;
        let failed = |e| OpenError::Failed { what: "connecting", source: Box::new(Error::from(e)) };
        schema::migrate(&mut pool.get().await.map_err(failed)?).await?;
        Ok(Self { pool, run: Uuid::now_v7().to_string() })
    }

    async fn try_amend(&self, part: Part, gone: &[Row], new: &[Row]) -> Result<()> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        mark::check(&transaction, &self.run).await?;
        amend::amend(&transaction, part, gone, new).await?;
        Ok(transaction.commit().await?)
    }
}

impl Original for PostgresSuccessor {
    fn rows(&self, part: Part, after: Place) -> BoxFuture<'_, StoreResult<Vec<Row>>> {
        let read = async move {
            let mut client = self.pool.get().await?;
            read::rows(&mut client, part, &after).await
        };
        async move { read.await.map_err(|e: Error| e.during(part.name())) }.boxed()
    }
}

impl Successor for PostgresSuccessor {
    fn begin(&self, original: String) -> BoxFuture<'_, std::result::Result<(), Unfit>> {
        mark::begin(&self.pool, original, &self.run).boxed()
    }

    fn amend(&self, part: Part, gone: Vec<Row>, new: Vec<Row>) -> BoxFuture<'_, StoreResult<()>> {
        async move {
            let mut left = ATTEMPTS;
            loop {
                left -= 1;
                match self.try_amend(part, &gone, &new).await {
                    Err(error) if error.is_conflict() && left > 0 => {}
                    done => return done.map_err(|e| e.during(part.name())),
                }
            }
        }
        .boxed()
    }

    fn finish(&self) -> BoxFuture<'_, std::result::Result<(), Unfit>> {
        mark::finish(&self.pool, &self.run).boxed()
    }
}
