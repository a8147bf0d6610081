//! The use cases, shared by every version of the API: create, read, list, change, delete, subscribe.
//!
//! Everything here is canonical. What a version adds (its shape, its schema, its paths) happened
//! before, in `http`. Time and identity are drawn here, once per request. What an operator asks for
//! is in [`administration`], what comes from elsewhere in [`import`].

mod administration;
mod import;

use crate::domain::event::{Occasion, events_of_change, events_of_create, events_of_delete};
use crate::domain::index;
use crate::domain::interaction::{Interaction, Members};
use crate::domain::lifecycle::{self, Refusal, StatedDates};
use crate::domain::tree::Object;
use crate::query::vocabulary::Vocabulary;
use crate::store::contract::{
    Answered, Before, CreateOnce, Creation, Once, Outcome, Page, PageQuery, Record, Store,
    StoreError, StoreResult, Subscribed, Subscription,
};
use chrono::{SecondsFormat, Utc};
use std::sync::Arc;
use uuid::Uuid;

/// How often a change without a precondition is tried anew when others change the same interaction.
/// Of the changes that meet in one commit one always wins, so this many can meet.
const MOST_ATTEMPTS: usize = 128;

/// Why a use case could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no such resource.
    #[error("no {resource} {id}")]
    NotFound {
        /// `PartyInteraction` or `hub`.
        resource: &'static str,
        /// The id asked for.
        id: String,
    },
    /// The caller's precondition does not hold.
    #[error("the precondition does not hold")]
    PreconditionFailed,
    /// Too many callers change this interaction at once.
    #[error("too many concurrent changes")]
    Contended,
    /// The same callback and query are subscribed already.
    #[error("subscribed already")]
    AlreadySubscribed,
    /// There are as many subscriptions as there may be.
    #[error("there are {0} subscriptions, and no more are taken")]
    TooManySubscriptions(u32),
    /// The subscription has ended, and stays so.
    #[error("the subscription has ended")]
    Ended,
    /// The event, or what happened at that time, is not or no longer kept.
    #[error("the log does not reach back there")]
    NotKept,
    /// The lifecycle forbids it: a member that never changes would have, or a foreign root `@type`.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The interaction would be larger than may be stored.
    #[error("the interaction would be {bytes} bytes; at most {limit} are stored")]
    TooLarge {
        /// Its length as stored text.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The interaction would have more values than may be stored.
    #[error("the interaction would have {values} values; at most {limit} are stored")]
    TooManyValues {
        /// Members and items of every level.
        values: usize,
        /// The bound.
        limit: usize,
    },
    /// The stored text is not JSON: the database was written by something else.
    #[error("the stored interaction {id} is not a JSON object")]
    Corrupt {
        /// Whose text it is.
        id: String,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which versions of an interaction a caller agrees to change (RFC 9110 §13.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Precondition {
    /// `If-Match`: it has to be one of these.
    pub one_of: Versions,
    /// `If-None-Match`: it has to be none of these.
    pub none_of: Versions,
}

/// Some of the versions an interaction has had or will have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Versions {
    /// Whichever there is.
    Any,
    /// These.
    Listed(Vec<i64>),
}

impl Precondition {
    fn holds(&self, version: i64) -> bool {
        self.one_of.contains(version) && !self.none_of.contains(version)
    }
}

impl Versions {
    fn contains(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(versions) => versions.contains(&version),
        }
    }
}

pub use import::Origin;

/// The use cases over one store.
pub struct App {
    store: Arc<dyn Store>,
    vocabulary: Vocabulary,
    rules: Rules,
}

/// What the operator may set about the use cases.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The longest stored text of an interaction.
    pub document_bytes: usize,
    /// Most values in an interaction, see [`crate::domain::json::Limits::values`].
    pub document_values: usize,
    /// For how long a create is remembered under its idempotency key.
    pub idempotency_hours: u32,
    /// How many subscriptions are taken.
    pub subscriptions: u32,
}

/// An idempotency key, and the request it came with, as digests.
#[derive(Clone, Copy, Debug)]
pub struct Keyed {
    /// Of the key and of what it is good for.
    pub key: [u8; 32],
    /// Of everything that makes two requests the same.
    pub request: [u8; 32],
}

