//! The events of a change (TMF630 "Hub"): what happened, and the interaction as it was then.
//!
//! Who is told, when and in which shape is decided on delivery; here events are only made.

use super::interaction::Interaction;
use super::lifecycle::Changed;

/// A fact written to the outbox in the transaction of the change it tells of.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// UUIDv7 text, the same over all delivery attempts.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The interaction it happened to.
    pub interaction_id: String,
    /// The `href` that interaction came with, if it is not ours to make.
    pub foreign_href: Option<String>,
    /// RFC 3339, UTC.
    pub time: String,
    /// From `X-Correlation-ID` or `traceparent` of the request, when there was one.
    pub correlation_id: Option<String>,
    /// Canonical members of the interaction after the change (before it, for a delete), as text.
    pub document: String,
    /// Top-level canonical members that changed, in document order; of a value change only.
    pub changed: Vec<String>,
}

/// The four event types of TMF683.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Create, Self::AttributeValueChange, Self::StatusChange, Self::Delete];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// When and on whose behalf something happened.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// RFC 3339, UTC.
    pub time: &'a str,
    /// See [`Event::correlation_id`].
    pub correlation_id: Option<&'a str>,
}

/// The event of a creation. `next_id` gives a new UUIDv7 text with each call.
pub fn events_of_create(
    interaction: &Interaction,
    occasion: Occasion<'_>,
    next_id: impl FnMut() -> String,
) -> Vec<Event> {
    events(&[EventKind::Create], interaction, occasion, next_id)
}

/// The events of a change, that of the status first. A change of nothing but the dates the server
/// keeps (`lastUpdate`, `statusChangeDate`) is not told.
pub fn events_of_change(
    interaction: &Interaction,
    changed: &Changed,
    occasion: Occasion<'_>,
    next_id: impl FnMut() -> String,
) -> Vec<Event> {
    let kinds = match (changed.status, changed.attributes) {
        (true, true) => &[EventKind::StatusChange, EventKind::AttributeValueChange][..],
        (true, false) => &[EventKind::StatusChange],
        (false, true) => &[EventKind::AttributeValueChange],
        (false, false) => &[],
    };
    events(kinds, interaction, occasion, next_id)
}

/// The event of a deletion, with the interaction as it was.
pub fn events_of_delete(
    interaction: &Interaction,
    occasion: Occasion<'_>,
    next_id: impl FnMut() -> String,
) -> Vec<Event> {
    events(&[EventKind::Delete], interaction, occasion, next_id)
}

fn events(
    kinds: &[EventKind],
    interaction: &Interaction,
    occasion: Occasion<'_>,
    mut next_id: impl FnMut() -> String,
) -> Vec<Event> {
    let event = |kind: &EventKind| Event {
        id: next_id(),
        kind: *kind,
        interaction_id: interaction.id.clone(),
        foreign_href: interaction.foreign_href.clone(),
        time: occasion.time.to_owned(),
        correlation_id: occasion.correlation_id.map(str::to_owned),
        document: interaction.text.clone(),
        changed: Vec::new(),
    };
    kinds.iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let interaction = Interaction {
            id: "i".to_owned(),
            version: 1,
            foreign_href: None,
            text: "{}".to_owned(),
        };
        let occasion = Occasion { time: "t", correlation_id: Some("c") };
        let check = |status, attributes, expected: &[EventKind]| {
            let changed = Changed { members: Default::default(), status, attributes };
            let mut ids = 0..;
            let next_id = || ids.next().unwrap().to_string();
            let events = events_of_change(&interaction, &changed, occasion, next_id);
            assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), expected);
            assert!(events.iter().enumerate().all(|(at, event)| event.id == at.to_string()));
        };
        check(true, true, &[EventKind::StatusChange, EventKind::AttributeValueChange]);
        check(true, false, &[EventKind::StatusChange]);
        check(false, true, &[EventKind::AttributeValueChange]);
        check(false, false, &[]);
        let told = events_of_delete(&interaction, occasion, || "e".to_owned());
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind.name(), "PartyInteractionDeleteEvent");
        assert_eq!(told[0].correlation_id.as_deref(), Some("c"));
    }
}
