//! Events as the versions write them, typed.
//!
//! Read leniently, as answers are: whatever may be missing is an `Option`, what the document does
//! not name is kept. The text stays at hand for whoever needs it to the letter.

use std::fmt;
use std::ops::Deref;

use dropshot::{ApiDescription, ApiDescriptionRegisterError};
use serde::Deserialize;

use super::refused::Refused;
use super::server::Context;

/// What happened to an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It was recorded.
    Created,
    /// A member other than `status` changed.
    Changed,
    /// `status` changed.
    StatusChanged,
    /// It was removed.
    Deleted,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Created, Self::Changed, Self::StatusChanged, Self::Deleted];

    /// The `eventType` that says so.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "PartyInteractionCreateEvent",
            Self::Changed => "PartyInteractionAttributeValueChangeEvent",
            Self::StatusChanged => "PartyInteractionStatusChangeEvent",
            Self::Deleted => "PartyInteractionDeleteEvent",
        }
    }

    /// The kind of an `eventType`. v5's document calls the schema of a status change
    /// `PartyInteractionStatusChange`, and some send that.
    fn of_name(name: &str) -> Option<Self> {
        let named = |kind: &Self| {
            let known = kind.name();
            name == known
                || (*kind == Self::StatusChanged && known.strip_suffix("Event") == Some(name))
        };
        Self::ALL.into_iter().find(named)
    }

    /// The kind of a notification: `eventType` says, or `@type`, or else the path it came by. One
    /// that speaks of two kinds is refused.
    pub(crate) fn of(text: &str, path: Option<Self>) -> Result<Self, Refused> {
        let envelope: Envelope = serde_json::from_str(text).map_err(Refused::invalid)?;
        let said = envelope.event_type.as_deref().and_then(Self::of_name);
        let said = said.or_else(|| envelope.type_.as_deref().and_then(Self::of_name));
        match (said, path) {
            (Some(said), Some(path)) if said != path => {
                let (said, path) = (said.name(), path.name());
                Err(Refused::invalid(format!("a `{said}` came by the path of `{path}`")))
            }
            (Some(kind), _) | (None, Some(kind)) => Ok(kind),
            (None, None) => Err(Refused::invalid(match envelope.event_type {
                Some(name) => format!("`eventType` {name:?} is no event of this API"),
                None => "`eventType` is missing".to_owned(),
            })),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "eventType")]
    event_type: Option<String>,
    #[serde(rename = "@type")]
    type_: Option<String>,
}

/// A notification: an event, and the body it came in.
///
/// Reads like the event itself: `notification.interaction()` is the event's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notification<E> {
    /// The event, typed.
    pub event: E,
    /// The body to the letter: spellings of numbers, order of members, unknown members.
    pub text: String,
}

impl<E: Wire> Notification<E> {
    /// Reads a body that came by the path of `path`, or by the callback.
    pub(crate) fn read(body: &[u8], path: Option<Kind>) -> Result<Self, Refused> {
        let text = std::str::from_utf8(body).map_err(Refused::invalid)?;
        let event = E::read(Kind::of(text, path)?, text).map_err(Refused::invalid)?;
        Ok(Self { event, text: text.to_owned() })
    }
}

impl<E> Deref for Notification<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}

/// The events of one version: [`v4::Event`](super::v4::Event), [`v5::Event`](super::v5::Event).
pub trait Wire: Sized + Send + Sync + 'static {
    /// Reads the event of a kind.
    fn read(kind: Kind, text: &str) -> serde_json::Result<Self>;

    /// The `eventId`; empty ones are none.
    fn event_id(&self) -> Option<&str>;

    /// Where the document's listener operations are, below a base.
    fn paths(base: &str) -> Vec<String>;

    /// Registers the document's listener operations below a base.
    fn register(
        api: &mut ApiDescription<Context<Self>>,
        base: &str,
    ) -> Result<(), ApiDescriptionRegisterError>;
}

