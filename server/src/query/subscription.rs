//! Which events a subscription wants (TMF630 "Hub"): the query of a list, read against an event.
//!
//! The grammar, the operators and their bounds are those of lists, see [`super::parse`]. The names
//! are those of the notification in the subscriber's version: members of the envelope, as
//! `eventType`, and below `event.partyInteraction` the paths a list has. What asks for a form of the
//! answer (`fields`, paging, order) is refused, as is an `eventType` that no event has: it would
//! silently never match.

use crate::domain::event::{Event, EventKind};
use crate::domain::index::{self, Candidates, Key, Lookup};
use crate::domain::interaction::Members;
use crate::domain::notification::Member;
use crate::domain::shape::Shape;
use crate::query::attribute::Scope;
use crate::query::condition::{Conditions, decoded};
use crate::query::error::QueryError;
use crate::query::filter::{Comparison, Condition, Path, Subject, Term};
use crate::query::parse::{QueryContext, QueryLimits};
use crate::query::text::{pairs, split};
use crate::query::vocabulary::Kind;

/// What shapes the answer to a list. A subscription has none.
const OF_LISTS: [&str; 7] = ["fields", "sort", "filter", "offset", "limit", "depth", "expand"];

/// Where the interaction is in a notification.
const PAYLOAD: [&str; 2] = ["event", "partyInteraction"];

/// A subscription's query, compiled. An empty one wants every event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventFilter {
    shape: Shape,
    /// All must hold.
    conditions: Vec<AnyOf>,
}

/// As [`Condition`].
#[derive(Clone, Debug, PartialEq)]
struct AnyOf {
    tests: Vec<Test>,
    negated: bool,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// With a member of the envelope.
    Envelope(Member, Comparison),
    /// With what is at a canonical path of the interaction.
    Interaction(Term),
}

impl EventFilter {
    /// Compiles a query, with or without the `?` in front. `context` is that of the version
    /// it is registered through; paths of extensions count as they do for lists. Whoever
    /// reads a stored query again must ask the store for them too: that is what tells `vip.ne=1`,
    /// an operator, from a member called `ne`.
    ///
    /// # Errors
    /// [`QueryError`] for the first thing that cannot be honoured.
    pub fn parse(query: &str, context: &QueryContext<'_>) -> Result<Self, QueryError> {
        let shape = context.shape;
        let scope = EventScope { of_interaction: context };
        let mut conditions = Conditions::default();
        for raw in pairs(query.strip_prefix('?').unwrap_or(query)) {
            let (raw_name, _) = split(raw);
            let name = decoded(raw_name, raw_name)?;
            if OF_LISTS.contains(&name.as_str()) {
                return Err(QueryError::NotInSubscription(name));
            }
            conditions.add(raw, &scope)?;
        }
        let conditions = conditions.into_all().into_iter().map(|c| AnyOf::compile(c, shape));
        Ok(Self { shape, conditions: conditions.collect::<Result<_, _>>()? })
    }

    /// Whether the event is wanted. `members` are those of its document, and `href_prefix` is the
    /// subscriber's collection address, ending in `/`.
    pub fn matches(&self, event: &Event, members: &Members, href_prefix: &str) -> bool {
        let subject = Subject { identity: event.identity(), members, href_prefix };
        self.conditions.iter().all(|condition| {
            condition.holds(|test| match test {
                Test::Envelope(member, comparison) => {
                    let text = member.of(event, self.shape);
                    text.is_some_and(|text| comparison.holds_for(&text.into()))
                }
                Test::Interaction(term) => subject.satisfies(&term.path, &term.comparison),
            })
        })
    }

    /// The kinds of events it can want; `None`: all.
    pub fn kinds(&self) -> Option<Vec<EventKind>> {
        let kinds: Vec<EventKind> =
            EventKind::ALL.into_iter().filter(|kind| self.may_want(*kind)).collect();
        (kinds.len() < EventKind::ALL.len()).then_some(kinds)
    }

