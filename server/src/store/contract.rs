//! The store contract: units of work over canonical documents (D9).
//!
//! Each method is one transaction. A change and its events are one call (D7), and the answer is
//! given only after the commit is durable. No driver type leaks, and nothing here knows HTTP. What
//! delivery asks of a store is in [`delivery`], what operators ask in [`administration`], and what one store
//! tells another that takes its place in [`succession`].

pub mod administration;
pub mod delivery;
pub mod succession;

use crate::domain::event::Event;
use crate::domain::index::{self, Key};
use crate::domain::interaction::{Interaction, Members};
use administration::AdministrationStore;
use delivery::DeliveryStore;
use futures::future::BoxFuture;
use std::sync::Arc;

mod import;
mod list;

pub use import::{ImportBatch, ImportItem, Imported, OnConflict, Sameness};
pub use list::{Chunks, Items, Page, PageQuery, Start};

/// Result of a unit of work.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a unit of work did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The write queue is full or the database is locked by another process: try again.
    #[error("the store is busy")]
    Busy,
    /// The store has been closed (shutdown).
    #[error("the store is closed")]
    Closed,
    /// More documents would have to be read to answer than the operator allows.
    #[error(
        "{names}: no index, and more than {most} documents would have to be read; indexed are {indexed}"
    )]
    TooManyDocuments {
        /// The conditions, or what is sorted by, as the caller wrote them.
        names: String,
        /// The bound.
        most: u64,
        /// What has an index: canonical paths.
        indexed: String,
    },
    /// The database lacks something it will have again. Where the connection went away at a commit, or
    /// the disk failed, it is not known whether that was done: the one error after which something may
    /// have changed. A create with its key and a change with its expected version are safe to repeat.
    #[error("the store is not available: {what}")]
    Unavailable {
        /// What was being done.
        what: &'static str,
        /// What it could not be done without.
        lack: Lack,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database itself failed: it is corrupt, or cannot be read.
    #[error("the store failed: {what}")]
    Failed {
        /// What was being done.
        what: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a database that is not available lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lack {
    /// A way to it.
    Connection,
    /// The right to change anything: a standby, or somebody has set it so, or its disk takes nothing.
    Writing,
    /// Room on its disk.
    Room,
}

/// An interaction ready to be written, with everything derived from it: computed on the caller's
/// thread so that the writer only binds parameters.
#[derive(Clone, Debug)]
pub struct Record {
    /// What is stored.
    pub interaction: Interaction,
    /// Entries for the index, see [`crate::domain::index`].
    pub keys: Arc<[Key]>,
    /// Dotted paths in the document that the API document does not know.
    pub extension_paths: Vec<String>,
}

/// A new interaction, and the events that tell of it.
#[derive(Clone, Debug)]
pub struct Creation {
    /// What is stored.
    pub record: Record,
    /// Written with it.
    pub events: Vec<Event>,
}

/// An interaction that is to be changed, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// Which version it was: it is only changed if it still is.
    pub version: i64,
    /// Its index entries, which go. No store keeps a list of them: they are what
    /// [`crate::domain::index`] makes of the document, and a release that makes others makes all anew.
    pub keys: Vec<Key>,
}

impl Before {
    /// What was read.
    pub fn of(interaction: &Interaction) -> Self {
        Self { version: interaction.version, keys: index::keys_of(interaction) }
    }

    /// The same for who has the members at hand.
    pub fn with(version: i64, members: &Members) -> Self {
        Self { version, keys: index::keys(members) }
    }
}

/// What makes a create safe to repeat (`Idempotency-Key`).
#[derive(Clone, Debug)]
pub struct Once {
    /// Digest of the client's key and of what it is good for.
    pub key: [u8; 32],
    /// Digest of the request: the same key with another request is a mistake.
    pub request: [u8; 32],
    /// What is answered to this create and to each repetition.
    pub answer: Answered,
    /// Seconds since 1970. Keys that have expired by now are forgotten.
    pub now: i64,
    /// When this key expires.
    pub expires: i64,
}

/// What a create was answered with.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Answered {
    /// Of the interaction that was created; `None` when it was asked for several.
    pub one: Option<CreatedOne>,
    /// The body, as it was sent.
    pub body: String,
}

