//! What delivery asks of a store: the event log, cursors over it, leases, and what went wrong.
//!
//! The log is the outbox, numbered by `seq` in commit order. A subscription's *cursor* says that
//! every event up to it is settled: delivered, not wanted, or given up (dead). Nothing else is kept
//! per delivery, except for dead ones.
//!
//! Each subscription is worked by one process at a time, its *owner*, for as long as the owner renews
//! its lease. Whatever changes a subscription from outside (pause, resume, replay, redeliver) raises
//! its *epoch*; what its worker writes afterwards under the old epoch is refused, so that the worker
//! never undoes what an operator did.
//!
//! For implementations: readers must never see an event before one of a smaller `seq` is visible,
//! or a cursor would pass it unseen. Where numbers are given out before the commit decides the
//! order, [`DeliveryStore::events_after`] must stop in front of the first one still undecided.
//!
//! Times are milliseconds since 1970 unless told otherwise.

use super::{StoreResult, Subscription};
use crate::domain::event::{Event, EventKind};
use futures::future::BoxFuture;

/// An event in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Place in commit order, from 1. Numbers may be missing.
    pub seq: i64,
    /// What happened.
    pub event: Event,
}

/// A stretch of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// In order.
    pub events: Vec<LoggedEvent>,
    /// Everything up to here is in the page or before it, or is no longer kept.
    pub read_to: i64,
    /// The last number given out.
    pub head: i64,
}

/// Who works on subscriptions, and until when nobody else does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// Drawn once per process.
    pub owner: String,
    /// By the clock all owners share.
    pub now: i64,
    /// When the lease ends unless it is renewed.
    pub until: i64,
}

/// A subscription that is ours to work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// What was registered.
    pub subscription: Subscription,
    /// Goes with all progress that is written.
    pub epoch: i64,
    /// All up to here is settled.
    pub cursor: i64,
    /// How often the first event after the cursor that is wanted was tried in vain.
    pub attempts: u32,
    /// Not before then.
    pub next_attempt: Option<i64>,
    /// There are dead deliveries somebody wants tried again, see [`DeliveryStore::queued`].
    pub queued: bool,
}

/// How far the work on a subscription has got. Written together with that of others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Whose.
    pub subscription_id: String,
    /// As it was claimed.
    pub epoch: i64,
    /// See [`Claimed::cursor`].
    pub cursor: i64,
    /// See [`Claimed::attempts`].
    pub attempts: u32,
    /// See [`Claimed::next_attempt`].
    pub next_attempt: Option<i64>,
    /// Latest acknowledgement; `None`: as before.
    pub last_success: Option<i64>,
    /// Latest failure; `None`: as before.
    pub last_failure: Option<Failed>,
    /// Events given up.
    pub dead: Vec<Dead>,
    /// What became of deliveries that were queued.
    pub redelivered: Vec<Redelivered>,
    /// The listener is gone for good (410): nothing is sent to it again.
    pub ended: bool,
}

/// What an attempt met.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failed {
    /// For the operator: short, and nothing secret in it.
    pub error: String,
    /// When.
    pub at: i64,
}

/// An event given up for one subscription.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dead {
    /// Of the event.
    pub seq: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt met.
    pub failed: Failed,
}

/// What became of a queued delivery: it is delivered and forgotten, or dead again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redelivered {
    /// Of the event.
    pub seq: i64,
    /// What the attempt met, unless it was acknowledged.
    pub failed: Option<Failed>,
}

/// Whether a subscription is worked on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is.
    Active,
    /// An operator said not to. What happens meanwhile is kept for it.
    Paused,
    /// Its listener said it is gone. Kept to be seen, until retention.
    Ended,
}

impl State {
    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// The state of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Ended].into_iter().find(|state| state.name() == name)
    }
}

/// A subscription as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionStatus {
    /// What was registered.
    pub subscription: Subscription,
    /// Whether it is worked on.
    pub state: State,
    /// Events of the log beyond its cursor, wanted or not.
    pub lag: u64,
    /// RFC 3339: when the first of these happened.
    pub oldest_pending: Option<String>,
    /// See [`Claimed::attempts`].
    pub attempts: u32,
    /// See [`Claimed::next_attempt`].
    pub next_attempt: Option<i64>,
    /// Latest acknowledgement.
    pub last_success: Option<i64>,
    /// Latest failure.
    pub last_failure: Option<Failed>,
    /// When retention last removed events it had not got.
    pub lost_events: Option<i64>,
    /// Events given up for it, those queued again included.
    pub dead: u64,
}

/// A dead or queued delivery as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadDelivery {
    /// Names it.
    pub id: i64,
    /// Whose.
    pub subscription_id: String,
    /// Of what.
    pub event_id: String,
    /// What kind of event.
    pub kind: EventKind,
    /// RFC 3339, UTC.
    pub time: String,
    /// What it tells of.
    pub interaction_id: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt met.
    pub failed: Failed,
    /// It will be tried again.
    pub queued: bool,
}

