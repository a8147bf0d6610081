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
use crate::domain::event::Event;
use futures::future::BoxFuture;

/// An event in the log.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
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
    /// The last number of those that are no longer kept: nothing after it has been removed.
    pub kept_after: i64,
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
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Failed {
    /// For the operator: short, and nothing secret in it.
    pub error: String,
    /// When.
    pub at: i64,
}

/// An event given up for one subscription.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
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
}