/// What the headers of an answer tell of one interaction.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CreatedOne {
    /// As it was created.
    pub version: i64,
    /// Where it is.
    pub location: String,
}

/// What became of a create with a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CreateOnce {
    /// Committed, and remembered under the key.
    Created,
    /// One of the ids exists already, nothing written.
    IdTaken,
    /// The request was carried out before, and answered so; nothing written.
    Replayed(Answered),
    /// The key came with another request before; nothing written.
    KeyReused,
}

/// What became of a conditional change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Committed.
    Done,
    /// There is no such interaction.
    Missing,
    /// It exists, but not at the expected version.
    Changed,
}

/// A subscription made by POST /hub.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Subscription {
    /// UUIDv7 text.
    pub id: String,
    /// `v4` or `v5`: the shape its notifications have.
    pub api_version: String,
    /// The base URL it was made through: what the `href`s of its notifications start with, where no
    /// `public_url` is set.
    pub base_url: String,
    /// Where notifications are posted, as registered.
    pub callback: String,
    /// The filter over events, as registered.
    pub query: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// What became of a new subscription.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subscribed {
    /// Stored. It gets every event committed after this, and none from before.
    Done,
    /// The same callback, query and version is there already, and has not ended.
    Already,
    /// There are as many subscriptions as there may be.
    TooMany,
}

/// Units of work. Implementations are shared by all request handlers.
pub trait Store: DeliveryStore + AdministrationStore + Send + Sync + 'static {
    /// Writes new interactions and their events in this order, all or none, and readers see all or
    /// none. `Ok(false)`: one of the ids exists already, nothing written.
    fn create(&self, creations: Vec<Creation>) -> BoxFuture<'_, StoreResult<bool>>;

    /// As [`Self::create`], but once for all requests with this key, however many come at once.
    fn create_once(
        &self,
        creations: Vec<Creation>,
        once: Once,
    ) -> BoxFuture<'_, StoreResult<CreateOnce>>;

    /// Replaces the interaction `record.interaction.id` if it still is as it was `before`. Its place
    /// in creation order is kept.
    fn replace(
        &self,
        record: Record,
        before: Before,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<Outcome>>;

    /// Deletes an interaction if it still is as it was `before`.
    fn delete(
        &self,
        id: String,
        before: Before,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<Outcome>>;

    /// Writes the new ones of a batch, each with its events, and readers see all of it or nothing.
    /// Answers what became of each item, in their order; shorter where it stopped at the last of them.
    fn import(&self, batch: ImportBatch) -> BoxFuture<'_, StoreResult<Vec<Imported>>>;

    /// Reads one interaction: everything acknowledged through this store before the call is visible,
    /// and what others have written to the same database a moment later.
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, StoreResult<Option<Interaction>>>;

    /// The same for who is going to change it: with everything anybody has written.
    fn current<'a>(&'a self, id: &'a str) -> BoxFuture<'a, StoreResult<Option<Interaction>>>;

    /// Reads a window of the matching interactions, and their exact number.
    fn page(&self, query: PageQuery) -> BoxFuture<'_, StoreResult<Page>>;

    /// Whether any stored interaction has (or had) this extension path. Of what other processes have
    /// stored a moment ago it may not know before [`Self::refresh`].
    fn knows_extension_path(&self, path: &str) -> bool;

    /// Takes in what other processes have committed by now.
    fn refresh(&self) -> BoxFuture<'_, StoreResult<()>>;

    /// Stores a subscription, unless there are `most` that have not ended.
    fn subscribe(
        &self,
        subscription: Subscription,
        most: u32,
    ) -> BoxFuture<'_, StoreResult<Subscribed>>;

    /// Removes a subscription made through `api_version`. `Ok(false)`: there is none.
    fn unsubscribe(&self, id: String, api_version: String) -> BoxFuture<'_, StoreResult<bool>>;

    /// Really writes and reads, for readiness.
    fn check(&self) -> BoxFuture<'_, StoreResult<()>>;

    /// Commits what is queued, checkpoints, and closes. Later calls answer [`StoreError::Closed`].
    fn close(&self) -> BoxFuture<'_, StoreResult<()>>;
}
