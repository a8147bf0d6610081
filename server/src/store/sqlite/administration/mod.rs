//! What operators ask of this store. Only hands over: what is changed goes through the writer, what is
//! read is read in the background.

mod change;
mod status;

use super::change::Unit;
use super::store::SqliteStore;
use crate::store::contract::StoreResult;
use crate::store::contract::administration::{
    Administered, AdministrationStore, DeadDelivery, DeadQuery, Listed, ReplayFrom, State,
    SubscriptionStatus,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use status::Window;

impl AdministrationStore for SqliteStore {
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
        let work = move |unit: &mut Unit<'_>| change::pause(unit, &id);
        self.writer().submit("pausing a subscription", work).boxed()
    }

    fn resume(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>> {
        let work = move |unit: &mut Unit<'_>| change::resume(unit, &id);
        self.writer().submit("resuming a subscription", work).boxed()
    }

    fn replay(&self, id: String, from: ReplayFrom) -> BoxFuture<'_, StoreResult<Administered>> {
        async move {
            // Found before, not in the transaction: it may take a while, and events do not move.
            let work = move |connection: &_| change::cursor_before(connection, &from);
            let found = self.background().read("finding an event", work).await?;
            let Some(cursor) = found else { return Ok(Administered::NotKept) };
            let work = move |unit: &mut Unit<'_>| change::move_cursor(unit, &id, cursor);
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
        let work = move |unit: &mut Unit<'_>| change::redeliver(unit, id);
        self.writer().submit("queueing a dead delivery", work).boxed()
    }
}
