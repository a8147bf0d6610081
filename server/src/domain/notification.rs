//! Notifications (TMF630 "Hub"): an event as its listener sees it, in the shape of the version it
//! subscribed through.
//!
//! The envelope says which event this is and what happened, the payload is the interaction as it was
//! then. Every member of the envelope is a text. v5's document has the time twice, as `timeOccurred`
//! in the schemas of its events and as `timeOcurred` in its examples and in `BaseEvent`; listeners
//! follow the one or the other, so v5 says both. v4 has only the latter.

pub use super::shape::Shape;

use super::event::{Event, EventKind};
use super::interaction::Members;
use serde_json::Value;
use std::borrow::Cow;

/// A member of the envelope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Member {
    /// `@type`: the schema of this notification in v5's document.
    Type,
    /// `@baseType`, in v5.
    BaseType,
    /// `eventId`, the same in every attempt: what listeners tell repetitions by.
    EventId,
    /// `eventType`, see [`EventKind::name`].
    EventType,
    /// `eventTime`
    EventTime,
    /// `timeOccurred`, in v5.
    TimeOccurred,
    /// `timeOcurred`, as the documents spell it.
    TimeOcurred,
    /// `correlationId`, where the request that caused the event had one.
    CorrelationId,
    /// `domain`
    Domain,
    /// `title`, for people.
    Title,
    /// `description`, for people.
    Description,
    /// `priority`
    Priority,
    /// `fieldPath`, of changes of attributes in v4: the names of all members that changed, as v4
    /// calls them, with commas between them. The document speaks of one field; a change of one has
    /// just its name.
    FieldPath,
}

impl Member {
    /// All of them, in the order of the envelope.
    const ALL: [Self; 13] = [
        Self::Type,
        Self::BaseType,
        Self::EventId,
        Self::EventType,
        Self::EventTime,
        Self::TimeOccurred,
        Self::TimeOcurred,
        Self::CorrelationId,
        Self::Domain,
        Self::Title,
        Self::Description,
        Self::Priority,
        Self::FieldPath,
    ];

    /// The member of that name in envelopes of a shape.
    pub fn of_name(name: &str, shape: Shape) -> Option<Self> {
        Self::in_shape(shape).find(|member| member.name() == name)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "@type",
            Self::BaseType => "@baseType",
            Self::EventId => "eventId",
            Self::EventType => "eventType",
            Self::EventTime => "eventTime",
            Self::TimeOccurred => "timeOccurred",
            Self::TimeOcurred => "timeOcurred",
            Self::CorrelationId => "correlationId",
            Self::Domain => "domain",
            Self::Title => "title",
            Self::Description => "description",
            Self::Priority => "priority",
            Self::FieldPath => "fieldPath",
        }
    }

    /// Whether its text is an RFC 3339 date-time.
    pub fn is_instant(self) -> bool {
        matches!(self, Self::EventTime | Self::TimeOccurred | Self::TimeOcurred)
    }

    /// What it says in all events of a kind; `None`: that depends on the event.
    pub fn of_kind(self, kind: EventKind) -> Option<&'static str> {
        match self {
            Self::Type => Some(match kind {
                // The one event whose schema is not called as its `eventType` is.
                EventKind::StatusChange => "PartyInteractionStatusChange",
                other => other.name(),
            }),
            Self::BaseType => Some("Event"),
            Self::EventType => Some(kind.name()),
            Self::Domain => Some("PartyInteraction"),
            Self::Title => Some(match kind {
                EventKind::Create => "Party interaction created",
                EventKind::AttributeValueChange => "Party interaction changed",
                EventKind::StatusChange => "Status of a party interaction changed",
                EventKind::Delete => "Party interaction deleted",
            }),
            // The middle of the documents' examples, which know digits only.
            Self::Priority => Some("3"),
            Self::EventId
            | Self::EventTime
            | Self::TimeOccurred
            | Self::TimeOcurred
            | Self::CorrelationId
            | Self::Description
            | Self::FieldPath => None,
        }
    }

    /// What it says in the notification of an event; `None`: it is not there.
    pub fn of(self, event: &Event, shape: Shape) -> Option<Cow<'_, str>> {
        if let Some(text) = self.of_kind(event.kind) {
            return Some(text.into());
        }
        match self {
            Self::EventId => Some(event.id.as_str().into()),
            Self::EventTime | Self::TimeOccurred | Self::TimeOcurred => {
                Some(event.time.as_str().into())
            }
            Self::CorrelationId => event.correlation_id.as_deref().map(Cow::from),
            Self::Description => Some(description(event).into()),
            Self::FieldPath => {
                let names: Vec<_> = event.changed.iter().filter_map(|n| shape.name(n)).collect();
                (!names.is_empty()).then(|| names.join(",").into())
            }
            _ => None,
        }
    }

    fn in_shape(shape: Shape) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |member| match member {
            Self::Type | Self::BaseType | Self::TimeOccurred => shape == Shape::V5,
            Self::FieldPath => shape == Shape::V4,
            _ => true,
        })
    }
}

