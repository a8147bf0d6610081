//! The query of a subscription: which events it is about (TMF630 "Hub").

use crate::domain::event::{Event, EventKind};
use crate::domain::index::Key;
use crate::domain::interaction::Members;

/// A query over events.
#[derive(Clone, Debug)]
pub struct EventFilter {
    kinds: Vec<EventKind>,
}

impl EventFilter {
    /// Reads `eventType=A,B`.
    ///
    /// # Errors
    /// What was not understood.
    pub fn parse(query: &str) -> Result<Self, String> {
        let names = query.strip_prefix("eventType=").ok_or_else(|| query.to_owned())?;
        let kind = |name: &str| EventKind::of_name(name).ok_or_else(|| name.to_owned());
        Ok(Self { kinds: names.split(',').map(kind).collect::<Result<_, _>>()? })
    }

    /// Whether an event matches; `members` are the canonical members of its document.
    pub fn matches(&self, event: &Event, _members: &Members, _href_prefix: &str) -> bool {
        self.kinds.contains(&event.kind)
    }

    /// The kinds it can match. `None`: all.
    pub fn kinds(&self) -> Option<Vec<EventKind>> {
        Some(self.kinds.clone())
    }

    /// Index keys, one of which an interaction must have to match. `None`: unknown.
    pub fn keys(&self) -> Option<Vec<Key>> {
        None
    }
}
