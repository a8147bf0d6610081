//! The events of a change (TMF630 "Hub"): what happened, and the interaction as it was then.

/// A fact written to the outbox in the transaction of the change it tells of.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// UUIDv7 text, the same over all delivery attempts.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The interaction it happened to.
    pub interaction_id: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// From `X-Correlation-ID` or `traceparent` of the request, when there was one.
    pub correlation_id: Option<String>,
    /// Canonical members of the interaction after the change (before it, for a delete), as text.
    pub document: String,
}

/// The four event types of TMF683.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventKind {
    /// A new interaction.
    Create,
    /// Members other than `status` changed.
    AttributeValueChange,
    /// `status` changed.
    StatusChange,
    /// The interaction was deleted.
    Delete,
}

impl EventKind {
    /// The `eventType` on the wire, and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "PartyInteractionCreateEvent",
            Self::AttributeValueChange => "PartyInteractionAttributeValueChangeEvent",
            Self::StatusChange => "PartyInteractionStatusChangeEvent",
            Self::Delete => "PartyInteractionDeleteEvent",
        }
    }
}
