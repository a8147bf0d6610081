//! What delivery asks of this store. Only hands over, as [`super::store`] does: what is written goes
//! through the writer, what is read is read in the background.

pub(super) mod log;
mod retention;
pub(super) mod work;

use super::change::Unit;
use super::store::SqliteStore;
use crate::store::contract::delivery::{
    Claimed, DeliveryStore, Lease, LogPage, LoggedEvent, Progress, Pruned, Retention,
};
use crate::store::contract::{StoreError, StoreResult};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

impl DeliveryStore for SqliteStore {
    fn log_beyond(&self, seq: i64) -> BoxFuture<'_, StoreResult<i64>> {
        beyond(self.memory().watch_head(), seq).boxed()
    }

    fn subscriptions_changed(&self, times: u64) -> BoxFuture<'_, StoreResult<u64>> {
        beyond(self.memory().watch_subscriptions(), times).boxed()
    }

    fn events_after(&self, seq: i64, most: u32) -> BoxFuture<'_, StoreResult<LogPage>> {
        let work = move |connection: &_| log::after(connection, seq, most);
        self.background().read("reading the event log", work).boxed()
    }

    fn claim(&self, lease: Lease, most: u32) -> BoxFuture<'_, StoreResult<Vec<Claimed>>> {
        async move {
            let owner = lease.owner.clone();
            let work = move |unit: &mut Unit<'_>| work::take(unit, &lease, most);
            self.writer().submit("claiming subscriptions", work).await?;
            let work = move |connection: &_| work::claimed(connection, &owner);
            self.background().read("reading claimed subscriptions", work).await
        }
        .boxed()
    }

    fn release(&self, owner: String) -> BoxFuture<'_, StoreResult<()>> {
        let work = move |unit: &mut Unit<'_>| work::release(unit, &owner);
        self.writer().submit("releasing subscriptions", work).boxed()
    }

    fn progress(
        &self,
        owner: String,
        progress: Vec<Progress>,
    ) -> BoxFuture<'_, StoreResult<Vec<String>>> {
        let work = move |unit: &mut Unit<'_>| work::progress(unit, &owner, &progress);
        self.writer().submit("writing progress of delivery", work).boxed()
    }

    fn queued<'a>(
        &'a self,
        subscription_id: &'a str,
        most: u32,
    ) -> BoxFuture<'a, StoreResult<Vec<LoggedEvent>>> {
        let id = subscription_id.to_owned();
        let work = move |connection: &_| log::queued(connection, &id, most);
        self.background().read("reading queued deliveries", work).boxed()
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, StoreResult<Pruned>> {
        let work = move |unit: &mut Unit<'_>| retention::prune(unit, &retention);
        self.writer().submit("removing old events", work).boxed()
    }
}

/// Waits for a number to grow beyond `mark`.
async fn beyond<T>(mut watched: watch::Receiver<T>, mark: T) -> StoreResult<T>
where
    T: Copy + PartialOrd + Send + Sync,
{
    match watched.wait_for(|now| *now > mark).await {
        Ok(now) => Ok(*now),
        Err(_) => Err(StoreError::Closed),
    }
}