/// Which deliveries are asked for; `None` does not narrow.
#[derive(Clone, Debug, Default)]
pub struct DeadQuery {
    /// Those of this subscription.
    pub subscription_id: Option<String>,
    /// Those queued again, or those that are not.
    pub queued: Option<bool>,
}

/// Some of many, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// All there are.
    pub total: u64,
    /// The window asked for.
    pub items: Vec<T>,
}

/// From where on to deliver again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReplayFrom {
    /// This event is the first.
    Event(String),
    /// Everything that happened then or later, and possibly a little from before.
    Time(i64),
}

/// What became of an operator's word about a subscription or a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Administered {
    /// Done.
    Done,
    /// There is no such subscription or delivery.
    Missing,
    /// The subscription has ended, and stays so.
    Ended,
    /// The event is not, or no longer, in the log; of a time: what happened then is not.
    NotKept,
}

/// Which events need not be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Retention {
    /// The clock.
    pub now: i64,
    /// RFC 3339, UTC, to the millisecond: those from before. `None`: of whatever age.
    pub older_than: Option<String>,
    /// Those beyond this many. `None`: however many.
    pub keep: Option<u64>,
    /// Those some subscription has still to get as well. It is marked as having lost events.
    pub beyond_cursors: bool,
    /// At most so many at a time.
    pub most: u32,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// Events. As many as asked for: there may be more.
    pub events: u64,
    /// Subscriptions that lost some by it.
    pub losers: u64,
}

/// Units of work of delivery and of its administration.
pub trait DeliveryStore: Send + Sync + 'static {
    /// Waits until the log has an event beyond `seq` that was written through this store, and answers
    /// with its end. What other processes write is not waited for.
    fn log_beyond(&self, seq: i64) -> BoxFuture<'_, StoreResult<i64>>;

    /// Waits until subscriptions were made, removed or administered through this store more often than
    /// `times`, and answers with how often.
    fn subscriptions_changed(&self, times: u64) -> BoxFuture<'_, StoreResult<u64>>;

    /// The events after `seq`, at most `most` of them, and fewer where they are long.
    fn events_after(&self, seq: i64, most: u32) -> BoxFuture<'_, StoreResult<LogPage>>;

    /// Renews the owner's lease, takes active subscriptions nobody has a lease for, and answers with
    /// all that are the owner's now, at most `most`, those that are behind first.
    fn claim(&self, lease: Lease, most: u32) -> BoxFuture<'_, StoreResult<Vec<Claimed>>>;

    /// Gives up the lease, so that others need not wait for its end.
    fn release(&self, owner: String) -> BoxFuture<'_, StoreResult<()>>;

    /// Writes progress, and answers whose was refused: for want of the subscription, of its being the
    /// owner's, of it being active, or of its epoch.
    fn progress(
        &self,
        owner: String,
        progress: Vec<Progress>,
    ) -> BoxFuture<'_, StoreResult<Vec<String>>>;

    /// Deliveries queued again, oldest first.
    fn queued<'a>(
        &'a self,
        subscription_id: &'a str,
        most: u32,
    ) -> BoxFuture<'a, StoreResult<Vec<LoggedEvent>>>;

    /// Removes events that need not be kept, oldest first, with the dead deliveries of them, and
    /// subscriptions that ended before all that is left.
    fn prune(&self, retention: Retention) -> BoxFuture<'_, StoreResult<Pruned>>;

    /// Subscriptions of every version. `limit: None`: all from `offset` on.
    fn subscriptions(
        &self,
        state: Option<State>,
        offset: u64,
        limit: Option<u64>,
    ) -> BoxFuture<'_, StoreResult<Listed<SubscriptionStatus>>>;

    /// One of them.
    fn subscription<'a>(
        &'a self,
        id: &'a str,
    ) -> BoxFuture<'a, StoreResult<Option<SubscriptionStatus>>>;

    /// Stops the work on a subscription until it is resumed.
    fn pause(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>>;

    /// Has it worked on, and a failed event tried at once.
    fn resume(&self, id: String) -> BoxFuture<'_, StoreResult<Administered>>;

    /// Sets its cursor in front of an event. It stays paused if it is.
    fn replay(&self, id: String, from: ReplayFrom) -> BoxFuture<'_, StoreResult<Administered>>;

    /// Dead and queued deliveries.
    fn dead(
        &self,
        query: DeadQuery,
        offset: u64,
        limit: Option<u64>,
    ) -> BoxFuture<'_, StoreResult<Listed<DeadDelivery>>>;

    /// One of them.
    fn dead_delivery(&self, id: i64) -> BoxFuture<'_, StoreResult<Option<DeadDelivery>>>;

    /// Queues a dead delivery: it is tried once more, in front of what its subscription has still to
    /// get.
    fn redeliver(&self, id: i64) -> BoxFuture<'_, StoreResult<Administered>>;
}