impl App {
    /// `vocabulary` tells the document's paths from extensions.
    pub fn new(store: Arc<dyn Store>, vocabulary: Vocabulary, rules: Rules) -> Self {
        Self { store, vocabulary, rules }
    }

    /// The paths the canonical document knows.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether some stored interaction has this extension path.
    pub fn knows_extension_path(&self, path: &str) -> bool {
        self.store.knows_extension_path(path)
    }

    /// Takes in what other servers on the database have stored.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn refresh(&self) -> Result<(), AppError> {
        Ok(self.store.refresh().await?)
    }

    /// A new interaction with its id and dates, and its create event, ready to be written.
    ///
    /// # Errors
    /// [`AppError::Refused`], [`AppError::TooLarge`], [`AppError::TooManyValues`].
    pub fn creation(
        &self,
        members: Object<'_>,
        stated: StatedDates,
        occasion: Occasion<'_>,
    ) -> Result<Creation, AppError> {
        lifecycle::check_root_type(&members)?;
        let members = lifecycle::created(members, occasion.time, stated);
        let interaction = Interaction {
            id: new_id(),
            version: version_after(0),
            foreign_href: None,
            text: self.text_of(&members)?,
        };
        let events = events_of_create(&interaction, occasion, new_id);
        Ok(Creation { record: self.record(interaction, &members), events })
    }

    /// Writes new interactions and their events, all or none; with a key, once for all requests that
    /// have it. `answer` is what they are answered with, and is stored with them under the key.
    /// `true` comes with an answer given before.
    ///
    /// # Errors
    /// [`AppError::KeyReused`], [`AppError::Store`].
    pub async fn create(
        &self,
        creations: Vec<Creation>,
        answer: Answered,
        keyed: Option<Keyed>,
    ) -> Result<(Answered, bool), AppError> {
        let Some(Keyed { key, request }) = keyed else {
            let created = self.store.create(creations).await?;
            return if created { Ok((answer, false)) } else { Err(id_drawn_twice()) };
        };
        let now = Utc::now().timestamp();
        let expires = now + i64::from(self.rules.idempotency_hours) * 3_600;
        let once = Once { key, request, answer: answer.clone(), now, expires };
        match self.store.create_once(creations, once).await? {
            CreateOnce::Created => Ok((answer, false)),
            CreateOnce::Replayed(answer) => Ok((answer, true)),
            CreateOnce::KeyReused => Err(AppError::KeyReused),
            CreateOnce::IdTaken => Err(id_drawn_twice()),
        }
    }

    /// Reads one interaction.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Store`].
    pub async fn get(&self, id: &str) -> Result<Interaction, AppError> {
        self.store.get(id).await?.ok_or_else(|| no_interaction(id))
    }

    /// The same, to change it.
    async fn current(&self, id: &str) -> Result<Interaction, AppError> {
        self.store.current(id).await?.ok_or_else(|| no_interaction(id))
    }

    /// Reads a window of the matching interactions, and their exact number.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn list(&self, query: PageQuery) -> StoreResult<Page> {
        self.store.page(query).await
    }

    /// Changes an interaction by `edit`, which is called anew with the newest members when somebody
    /// else was faster. An edit that changes nothing writes nothing and makes no event.
    ///
    /// # Errors
    /// What `edit` answers, [`AppError::NotFound`], [`AppError::PreconditionFailed`],
    /// [`AppError::Refused`], [`AppError::TooLarge`], [`AppError::TooManyValues`],
    /// [`AppError::Contended`], [`AppError::Store`].
    pub async fn change<E: From<AppError>>(
        &self,
        id: &str,
        precondition: &Precondition,
        stated: StatedDates,
        correlation_id: Option<&str>,
        edit: impl Fn(&Interaction, &Members) -> Result<Members, E>,
    ) -> Result<Interaction, E> {
        for _ in 0..MOST_ATTEMPTS {
            let before = self.current(id).await?;
            if !precondition.holds(before.version) {
                return Err(AppError::PreconditionFailed.into());
            }
            let old = members_of(&before)?;
            let now = now();
            let edited = edit(&before, &old)?;
            let changed = lifecycle::changed(&old, edited, &now, stated).map_err(AppError::from)?;
            let Some(changed) = changed else { return Ok(before) };
            let members = Object::from(&changed.members);
            let after = Interaction {
                version: version_after(before.version),
                text: self.text_of(&members)?,
                ..before.clone()
            };
            let occasion = Occasion { time: &now, correlation_id };
            let events = events_of_change(&after, &changed, occasion, new_id);
            let record = self.record(after.clone(), &members);
            let was = Before::with(before.version, &old);
            let outcome = self.store.replace(record, was, events).await;
            match outcome.map_err(AppError::from)? {
                Outcome::Done => return Ok(after),
                Outcome::Missing | Outcome::Changed => {}
            }
        }
        Err(AppError::Contended.into())
    }

    /// Deletes an interaction.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::PreconditionFailed`], [`AppError::Contended`],
    /// [`AppError::Store`].
    pub async fn delete(
        &self,
        id: &str,
        precondition: &Precondition,
        correlation_id: Option<&str>,
    ) -> Result<(), AppError> {
        for _ in 0..MOST_ATTEMPTS {
            let before = self.current(id).await?;
            if !precondition.holds(before.version) {
                return Err(AppError::PreconditionFailed);
            }
            let now = now();
            let events = events_of_delete(&before, Occasion { time: &now, correlation_id }, new_id);
            let was = Before::of(&before);
            match self.store.delete(before.id, was, events).await? {
                Outcome::Done => return Ok(()),
                Outcome::Missing | Outcome::Changed => {}
            }
        }
        Err(AppError::Contended)
    }

    /// Registers a callback.
    ///
    /// # Errors
    /// [`AppError::AlreadySubscribed`], [`AppError::TooManySubscriptions`], [`AppError::Store`].
    pub async fn subscribe(
        &self,
        api_version: &str,
        base_url: String,
        callback: String,
        query: Option<String>,
    ) -> Result<Subscription, AppError> {
        let subscription = Subscription {
            id: new_id(),
            api_version: api_version.to_owned(),
            base_url,
            callback,
            query,
            created_at: now(),
        };
        let most = self.rules.subscriptions;
        match self.store.subscribe(subscription.clone(), most).await? {
            Subscribed::Done => Ok(subscription),
            Subscribed::Already => Err(AppError::AlreadySubscribed),
            Subscribed::TooMany => Err(AppError::TooManySubscriptions(most)),
        }
    }

    /// Removes a subscription made through the same version.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Store`].
    pub async fn unsubscribe(&self, api_version: &str, id: &str) -> Result<(), AppError> {
        if self.store.unsubscribe(id.to_owned(), api_version.to_owned()).await? {
            Ok(())
        } else {
            Err(AppError::NotFound { resource: "hub", id: id.to_owned() })
        }
    }

    /// Whether the store takes a write and gives it back.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn check(&self) -> StoreResult<()> {
        self.store.check().await
    }

    /// The text to store, unless it is longer than it may be, or more than may be read again.
    fn text_of(&self, members: &Object<'_>) -> Result<String, AppError> {
        let values = members.values();
        let limit = self.rules.document_values;
        if values > limit {
            return Err(AppError::TooManyValues { values, limit });
        }
        let text = members.to_text();
        let (bytes, limit) = (text.len(), self.rules.document_bytes);
        if bytes > limit { Err(AppError::TooLarge { bytes, limit }) } else { Ok(text) }
    }

    fn record(&self, interaction: Interaction, members: &Object<'_>) -> Record {
        Record {
            keys: index::keys_in(members).into(),
            extension_paths: self.vocabulary.extension_paths(members),
            interaction,
        }
    }
}

/// The time of a request: RFC 3339 in UTC, to the millisecond, as TM Forum's documents show it.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn no_interaction(id: &str) -> AppError {
    AppError::NotFound { resource: "PartyInteraction", id: id.to_owned() }
}

/// A UUIDv7 drawn twice: the caller may simply try again.
fn id_drawn_twice() -> AppError {
    StoreError::Busy.into()
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Versions grow with the clock, so that an id deleted and imported again does not meet its old
/// entity tags, and by one at least, so that they grow when the clock does not.
fn version_after(previous: i64) -> i64 {
    Utc::now().timestamp_micros().max(previous + 1)
}

fn members_of(interaction: &Interaction) -> Result<Members, AppError> {
    let corrupt = |source| AppError::Corrupt { id: interaction.id.clone(), source };
    interaction.members().map_err(corrupt)
}
