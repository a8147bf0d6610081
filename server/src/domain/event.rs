//! The events of a change (TMF630 "Hub"): what happened, and the interaction as it was then.
//!
//! Who is told, when and in which shape is decided on delivery; here events are only made.

use super::interaction::{Identity, Interaction};
use super::lifecycle::Changed;

/// A fact written to the outbox in the transaction of the change it tells of.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Event {
    /// UUIDv7 text, the same over all delivery attempts.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The interaction it happened to.
    pub interaction_id: String,
    /// The `href` it came with, if it was imported, see [`Interaction::foreign_href`].
    pub foreign_href: Option<String>,
    /// RFC 3339, UTC.
    pub time: String,
    /// From `X-Correlation-ID` or `traceparent` of the request, when there was one.
    pub correlation_id: Option<String>,
    /// Canonical members of the interaction after the change (before it, for a delete), as text.
    pub document: String,
    /// Top-level members that are different, for a change of attributes; see [`Changed::attributes`].
    pub changed: Vec<String>,
}

impl Event {
    /// What the interaction it happened to is called.
    pub fn identity(&self) -> Identity<'_> {
        Identity { id: &self.interaction_id, foreign_href: self.foreign_href.as_deref() }
    }
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
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Create, Self::AttributeValueChange, Self::StatusChange, Self::Delete];

    /// The `eventType` on the wire, and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "PartyInteractionCreateEvent",
            Self::AttributeValueChange => "PartyInteractionAttributeValueChangeEvent",
            Self::StatusChange => "PartyInteractionStatusChangeEvent",
            Self::Delete => "PartyInteractionDeleteEvent",
        }
    }

    /// The kind of that `eventType`.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
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
    let kinds = match (changed.status, changed.attributes.is_empty()) {
        (true, false) => &[EventKind::StatusChange, EventKind::AttributeValueChange][..],
        (true, true) => &[EventKind::StatusChange],
        (false, false) => &[EventKind::AttributeValueChange],
        (false, true) => &[],
    };
    let mut events = events(kinds, interaction, occasion, next_id);
    for event in events.iter_mut().filter(|event| event.kind == EventKind::AttributeValueChange) {
        event.changed.clone_from(&changed.attributes);
    }
    events
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
            foreign_href: Some("http://old/i".to_owned()),
            text: "{}".to_owned(),
        };
        let occasion = Occasion { time: "t", correlation_id: Some("c") };
        let check = |status, attributes: &[&str], expected: &[EventKind]| {
            let attributes: Vec<String> = attributes.iter().map(|name| (*name).into()).collect();
            let changed =
                Changed { members: Default::default(), status, attributes: attributes.clone() };
            let mut ids = 0..;
            let next_id = || ids.next().unwrap().to_string();
            let events = events_of_change(&interaction, &changed, occasion, next_id);
            assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), expected);
            for (at, event) in events.iter().enumerate() {
                assert_eq!(event.id, at.to_string());
                assert_eq!(event.foreign_href, interaction.foreign_href);
                let of_values = event.kind == EventKind::AttributeValueChange;
                assert_eq!(event.changed, if of_values { &attributes[..] } else { &[] });
            }
        };
        check(true, &["n", "m"], &[EventKind::StatusChange, EventKind::AttributeValueChange]);
        check(true, &[], &[EventKind::StatusChange]);
        check(false, &["n"], &[EventKind::AttributeValueChange]);
        check(false, &[], &[]);
        let told = events_of_delete(&interaction, occasion, || "e".to_owned());
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind.name(), "PartyInteractionDeleteEvent");
        assert_eq!(told[0].correlation_id.as_deref(), Some("c"));
    }

    #[test]
    fn names_go_both_ways() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::of_name(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::of_name("PartyInteractionCreate"), None);
    }
}
