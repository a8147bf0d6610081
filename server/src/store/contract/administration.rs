//! What an operator asks of a store: how delivery goes, and to do something about it.
//!
//! Times are milliseconds since 1970 unless told otherwise.

use super::delivery::Failed;
use super::{StoreResult, Subscription};
use crate::domain::event::EventKind;
use futures::future::BoxFuture;

/// Whether a subscription is worked on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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
    /// See [`super::delivery::Claimed::attempts`].
    pub attempts: u32,
    /// See [`super::delivery::Claimed::next_attempt`].
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

/// Units of work of administration. Each change raises the epoch of its subscription, see
/// [`super::delivery`].
pub trait AdministrationStore: Send + Sync + 'static {
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

    /// Sets its cursor in front of an event. It stays paused if it is. Deliveries given up from there on
    /// are no longer dead.
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