/// The body posted to a listener. `members` are the canonical members of the event's document, and
/// `href_prefix` is where the interactions are for this listener, ending in `/partyInteraction/`.
pub fn body(event: &Event, members: Members, shape: Shape, href_prefix: &str) -> String {
    let mut envelope = Members::new();
    for member in Member::in_shape(shape) {
        if let Some(text) = member.of(event, shape) {
            envelope.insert(member.name().to_owned(), text.into());
        }
    }
    let interaction = event.identity().before(shape.view(members), href_prefix);
    let payload = Members::from_iter([("partyInteraction".to_owned(), interaction.into())]);
    envelope.insert("event".to_owned(), payload.into());
    Value::Object(envelope).to_string()
}

fn description(event: &Event) -> String {
    let id = &event.interaction_id;
    match event.kind {
        EventKind::Create => format!("Party interaction {id} was created"),
        EventKind::AttributeValueChange => format!("Members of party interaction {id} changed"),
        EventKind::StatusChange => format!("The status of party interaction {id} changed"),
        EventKind::Delete => format!("Party interaction {id} was deleted"),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::domain::json::reread;
    use serde_json::json;

    /// An event about interaction `7`, whose canonical members are `document`.
    pub fn event(kind: EventKind, document: &str) -> Event {
        Event {
            id: "e-1".to_owned(),
            kind,
            interaction_id: "7".to_owned(),
            foreign_href: None,
            time: "2026-01-01T00:00:00.000Z".to_owned(),
            correlation_id: Some("c-1".to_owned()),
            document: document.to_owned(),
            changed: match kind {
                EventKind::AttributeValueChange => vec!["reason".into(), "relatedChannel".into()],
                _ => Vec::new(),
            },
        }
    }

    /// What both documents require, and what neither knows.
    pub const DOCUMENT: &str = r#"{"reason":"r","direction":"inbound","status":"open",
        "creationDate":"2026-01-01T00:00:00Z","statusChangeDate":"2026-01-01T00:00:00Z",
        "relatedChannel":[{"role":"origin","channel":{"id":"1","href":"http://c/1","name":"web","@type":"ChannelRef"},"@type":"RelatedChannel"}],
        "relatedParty":[{"role":"customer","partyOrPartyRole":{"id":"42","href":"http://p/42","name":"Ada","@referredType":"Individual","@type":"PartyRef"},"@type":"RelatedPartyOrPartyRole"}],
        "note":[{"id":"n","author":"a","date":"2026-01-01T00:00:00Z","text":"t","@type":"Note"}],
        "score":{"value":1e3,"exact":0.10},"lastUpdate":"2026-01-02T00:00:00Z","@type":"PartyInteraction"}"#;

    fn rendered(event: &Event, shape: Shape) -> String {
        let members = reread(&event.document).unwrap();
        body(event, members, shape, "https://h/partyInteraction/")
    }

    #[test]
    fn a_notification_is_what_its_document_says() {
        let v4 = include_str!("../../../generated/src/v4/schemas.json");
        let v5 = include_str!("../../../generated/src/v5/schemas.json");
        for (shape, schemas) in [(Shape::V4, v4), (Shape::V5, v5)] {
            for kind in EventKind::ALL {
                let body = rendered(&event(kind, DOCUMENT), shape);
                let body: Value = serde_json::from_str(&body).unwrap();
                let name = match shape {
                    Shape::V4 => kind.name(),
                    Shape::V5 => body["@type"].as_str().unwrap(),
                };
                let mut schema: Value = serde_json::from_str(schemas).unwrap();
                let declared = schema["$defs"][name]["properties"].clone();
                schema["$ref"] = format!("#/$defs/{name}").into();
                let judge =
                    jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
                judge.validate(&body).unwrap_or_else(|error| panic!("{name}: {error}\n{body}"));
                for member in body.as_object().unwrap().keys() {
                    let known = declared.get(member).is_some();
                    assert!(known || shape == Shape::V5 && member == "timeOcurred", "{member}");
                }
                assert_eq!(body["eventType"], kind.name());
            }
        }
    }

    #[test]
    fn the_envelope() {
        let changed = event(EventKind::AttributeValueChange, "{}");
        let payload = json!({"id": "7", "href": "https://h/partyInteraction/7"});
        let mut expected = json!({
            "eventId": "e-1", "eventType": "PartyInteractionAttributeValueChangeEvent",
            "eventTime": "2026-01-01T00:00:00.000Z", "timeOcurred": "2026-01-01T00:00:00.000Z",
            "correlationId": "c-1", "domain": "PartyInteraction",
            "title": "Party interaction changed",
            "description": "Members of party interaction 7 changed", "priority": "3",
            "fieldPath": "reason,channel", "event": {"partyInteraction": payload},
        });
        let parsed = |shape| serde_json::from_str::<Value>(&rendered(&changed, shape)).unwrap();
        assert_eq!(parsed(Shape::V4), expected);
        expected["@type"] = json!("PartyInteractionAttributeValueChangeEvent");
        expected["@baseType"] = json!("Event");
        expected["timeOccurred"] = expected["timeOcurred"].clone();
        expected.as_object_mut().unwrap().shift_remove("fieldPath");
        assert_eq!(parsed(Shape::V5), expected);
    }

    #[test]
    fn what_is_not_known_is_not_there() {
        let mut event = event(EventKind::AttributeValueChange, "{}");
        event.correlation_id = None;
        // v4 calls something else `channel`, so this extension is not shown, nor told of.
        event.changed = vec!["channel".to_owned()];
        let body: Value = serde_json::from_str(&rendered(&event, Shape::V4)).unwrap();
        assert_eq!(body.get("correlationId"), None);
        assert_eq!(body.get("fieldPath"), None);
        event.changed = vec!["reason".to_owned()];
        let body: Value = serde_json::from_str(&rendered(&event, Shape::V4)).unwrap();
        assert_eq!(body["fieldPath"], "reason");
    }

    #[test]
    fn bytes_are_the_truth() {
        let mut event = event(EventKind::Delete, DOCUMENT);
        for shape in [Shape::V4, Shape::V5] {
            let body = rendered(&event, shape);
            assert!(body.contains(r#""score":{"value":1e3,"exact":0.10}"#), "{body}");
        }
        event.foreign_href = Some("http://old/7".to_owned());
        for shape in [Shape::V4, Shape::V5] {
            let body = rendered(&event, shape);
            assert!(body.contains(r#"{"id":"7","href":"http://old/7","#), "{body}");
        }
        let body = rendered(&event, Shape::V4);
        assert!(body.contains(r#""relatedParty":[{"role":"customer","id":"42""#), "{body}");
    }
}
