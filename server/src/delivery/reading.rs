//! How one subscription reads the log: which events it is about, and what they look like to it.

use crate::domain::event::Event;
use crate::domain::interaction::Members;
use crate::domain::json;
use crate::domain::notification::{self, Shape};
use crate::query::subscription::EventFilter;
use crate::store::contract::Subscription;
use crate::store::contract::delivery::LoggedEvent;
use bytes::Bytes;
use std::sync::Arc;

/// An event on its way to those who want it, parsed once for all of them.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) seq: i64,
    pub(super) event: Event,
    /// Canonical members of the event's document.
    pub(super) members: Members,
}

impl Fact {
    /// `None`: its document is not one of ours. That is told in the log, and to nobody else.
    pub(super) fn of(logged: LoggedEvent) -> Option<Arc<Self>> {
        let LoggedEvent { seq, event } = logged;
        match json::reread(&event.document) {
            Ok(members) => Some(Arc::new(Self { seq, event, members })),
            Err(error) => {
                tracing::error!(event = event.id, %error, "an event's document cannot be read");
                None
            }
        }
    }
}

/// A subscription, understood.
#[derive(Debug)]
pub struct Reading {
    /// Which events; `None`: all.
    pub filter: Option<EventFilter>,
    /// In which shape.
    pub shape: Shape,
    /// What their `href`s begin with, up to and including `/partyInteraction/`.
    pub href_prefix: String,
}

/// Understands subscriptions, or says what it does not understand.
pub type Readings = Box<dyn Fn(&Subscription) -> Result<Reading, String> + Send + Sync>;

impl Reading {
    /// Whether the subscription is about this event.
    pub(super) fn wants(&self, fact: &Fact) -> bool {
        let Fact { event, members, .. } = fact;
        self.filter.as_ref().is_none_or(|filter| filter.matches(event, members, &self.href_prefix))
    }

    /// The notification.
    pub(super) fn body(&self, fact: &Fact) -> Bytes {
        let Fact { event, members, .. } = fact;
        notification::body(event, members.clone(), self.shape, &self.href_prefix).into()
    }
}