    /// Keys of which an interaction has at least one if it can be wanted; `None`: nothing is known.
    pub fn keys(&self) -> Option<Vec<Key>> {
        let keys = self.conditions.iter().filter_map(AnyOf::keys);
        keys.min_by_key(Vec::len)
    }

    /// Whether those conditions that the kind alone decides hold for it.
    fn may_want(&self, kind: EventKind) -> bool {
        let said = |test: &Test| match test {
            Test::Envelope(member, comparison) => {
                Some(comparison.holds_for(&member.of_kind(kind)?.into()))
            }
            Test::Interaction(_) => None,
        };
        self.conditions.iter().all(|condition| {
            let is_decided = condition.tests.iter().all(|test| said(test).is_some());
            !is_decided || condition.holds(|test| said(test) == Some(true))
        })
    }
}

impl AnyOf {
    fn compile(condition: Condition, shape: Shape) -> Result<Self, QueryError> {
        let tests = condition.any_of.into_iter().map(|term| Test::compile(term, shape));
        Ok(Self { tests: tests.collect::<Result<_, _>>()?, negated: condition.negated })
    }

    fn holds(&self, passes: impl Fn(&Test) -> bool) -> bool {
        self.tests.iter().any(passes) != self.negated
    }

    /// See [`EventFilter::keys`].
    fn keys(&self) -> Option<Vec<Key>> {
        if self.negated {
            return None;
        }
        let mut keys = Vec::new();
        for test in &self.tests {
            let Test::Interaction(term) = test else { return None };
            let Candidates { sure, doubtful } = index::candidates(term)?;
            for lookup in sure.into_iter().chain(doubtful) {
                match lookup {
                    Lookup::Key(key) => keys.push(key),
                    Lookup::Instants { .. } => return None,
                }
            }
        }
        Some(keys)
    }
}

impl Test {
    fn compile(term: Term, shape: Shape) -> Result<Self, QueryError> {
        let member = match term.path.as_slice() {
            [name] => Member::of_name(name, shape),
            _ => None,
        };
        let Some(member) = member else {
            let path = term.path.into_iter().skip(PAYLOAD.len()).collect();
            return Ok(Self::Interaction(Term { path, comparison: term.comparison }));
        };
        if let (Member::EventType | Member::Type, Comparison::Equal(operand)) =
            (member, &term.comparison)
        {
            let is_called = |kind: EventKind| member.of_kind(kind) == Some(operand.text());
            if !EventKind::ALL.into_iter().any(is_called) {
                let (path, name) = (member.name(), operand.text().to_owned());
                return Err(QueryError::NoSuchEvent { path, name });
            }
        }
        Ok(Self::Envelope(member, term.comparison))
    }
}

/// The names of a notification.
struct EventScope<'a> {
    of_interaction: &'a QueryContext<'a>,
}

impl Scope for EventScope<'_> {
    fn places(&self, path: &[String]) -> Vec<(Path, Kind)> {
        let common = path.iter().zip(PAYLOAD).take_while(|(name, known)| *name == known).count();
        match path {
            [name] if common == 0 => match Member::of_name(name, self.of_interaction.shape) {
                Some(member) if member.is_instant() => vec![(path.to_vec(), Kind::Instant)],
                Some(_) => vec![(path.to_vec(), Kind::Text)],
                None => Vec::new(),
            },
            // `event`, and `event.partyInteraction`.
            _ if common == path.len() => vec![(path.to_vec(), Kind::Object)],
            [_, _, inside @ ..] if common == PAYLOAD.len() => {
                let inside = self.of_interaction.places(inside).into_iter();
                let whole = |path: Path| PAYLOAD.map(str::to_owned).into_iter().chain(path);
                inside.map(|(path, kind)| (whole(path).collect(), kind)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn limits(&self) -> &QueryLimits {
        self.of_interaction.limits()
    }
}

#[cfg(test)]
mod tests;
