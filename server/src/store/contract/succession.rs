//! Succession: all that a store keeps, as rows that mean the same in every back-end, so that another
//! store can take its place without anybody noticing.
//!
//! What is derived (index entries), what is of processes (owners, leases) and what is of one back-end
//! (heartbeats) is not among the rows. Numbers are: those of interactions are the order of lists and in
//! their cursors, those of events are the cursors of feeds and subscriptions.
//!
//! Rows of a part are in the order of their [`Place`]s, and no two of them have the same. That makes two
//! stores comparable side by side, in one pass, however large they are.

use super::administration::State;
use super::delivery::{Dead, Failed, LoggedEvent};
use super::{Answered, StoreError, StoreResult, Subscription};
use crate::domain::interaction::Interaction;
use futures::future::BoxFuture;

/// What a store keeps, by kinds of rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// [`Row::ExtensionPath`]
    ExtensionPaths,
    /// [`Row::Interaction`]
    Interactions,
    /// [`Row::Event`]
    Events,
    /// [`Row::Subscription`]
    Subscriptions,
    /// [`Row::DeadDelivery`]
    DeadDeliveries,
    /// [`Row::Answer`]
    Answers,
    /// [`Row::Counters`]
    Counters,
}

impl Part {
    /// All of them. Counters are last: they tell of the others.
    pub const ALL: [Self; 7] = [
        Self::ExtensionPaths,
        Self::Interactions,
        Self::Events,
        Self::Subscriptions,
        Self::DeadDeliveries,
        Self::Answers,
        Self::Counters,
    ];

    /// Before all rows.
    pub fn start(self) -> Place {
        match self {
            Self::Interactions | Self::Events | Self::DeadDeliveries | Self::Counters => {
                Place::Number(i64::MIN)
            }
            Self::ExtensionPaths | Self::Subscriptions => Place::Text(String::new()),
            Self::Answers => Place::Bytes(Vec::new()),
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExtensionPaths => "extension paths",
            Self::Interactions => "interactions",
            Self::Events => "events",
            Self::Subscriptions => "subscriptions",
            Self::DeadDeliveries => "dead deliveries",
            Self::Answers => "idempotency keys",
            Self::Counters => "counters",
        }
    }
}

/// A row of a part.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Row {
    /// Some interaction has, or had, this dotted path.
    ExtensionPath(String),
    /// An interaction and its place in creation order.
    Interaction {
        /// Never given out twice.
        number: i64,
        /// What is stored.
        interaction: Interaction,
    },
    /// An event of the log.
    Event(LoggedEvent),
    /// A subscription, and how delivery to it goes.
    Subscription(KeptSubscription),
    /// A delivery that was given up.
    DeadDelivery(KeptDelivery),
    /// What is answered to a create that is repeated with its key.
    Answer(KeptAnswer),
    /// The one row of what was given out.
    Counters(Counters),
}

/// A subscription without who works on it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeptSubscription {
    /// What was registered.
    pub subscription: Subscription,
    /// Whether it is worked on.
    pub state: State,
    /// See [`super::delivery::Claimed::epoch`].
    pub epoch: i64,
    /// See [`super::delivery::Claimed::cursor`].
    pub cursor: i64,
    /// See [`super::delivery::Claimed::attempts`].
    pub attempts: u32,
    /// See [`super::delivery::Claimed::next_attempt`].
    pub next_attempt: Option<i64>,
    /// Latest acknowledgement.
    pub last_success: Option<i64>,
    /// Latest failure. Without U+0000, which not every store can keep.
    pub last_failure: Option<Failed>,
    /// When retention last removed events it had not got.
    pub lost_events: Option<i64>,
}

/// A dead or queued delivery.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeptDelivery {
    /// By which operators name it.
    pub id: i64,
    /// Whose.
    pub subscription_id: String,
    /// Of what, and why. Without U+0000.
    pub dead: Dead,
    /// It will be tried again.
    pub queued: bool,
}

/// See [`super::Once`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeptAnswer {
    /// Digest of the key.
    pub key: [u8; 32],
    /// Digest of the request.
    pub request: [u8; 32],
    /// Seconds since 1970.
    pub expires: i64,
    /// What was answered.
    pub answer: Answered,
}

/// How many there are, and the last numbers given out: what has them may be gone.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Counters {
    /// Interactions there are.
    pub interactions: i64,
    /// The last number of an interaction.
    pub interaction: i64,
    /// The last number of an event.
    pub event: i64,
    /// The last id of a dead delivery.
    pub dead_delivery: i64,
}

/// Where a row is in its part.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// By number.
    Number(i64),
    /// By text, in the order of its bytes.
    Text(String),
    /// By bytes.
    Bytes(Vec<u8>),
}

impl Row {
    /// Where it is.
    pub fn place(&self) -> Place {
        match self {
            Self::ExtensionPath(path) => Place::Text(path.clone()),
            Self::Interaction { number, .. } => Place::Number(*number),
            Self::Event(logged) => Place::Number(logged.seq),
            Self::Subscription(kept) => Place::Text(kept.subscription.id.clone()),
            Self::DeadDelivery(kept) => Place::Number(kept.id),
            Self::Answer(kept) => Place::Bytes(kept.key.to_vec()),
            Self::Counters(_) => Place::Number(0),
        }
    }

    /// About how much memory it takes, by its long texts.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::ExtensionPath(path) => path.len(),
                Self::Interaction { interaction, .. } => interaction.text.len(),
                Self::Event(logged) => logged.event.document.len(),
                Self::Subscription(kept) => {
                    let Subscription { callback, query, .. } = &kept.subscription;
                    callback.len() + query.as_ref().map_or(0, String::len)
                }
                Self::DeadDelivery(kept) => kept.dead.failed.error.len(),
                Self::Answer(kept) => kept.answer.body.len(),
                Self::Counters(_) => 0,
            }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// An error as text every store can keep.
pub fn error_text(error: String) -> String {
    if error.contains('\0') { error.replace('\0', "\u{fffd}") } else { error }
}

/// A store that gives away what it keeps, whoever uses it meanwhile.
pub trait Original: Send + Sync + 'static {
    /// The next rows of a part behind a place, in order and as many as go together well; none: there are
    /// no more. They are of one moment, and nothing is held once they are read.
    fn rows(&self, part: Part, after: Place) -> BoxFuture<'_, StoreResult<Vec<Row>>>;
}

/// A store that is being made another's successor. Nobody serves from it before that is finished.
pub trait Successor: Original {
    /// Makes this the run that writes; an older one stops. `original` names the store to succeed.
    fn begin(&self, original: String) -> BoxFuture<'_, Result<(), Unfit>>;

    /// Takes out the rows that are `gone`, as they were found, and puts in the `new` ones, all of one
    /// part: all or nothing. Several calls may be under way at a time.
    fn amend(&self, part: Part, gone: Vec<Row>, new: Vec<Row>) -> BoxFuture<'_, StoreResult<()>>;

    /// It is a store like any other from now on.
    fn finish(&self) -> BoxFuture<'_, Result<(), Unfit>>;
}

/// Why a store cannot become the successor of another. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// A server has used it, as one does when a migration to it is finished.
    #[error("has been used already, or a migration to it is finished; take a new one")]
    Used,
    /// A migration from elsewhere has begun.
    #[error("is becoming the successor of {0}; take another one")]
    OfAnother(String),
    /// A run that began later writes now.
    #[error("is being written by another run of this command")]
    TakenOver,
    /// It cannot be read or written.
    #[error("fails")]
    Store(#[from] StoreError),
}
