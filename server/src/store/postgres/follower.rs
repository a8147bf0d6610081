//! The follower: what other processes have committed becomes known to this one.
//!
//! It looks at the counter every so often, and at once when it hears a [notice](super::notice).

use super::connection::in_time;
use super::counter::Counter;
use super::error::Result;
use super::memory::Memory;
use super::notice::Notices;
use super::replica::Replica;
use deadpool_postgres::Pool;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The shortest time between two looks: notices that come faster are answered by one.
const SETTLE: Duration = Duration::from_millis(5);

/// Looks at the counter of the database.
#[derive(Debug)]
pub(super) struct Follower {
    pool: Pool,
    patience: Duration,
    memory: Arc<Memory>,
    notices: Arc<Notices>,
    replica: Option<Arc<Replica>>,
}

impl Follower {
    /// A look is given up after `patience`.
    pub(super) fn new(
        pool: Pool,
        patience: Duration,
        memory: Arc<Memory>,
        notices: Arc<Notices>,
        replica: Option<Arc<Replica>>,
    ) -> Self {
        Self { pool, patience, memory, notices, replica }
    }

    /// Follows for as long as it is let.
    pub(super) async fn run(self: Arc<Self>, every: Duration) {
        let mut failing = false;
        loop {
            sleep(SETTLE).await;
            // Time being up is as good a reason to look as news.
            let _ = timeout(every, self.notices.heard()).await;
            match self.look().await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "what other processes write is not seen for now");
                }
                Err(_) => {}
            }
        }
    }

    /// Takes in everything that is committed by now.
    pub(super) async fn look(&self) -> Result<()> {
        in_time(self.patience, self.really_look()).await
    }

    async fn really_look(&self) -> Result<()> {
        let client = self.pool.get().await?;
        let at = Instant::now();
        let counter = Counter::read(&client).await?;
        if let Some(replica) = &self.replica {
            replica.primary_had(at, counter.changes());
        }
        let paths = self.memory.news(&client, &counter).await?;
        self.memory.learn(&counter, paths);
        Ok(())
    }
}
