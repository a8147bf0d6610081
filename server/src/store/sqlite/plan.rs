//! How a filter is answered: which conditions the index narrows, and whether it decides them.
//!
//! A plan is data, made without the database; running it is [`super::selection`]'s part. `id` and
//! `href` have columns and are looked up there, all else is [`crate::domain::index`]'s to say.
//! The rule: the index may leave too many candidates, never too few, and a plan is
//! [`Plan::Exact`] only if nothing is left to be looked at in the documents (D6).

use crate::domain::index::{self, Lookup};
use crate::query::filter::{Comparison, Condition, Filter, Term};

/// More lookups than this are not made for one filter; conditions that would exceed it are left to
/// evaluation. SQLite bounds the size of a statement, and so do we.
const MAX_PROBES: usize = 100;

/// The way to answer a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// There are no conditions: all interactions.
    Everything,
    /// A condition has no alternatives: nothing can meet it.
    Nothing,
    /// The index decides: the matches are the intersection of these sets. Never empty.
    Exact(Vec<AnyOf>),
    /// Candidates are the intersection of these sets (all interactions if there are none); which
    /// of them match is for the documents to say.
    Evaluate(Vec<AnyOf>),
}

/// A union of lookups: one condition, as far as indexes know it. Never empty.
pub(super) type AnyOf = Vec<Probe>;

/// One lookup.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Probe {
    /// Interactions with such an entry in the generic index.
    Index(Lookup),
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
        let mut left = MAX_PROBES;
        for condition in &filter.conditions {
            match narrow(condition, &filter.href_prefix) {
                Some((probes, _)) if probes.is_empty() => return Self::Nothing,
                Some((probes, decided)) if probes.len() <= left => {
                    exact &= decided;
                    left -= probes.len();
                    sets.push(probes);
                }
                _ => exact = false,
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
/// `None`: it is a negation or one of the terms has no index, so anything may meet it.
fn narrow(condition: &Condition, href_prefix: &str) -> Option<(AnyOf, bool)> {
    if condition.negated {
        return None;
    }
    let mut probes: AnyOf = Vec::new();
    let mut exact = true;
    for term in &condition.any_of {
        let (found, decided) = look_up(term, href_prefix)?;
        exact &= decided;
        probes.extend(found);
    }
    Some((probes, exact))
}

/// The same for one term.
fn look_up(term: &Term, href_prefix: &str) -> Option<(AnyOf, bool)> {
    match (term.path.as_slice(), &term.comparison) {
        ([name], comparison) if name == "id" || name == "href" => {
            let Comparison::Equal(operand) = comparison else { return None };
            let operand = operand.text();
            if name == "id" {
                return Some((vec![Probe::Id(operand.to_owned())], true));
            }
            let own = operand.strip_prefix(href_prefix).map(|id| Probe::OwnId(id.to_owned()));
            let foreign = Probe::ForeignHref(operand.to_owned());
            Some((own.into_iter().chain([foreign]).collect(), true))
        }
        _ => {
            let found = index::candidates(term)?;
            Some((found.lookups.into_iter().map(Probe::Index).collect(), found.exact))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::{HREF_PREFIX, filter};

    #[track_caller]
    fn check(query: &str, expected: &str) {
        let (name, sets) = match Plan::of(&filter(query)) {
            Plan::Everything => ("everything", vec![]),
            Plan::Nothing => ("nothing", vec![]),
            Plan::Exact(sets) => ("exact", sets),
            Plan::Evaluate(sets) => ("evaluate", sets),
        };
        let sizes = sets.iter().map(|set| format!(" {}", set.len())).collect::<String>();
        assert_eq!(format!("{name}{sizes}"), expected, "{query}");
    }

    #[test]
    fn plans() {
        check("", "everything");
        check("status=", "exact 1");
        check("status=opened", "exact 1");
        check("status=opened|closed", "exact 2");
        check("status=opened&direction=inbound|outbound", "exact 1 2");
        check("id=a", "exact 1");
        check("id=a|b&status=opened", "exact 2 1");
        check(&format!("href={HREF_PREFIX}a"), "exact 2");
        check("href=http://elsewhere/a", "exact 1");
        check("note.text=a", "evaluate");
        check("status=opened&note.text=a", "evaluate 1");
        check("creationDate=2024-01-01T00:00:00Z", "evaluate 1");
        check("creationDate>=2024-01-01&creationDate<2024-02-01", "exact 1 1");
        check("creationDate>2024-01-01&status=opened", "evaluate 1 1");
        check("status!=opened", "evaluate");
        check("status~^o", "evaluate");
        check("id>a", "evaluate");
    }

    #[test]
    fn a_statement_does_not_grow_without_bound() {
        let many = |n: usize| (0..n).map(|n| format!("s{n}")).collect::<Vec<_>>().join("|");
        check(&format!("status={}", many(MAX_PROBES)), &format!("exact {MAX_PROBES}"));
        check(&format!("status={}&direction=in", many(MAX_PROBES)), "evaluate 100");
        check(&format!("status={}&direction=in", many(MAX_PROBES + 1)), "evaluate 1");
    }

    #[test]
    fn no_alternative_is_no_match() {
        let mut filter = filter("status=opened");
        filter.conditions[0].any_of.clear();
        assert_eq!(Plan::of(&filter), Plan::Nothing);
    }
}