/// Makes the events of one version from its models and its generated listener operations.
macro_rules! events {
    (
        generated: $version:ident,
        created: $created:ident by $on_created:ident -> $created_answer:ident,
        changed: $changed:ident by $on_changed:ident -> $changed_answer:ident,
        status_changed: $status_changed:ident by $on_status:ident -> $status_answer:ident,
        deleted: $deleted:ident by $on_deleted:ident -> $deleted_answer:ident,
    ) => {
        use dropshot::{ApiDescription, ApiDescriptionRegisterError, HttpError, RequestContext};
        use tmf683_generated::$version::{api, operations, types};
        use tmf683_generated::serving::{JsonBody, Reply, Route};

        use super::event::{Kind, Wire};
        use super::server::Context;

        /// An event of this version.
        ///
        /// Members may be missing, as other vendors leave them out.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            /// An interaction was recorded.
            Created(Box<types::$created>),
            /// A member other than `status` changed.
            Changed(Box<types::$changed>),
            /// `status` changed.
            StatusChanged(Box<types::$status_changed>),
            /// An interaction was removed.
            Deleted(Box<types::$deleted>),
        }

        /// The same expression over every variant.
        macro_rules! each {
            ($event:ident, $one:ident => $member:expr) => {
                match $event {
                    Event::Created($one) => $member,
                    Event::Changed($one) => $member,
                    Event::StatusChanged($one) => $member,
                    Event::Deleted($one) => $member,
                }
            };
        }

        impl Event {
            /// What happened.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    Self::Created(_) => Kind::Created,
                    Self::Changed(_) => Kind::Changed,
                    Self::StatusChanged(_) => Kind::StatusChanged,
                    Self::Deleted(_) => Kind::Deleted,
                }
            }

            /// Identifier of the event, the same in every repeat. Without it repeats cannot be
            /// recognised.
            #[must_use]
            pub fn id(&self) -> Option<&str> {
                let id: Option<&str> = each!(self, event => event.event_id.as_deref());
                id.filter(|id| !id.is_empty())
            }

            /// When the event was recorded (RFC 3339, as it was written).
            #[must_use]
            pub fn time(&self) -> Option<&str> {
                each!(self, event => event.event_time.as_ref().map(|time| time.as_str()))
            }

            /// What ties the event to the request that caused it.
            #[must_use]
            pub fn correlation_id(&self) -> Option<&str> {
                each!(self, event => event.correlation_id.as_deref())
            }

            /// The interaction: as it is after the change, or as it was when it was removed.
            #[must_use]
            pub fn interaction(&self) -> Option<&types::PartyInteraction> {
                each!(self, event => event.event.as_ref()?.party_interaction.as_ref())
            }
        }

        impl Wire for Event {
            fn read(kind: Kind, text: &str) -> serde_json::Result<Self> {
                Ok(match kind {
                    Kind::Created => Self::Created(serde_json::from_str(text)?),
                    Kind::Changed => Self::Changed(serde_json::from_str(text)?),
                    Kind::StatusChanged => Self::StatusChanged(serde_json::from_str(text)?),
                    Kind::Deleted => Self::Deleted(serde_json::from_str(text)?),
                })
            }

            fn event_id(&self) -> Option<&str> {
                self.id()
            }

            fn paths(base: &str) -> Vec<String> {
                let route = Route { base, operation_prefix: "" };
                operations::LISTENER_PATHS.iter().map(|path| route.path(path.path)).collect()
            }

            fn register(
                api: &mut ApiDescription<Context<Self>>,
                base: &str,
            ) -> Result<(), ApiDescriptionRegisterError> {
                api::register_listener::<Operations>(api, base, "")
            }
        }

        /// The document's listener operations, each handed to the receiver.
        enum Operations {}

        impl api::ListenerApi for Operations {
            type Context = Context<Event>;

            async fn $on_created(
                rqctx: &RequestContext<Context<Event>>,
                body: JsonBody<types::$created>,
            ) -> Result<Reply<api::$created_answer>, HttpError> {
                Ok(rqctx.context().operation(&rqctx.request, body, Kind::Created).await)
            }

            async fn $on_changed(
                rqctx: &RequestContext<Context<Event>>,
                body: JsonBody<types::$changed>,
            ) -> Result<Reply<api::$changed_answer>, HttpError> {
                Ok(rqctx.context().operation(&rqctx.request, body, Kind::Changed).await)
            }

            async fn $on_status(
                rqctx: &RequestContext<Context<Event>>,
                body: JsonBody<types::$status_changed>,
            ) -> Result<Reply<api::$status_answer>, HttpError> {
                Ok(rqctx.context().operation(&rqctx.request, body, Kind::StatusChanged).await)
            }

            async fn $on_deleted(
                rqctx: &RequestContext<Context<Event>>,
                body: JsonBody<types::$deleted>,
            ) -> Result<Reply<api::$deleted_answer>, HttpError> {
                Ok(rqctx.context().operation(&rqctx.request, body, Kind::Deleted).await)
            }
        }
    };
}
pub(crate) use events;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{v4, v5};
    use super::*;

    proptest! {
        /// Bodies that are nearly notifications, as bytes.
        #[test]
        fn no_body_breaks_it(
            kind in prop_oneof![Just(None), (0..4usize).prop_map(|at| Some(Kind::ALL[at]))],
            name in prop_oneof![
                (0..4usize).prop_map(|at| Kind::ALL[at].name().to_owned()), ".{0,8}"
            ],
            rest in r#"(,"(event|eventId|title|@type)":([\[{"]{0,3}.{0,8}|null))*"#,
            cut in any::<prop::sample::Index>(),
            whole in any::<bool>(),
        ) {
            let text = format!(r#"{{"eventType":{},"x":1{rest}}}"#, serde_json::json!(name));
            let end = if whole { text.len() } else { cut.index(text.len()) };
            let body = &text.as_bytes()[..end];
            let (v4, v5) = (
                Notification::<v4::Event>::read(body, kind),
                Notification::<v5::Event>::read(body, kind),
            );
            for read in [v4.map(|read| read.text), v5.map(|read| read.text)] {
                match read {
                    Ok(kept) => prop_assert_eq!(kept.as_bytes(), body),
                    Err(refused) => prop_assert_eq!(refused.status(), 400),
                }
            }
        }
    }

    #[test]
    fn kinds() {
        const CREATED: &str = r#"{"eventType": "PartyInteractionCreateEvent"}"#;
        let check = |text: &str, path: Option<Kind>, expected: Result<Kind, &str>| match (
            Kind::of(text, path),
            expected,
        ) {
            (Ok(kind), Ok(expected)) => assert_eq!(kind, expected, "{text}"),
            (Err(refused), Err(culprit)) => {
                assert!(refused.to_string().contains(culprit), "{text}: {refused}");
            }
            (judged, _) => panic!("{text}: {judged:?}"),
        };
        for kind in Kind::ALL {
            let text = format!(r#"{{"eventType": "{kind}"}}"#);
            check(&text, None, Ok(kind));
            check(&text, Some(kind), Ok(kind));
            check("{}", Some(kind), Ok(kind));
        }
        check(r#"{"@type": "PartyInteractionDeleteEvent"}"#, None, Ok(Kind::Deleted));
        check(r#"{"@type": "PartyInteractionStatusChange"}"#, None, Ok(Kind::StatusChanged));
        check(r#"{"eventType": "Created"}"#, Some(Kind::Created), Ok(Kind::Created));
        check(r#"{"eventType": null, "@type": null}"#, Some(Kind::Created), Ok(Kind::Created));
        check(CREATED, Some(Kind::Deleted), Err("PartyInteractionCreateEvent"));
        check(r#"{"eventType": "Created"}"#, None, Err("Created"));
        check(r#"{"eventType": "PartyInteractionCreate"}"#, None, Err("PartyInteractionCreate"));
        check(r#"{"eventType": ""}"#, None, Err("eventType"));
        check("{}", None, Err("eventType"));
        check(r#"{"eventType": 7}"#, Some(Kind::Created), Err("line 1"));
        check("[]", None, Err("line 1"));
        check("", Some(Kind::Created), Err("EOF"));
    }
}
