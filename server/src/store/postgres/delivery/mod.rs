//! What delivery asks of this store. Only hands over, as [`super::store`] does: what is written goes
//! through the writer, what is read is read from one snapshot.

pub(super) mod log;
mod retention;
mod work;

use super::job::Company::Alone;
use super::store::PostgresStore;
use crate::store::contract::delivery::{
    Claimed, DeliveryStore, Lease, LogPage, LoggedEvent, Progress, Pruned, Retention,
};
use crate::store::contract::{StoreError, StoreResult};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

impl DeliveryStore for PostgresStore {
    fn log_beyond(&self, seq: i64) -> BoxFuture<'_, StoreResult<i64>> {
        beyond(self.memory().watch_head(), seq).boxed()
    }

    fn subscriptions_changed(&self, times: u64) -> BoxFuture<'_, StoreResult<u64>> {
        beyond(self.memory().watch_subscriptions(), times).boxed()
    }

    fn events_after(&self, seq: i64, most: u32) -> BoxFuture<'_, StoreResult<LogPage>> {
        self.reader()
            .read("reading the event log", move |snapshot| log::after(snapshot, seq, most).boxed())
            .boxed()
    }

    fn claim(&self, lease: Lease, most: u32) -> BoxFuture<'_, StoreResult<Vec<Claimed>>> {
        async move {
            let owner = lease.owner.clone();
            let what = "claiming subscriptions";
            self.writer()
                .submit(what, Alone, (lease, most), |unit, input| work::take(unit, input).boxed())
                .await?;
            self.reader()
                .read("reading claimed subscriptions", move |snapshot| {
                    work::claimed(snapshot, owner).boxed()
                })
                .await
        }
        .boxed()
    }

    fn release(&self, owner: String) -> BoxFuture<'_, StoreResult<()>> {
        self.writer()
            .submit("releasing subscriptions", Alone, owner, |unit, input| {
                work::release(unit, input).boxed()
            })
            .boxed()
    }

    fn progress(
        &self,
        owner: String,
        progress: Vec<Progress>,
    ) -> BoxFuture<'_, StoreResult<Vec<String>>> {
        self.writer()
            .submit("writing progress of delivery", Alone, (owner, progress), |unit, input| {
                work::progress(unit, input).boxed()
            })
            .boxed()
    }

    fn queued<'a>(
        &'a self,
        subscription_id: &'a str,
        most: u32,
    ) -> BoxFuture<'a, StoreResult<Vec<LoggedEvent>>> {
        let id = subscription_id.to_owned();
        self.reader()
            .read("reading queued deliveries", move |snapshot| {
                log::queued(snapshot, id, most).boxed()
            })
            .boxed()
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, StoreResult<Pruned>> {
        self.writer()
            .submit("removing old events", Alone, retention, |unit, input| {
                retention::prune(unit, input).boxed()
            })
            .boxed()
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
