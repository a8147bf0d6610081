//! What operators ask of this store. Only hands over: what is changed goes through the writer, what is
//! read is read from one snapshot.

mod change;
mod status;

use super::job::Company::Alone;
use super::store::PostgresStore;
use crate::store::contract::StoreResult;
use crate::store::contract::administration::{
    Administered, AdministrationStore, DeadDelivery, DeadQuery, Listed, ReplayFrom, State,
    SubscriptionStatus,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use status::Window;

impl AdministrationStore for PostgresStore {
    fn subscriptions(
        &self,
        state: Option<State>,
        offset: u64,
        limit: Option<u64>,
    ) -> BoxFuture<'_, StoreResult<Listed<SubscriptionStatus>>> {
        let window = Window::new(offset, limit);
        self.reader()
            .read("listing subscriptions", move |snapshot| {
                status::subscriptions(snapshot, state, window).boxed()
            })
            .boxed()
    }

    fn subscription<'a>(
        &'a self,
        id: &'a str,
    ) -> BoxFuture<'a, StoreResult<Option<SubscriptionStatus>>> {
        let id = id.to_owned();
        self.reader()
            .read("reading a subscription", move |snapshot| {
                status::subscription(snapshot, id).boxed()
            })
            .boxed()
    }

    fn pause(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>> {
        self.writer()
            .submit("pausing a subscription", Alone, id, |unit, id| change::pause(unit, id).boxed())
            .boxed()
    }

    fn resume(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>> {
        self.writer()
            .submit("resuming a subscription", Alone, id, |unit, id| {
                change::resume(unit, id).boxed()
            })
            .boxed()
    }

    fn replay(&self, id: String, from: ReplayFrom) -> BoxFuture<'_, StoreResult<Administered>> {
        async move {
            // Found before, not in the transaction: it may take a while, and events do not move.
            let found = self
                .reader()
                .read("finding an event", move |snapshot| {
                    change::cursor_before(snapshot, from).boxed()
                })
                .await?;
            let Some(cursor) = found else { return Ok(Administered::NotKept) };
            self.writer()
                .submit("replaying events", Alone, (id, cursor), |unit, input| {
                    change::move_cursor(unit, input).boxed()
                })
                .await
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
        self.reader()
            .read("listing dead deliveries", move |snapshot| {
                status::dead(snapshot, query, window).boxed()
            })
            .boxed()
    }

    fn dead_delivery(&self, id: i64) -> BoxFuture<'_, StoreResult<Option<DeadDelivery>>> {
        self.reader()
            .read("reading a dead delivery", move |snapshot| {
                status::dead_delivery(snapshot, id).boxed()
            })
            .boxed()
    }

    fn redeliver(&self, id: i64) -> BoxFuture<'_, StoreResult<Administered>> {
        self.writer()
            .submit("queueing a dead delivery", Alone, id, |unit, id| {
                change::redeliver(unit, id).boxed()
            })
            .boxed()
    }
}
