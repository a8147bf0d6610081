//! The replica: a read-only copy of the database from which lists are read, and nothing else, while it
//! is fresh enough.
//!
//! How fresh is judged in the snapshot a list is read from, so what was promised holds for each list:
//! it shows everything this process has acknowledged, and everything anybody has that is older than
//! the bound. Where the replica cannot promise that, or is away, lists are read from the primary. What
//! is judged is how often interactions were changed, which the [`counter`](super::counter) tells of
//! both, and not what a database says of its replication, for each says it differently.

use super::error::{Error, Result};
use super::heads::Heads;
use super::memory::Memory;
use deadpool_postgres::{GenericClient, Object, Pool};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A copy of the database, and how far it may be behind.
#[derive(Debug)]
pub(super) struct Replica {
    pool: Pool,
    most_stale: Duration,
    /// Of the database it is to be a copy of.
    identity: String,
    memory: Arc<Memory>,
    heads: Mutex<Heads>,
    /// As the last look found it, so that lists need not try in vain.
    is_fit: AtomicBool,
}

/// Why lists are not read from it.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("it is a copy of another database")]
    Foreign,
    #[error("it is behind")]
    Behind,
    #[error("it cannot be read: {0}")]
    Away(#[from] Error),
    #[error("it does not answer")]
    Silent,
}

impl Replica {
    pub(super) fn new(
        pool: Pool,
        most_stale: Duration,
        identity: String,
        memory: Arc<Memory>,
    ) -> Self {
        let heads = Mutex::new(Heads::new(most_stale));
        Self { pool, most_stale, identity, memory, heads, is_fit: AtomicBool::new(false) }
    }

    /// Connections to it.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether it is worth trying.
    pub(super) fn is_fit(&self) -> bool {
        self.is_fit.load(Ordering::Relaxed)
    }

    /// It has just been tried in vain.
    pub(super) fn is_unfit(&self) {
        self.is_fit.store(false, Ordering::Relaxed);
    }

    /// At that moment the primary had no more than so many changes.
    pub(super) fn primary_had(&self, at: Instant, changes: i64) {
        self.heads().note(at, changes);
    }

    /// The most by which this state of it is behind the primary.
    pub(super) async fn age(&self, snapshot: &impl GenericClient) -> Result<Duration> {
        self.judged(snapshot).await.map_err(|unfit| match unfit {
            Unfit::Away(error) => error,
            unfit => Error::because(unfit.to_string()),
        })
    }

    async fn judged(&self, snapshot: &impl GenericClient) -> std::result::Result<Duration, Unfit> {
        let sql = "SELECT interaction + amendment, identity FROM counter WHERE one = 1";
        let statement = snapshot.prepare_cached(sql).await.map_err(Error::from)?;
        let row = snapshot.query_one(&statement, &[]).await.map_err(Error::from)?;
        let (changes, identity): (i64, Option<&str>) = (row.get(0), row.get(1));
        if identity != Some(self.identity.as_str()) {
            return Err(Unfit::Foreign);
        }
        if changes < self.memory.own_changes() {
            return Err(Unfit::Behind);
        }
        self.heads().age(Instant::now(), changes).ok_or(Unfit::Behind)
    }

    /// Looks at it every so often, for as long as it is let.
    pub(super) async fn watch(self: Arc<Self>, every: Duration) {
        let mut told = None;
        loop {
            let found = self.look().await;
            self.is_fit.store(found.is_ok(), Ordering::Relaxed);
            if told.replace(found.is_ok()) != Some(found.is_ok()) {
                match found {
                    Ok(age) => tracing::info!(?age, "lists are read from the replica"),
                    Err(unfit) => {
                        tracing::warn!("lists are read from the primary, not the replica: {unfit}");
                    }
                }
            }
            sleep(every).await;
        }
    }

    async fn look(&self) -> std::result::Result<Duration, Unfit> {
        let client = self.pool.get().await.map_err(Error::from)?;
        match timeout(self.most_stale, self.judged(&client)).await {
            Ok(judged) => judged,
            Err(_) => {
                // The next look is not to wait for the answer to this one.
                drop(Object::take(client));
                Err(Unfit::Silent)
            }
        }
    }

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
