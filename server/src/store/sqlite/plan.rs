//! How a filter is answered: which conditions the index narrows, and whether it decides them.
//!
//! A plan is data, made without the database. Running it is [`super::page`]'s part. The rule:
//! the index may leave too many candidates, never too few, and a plan is [`Plan::Exact`] only if
//! nothing is left to be looked at in the documents (D6).

use super::seam::lookup;
use crate::domain::index::Key;
use crate::query::filter::{Condition, Filter, Operator, Term};

/// More terms than this in one condition are left to evaluation: SQLite bounds the size of a
/// statement, and so do we.
const MAX_PROBES: usize = 100;

/// The way to answer a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// There are no conditions: all interactions.
    Everything,
    /// A condition has no alternatives, or none that can be met.
    Nothing,
    /// The index decides: the matches are the intersection of these sets. Never empty.
    Exact(Vec<AnyOf>),
    /// Candidates are the intersection of these sets (all interactions if there are none); which
    /// of them match is for the documents to say.
    Evaluate(Vec<AnyOf>),
}

/// A union of index lookups: one condition, as far as the index knows it. Never empty.
pub(super) type AnyOf = Vec<Probe>;

/// One lookup.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Probe {
    /// An entry of the generic index.
    Key(Key),
    /// The interaction of that id.
    Id(String),
    /// The interaction of that id, if its href is made by us.
    OwnId(String),
    /// Interactions that came with that href.
    ForeignHref(String),
}

impl Plan {
    /// Plans for `filter`.
    pub(super) fn of(filter: &Filter) -> Self {
        let mut sets = Vec::new();
        let mut exact = true;
        for condition in &filter.conditions {
            match narrow(condition, &filter.href_prefix) {
                Some((probes, _)) if probes.is_empty() => return Self::Nothing,
                Some((probes, decided)) => {
                    exact &= decided;
                    sets.push(probes);
                }
                None => exact = false,
            }
        }
        match (exact, sets.is_empty()) {
            (true, true) => Self::Everything,
            (true, false) => Self::Exact(sets),
            (false, _) => Self::Evaluate(sets),
        }
    }
}

/// The lookups whose union holds all that meet the condition, and whether it holds only those.
/// `None`: the index does not know one of the terms, so it cannot narrow at all.
fn narrow(condition: &Condition, href_prefix: &str) -> Option<(AnyOf, bool)> {
    let mut probes = Vec::new();
    let mut exact = true;
    for term in &condition.any_of {
        let (found, decided) = probe(term, href_prefix)?;
        exact &= decided;
        probes.extend(found);
    }
    (probes.len() <= MAX_PROBES).then_some((probes, exact))
}

/// The same for one term.
fn probe(term: &Term, href_prefix: &str) -> Option<(AnyOf, bool)> {
    let Term { path, operator: Operator::Equal, operand } = term;
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // Neither is in the document, nor in the generic index: they have columns.
        ["id"] => Some((vec![Probe::Id(operand.clone())], true)),
        ["href"] => {
            let own = operand.strip_prefix(href_prefix).map(|id| Probe::OwnId(id.to_owned()));
            let mut probes = vec![Probe::ForeignHref(operand.clone())];
            probes.extend(own);
            Some((probes, true))
        }
        _ => lookup(term).map(|(keys, exact)| (keys.into_iter().map(Probe::Key).collect(), exact)),
    }
}
