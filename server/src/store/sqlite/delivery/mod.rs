//! What delivery asks of this store. Only hands over, as [`super::store`] does: what is written goes
//! through the writer, what is read is read in the background.

mod administration;
mod log;
mod retention;
mod status;
mod work;

use super::change::Unit;
use super::store::SqliteStore;
use crate::store::contract::delivery::{
    Administered, Claimed, DeadDelivery, DeadQuery, DeliveryStore, Lease, Listed, LogPage,
    LoggedEvent, Progress, Pruned, ReplayFrom, Retention, State, SubscriptionStatus,
};
use crate::store::contract::{StoreError, StoreResult};
use futures::FutureExt;
use futures::future::BoxFuture;
use status::Window;
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

    fn subscriptions(
        &self,
        state: Option<State>,
        offset: u64,
        limit: Option<u64>,
    ) -> BoxFuture<'_, StoreResult<Listed<SubscriptionStatus>>> {
        let window = Window::new(offset, limit);
        let work = move |connection: &_| status::subscriptions(connection, state, window);
        self.background().read("listing subscriptions", work).boxed()
    }

    fn subscription<'a>(
        &'a self,
        id: &'a str,
    ) -> BoxFuture<'a, StoreResult<Option<SubscriptionStatus>>> {
        let id = id.to_owned();
        let work = move |connection: &_| status::subscription(connection, &id);
        self.background().read("reading a subscription", work).boxed()
    }

    fn pause(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>> {
        let work = move |unit: &mut Unit<'_>| administration::pause(unit, &id);
        self.writer().submit("pausing a subscription", work).boxed()
    }

    fn resume(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>> {
        let work = move |unit: &mut Unit<'_>| administration::resume(unit, &id);
        self.writer().submit("resuming a subscription", work).boxed()
    }

    fn replay(&self, id: String, from: ReplayFrom) -> BoxFuture<'_, StoreResult<Administered>> {
        async move {
            // Found before, not in the transaction: it may take a while, and events do not move.
            let work = move |connection: &_| administration::cursor_before(connection, &from);
            let found = self.background().read("finding an event", work).await?;
            let Some(cursor) = found else { return Ok(Administered::NotKept) };
            let work = move |unit: &mut Unit<'_>| administration::move_cursor(unit, &id, cursor);
            self.writer().submit("replaying events", work).await
        }
        .boxed()
    }

    fn dead(
        &self,
        query: DeadQuery,
        offset: u64,
        limit: Option<u64>,
    ) -> BoxFuture<'_, StoreResult<Listed<DeadDelivery>>> {
        let window = Window::new(offset, limit);
        let work = move |connection: &_| status::dead(connection, &query, window);
        self.background().read("listing dead deliveries", work).boxed()
    }

    fn dead_delivery(&self, id: i64) -> BoxFuture<'_, StoreResult<Option<DeadDelivery>>> {
        let work = move |connection: &_| status::dead_delivery(connection, id);
        self.background().read("reading a dead delivery", work).boxed()
    }

    fn redeliver(&self, id: i64) -> BoxFuture<'_, StoreResult<Administered>> {
        let work = move |unit: &mut Unit<'_>| administration::redeliver(unit, id);
        self.writer().submit("queueing a dead delivery", work).boxed()
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
