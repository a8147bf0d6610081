//! The body sent to a listener: an event in the shape of a version (TMF630 "Hub").

use super::event::Event;
use super::interaction::Members;
use super::lens;
use serde_json::{Value, json};

/// The shape of a version.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Shape {
    /// v4.0.0
    V4,
    /// v5.0.0
    V5,
}

/// The body posted to a listener. `members` are the canonical members of the event's document,
/// `href_prefix` ends in `/partyInteraction/`.
pub fn body(event: &Event, members: Members, shape: Shape, href_prefix: &str) -> String {
    let view = match shape {
        Shape::V4 => lens::get(&members),
        Shape::V5 => members,
    };
    let href = match &event.foreign_href {
        Some(href) => href.clone(),
        None => format!("{href_prefix}{}", event.interaction_id),
    };
    let mut interaction = Members::new();
    interaction.insert("id".into(), event.interaction_id.as_str().into());
    interaction.insert("href".into(), href.into());
    interaction.extend(view);
    let mut body = json!({
        "eventId": event.id,
        "eventTime": event.time,
        "eventType": event.kind.name(),
        "event": {"partyInteraction": Value::Object(interaction)},
    });
    if shape == Shape::V5 {
        body["@type"] = json!(event.kind.name());
    }
    if let Some(id) = &event.correlation_id {
        body["correlationId"] = json!(id);
    }
    body.to_string()
}
