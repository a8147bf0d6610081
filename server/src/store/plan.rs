//! How a list is answered: which conditions the index narrows, whether it decides them, and what
//! brings the matches into order.
//!
//! A plan is data, made without the database; carrying it out is a back-end's part. `id` and `href`
//! have columns and are looked up there, all else is [`crate::domain::index`]'s to say. The rule: the
//! index may leave too many candidates, never too few, and a plan is [`Matching::Exact`] only if
//! nothing is left to be looked at in the documents (D6).

use crate::domain::index::{self, INDEXED, KeyKind, Lookup};
use crate::query::filter::{Comparison, Condition, Filter, Term};
use crate::query::sort::{Sort, SortKey};
use crate::query::vocabulary::Kind;
use std::fmt;

/// More lookups than this are not made for one filter; conditions that would exceed it are left to
/// evaluation. SQLite bounds the size of a statement, and so do we.
const MAX_PROBES: usize = 100;

/// The way to answer a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What finds the matches.
    pub matching: Matching,
    /// Names of the conditions that the index narrows.
    pub narrowed: Vec<String>,
    /// Names of the conditions that documents decide, narrowed or not.
    pub evaluated: Vec<String>,
    /// What brings them into order.
    pub order: Order,
}

/// What finds the matches of a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Matching {
    /// Nothing is asked: all interactions.
    Everything,
    /// A condition has no alternatives: nothing can meet it.
    Nothing,
    /// The index decides: the matches are the intersection of these sets. Never empty.
    Exact(Vec<AnyOf>),
    /// Candidates are the intersection of these sets (all interactions if there are none); which
    /// of them match is for the documents to say.
    Evaluate(Vec<AnyOf>),
}

/// What brings matches into order.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// They are in creation order.
    Creation,
    /// Their documents do.
    Documents(Sort),
    /// The index does, or their documents where that is less work.
    Index {
        /// Number of the path that is sorted by, see [`index::Key::path`].
        path: u16,
        /// The whole of the order; among equal instants it decides.
        sort: Sort,
    },
}

/// A union of lookups: one condition, as far as indexes know it. Never empty.
pub type AnyOf = Vec<Probe>;

/// One lookup.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
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
    /// Plans a list.
    pub fn of(filter: &Filter, sort: Option<&Sort>) -> Self {
        let mut plan = Self {
            matching: Matching::Everything,
            narrowed: Vec::new(),
            evaluated: Vec::new(),
            order: Order::of(sort),
        };
        let mut sets = Vec::new();
        let mut left = MAX_PROBES;
        for condition in &filter.conditions {
            let name = || condition.name.clone();
            match narrow(condition, &filter.href_prefix) {
                Some((probes, _)) if probes.is_empty() => {
                    return Self { matching: Matching::Nothing, ..plan };
                }
                Some((probes, decided)) if probes.len() <= left => {
                    plan.narrowed.push(name());
                    plan.evaluated.extend((!decided).then(name));
                    left -= probes.len();
                    sets.push(probes);
                }
                _ => plan.evaluated.push(name()),
            }
        }
        // A path is judged on what its reader sees, never on the index.
        if !filter.paths.is_empty() {
            plan.evaluated.push("filter".to_owned());
        }
        plan.matching = match (plan.evaluated.is_empty(), sets.is_empty()) {
            (true, true) => Matching::Everything,
            (true, false) => Matching::Exact(sets),
            (false, _) => Matching::Evaluate(sets),
        };
        plan
    }

    /// Which conditions have nobody but the documents to ask; all that ask them if there are none.
    pub fn unindexed(&self) -> Vec<String> {
        let only = self.evaluated.iter().filter(|name| !self.narrowed.contains(name));
        let only: Vec<String> = only.cloned().collect();
        if only.is_empty() { self.evaluated.clone() } else { only }
    }
}

impl Order {
    fn of(sort: Option<&Sort>) -> Self {
        let Some(sort) = sort else { return Self::Creation };
        let sort = sort.clone();
        match instants(&sort.keys) {
            Some(path) => Self::Index { path, sort },
            None => Self::Documents(sort),
        }
    }
}

/// The indexed path whose instants are all that is sorted by.
fn instants(keys: &[SortKey]) -> Option<u16> {
    let [SortKey { places, .. }] = keys else { return None };
    let [(path, Kind::Instant)] = places.as_slice() else { return None };
    index::lookup(path).filter(|path| path.kind == KeyKind::Instant).map(|path| path.number)
}

/// One line: `index status.eq, creationDate.gt; documents creationDate.gt; order -creationDate by index`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        write!(f, "index {}; ", or_none(&self.narrowed))?;
        write!(f, "documents {}; ", or_none(&self.evaluated))?;
        match &self.order {
            Order::Creation => write!(f, "order creation"),
            Order::Documents(sort) => write!(f, "order {sort} by documents"),
            Order::Index { sort, .. } => write!(f, "order {sort} by index"),
        }
    }
}

/// What has an index, for who is told that something has none: canonical paths.
pub fn indexed_paths() -> String {
    let paths = INDEXED.iter().map(|indexed| indexed.path);
    ["id", "href"].into_iter().chain(paths).collect::<Vec<_>>().join(", ")
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
    use crate::domain::lens;
    use crate::domain::shape::Shape;
    use crate::query::filter::tests;
    use crate::query::jsonpath::{Bounds, JsonPath};

    const HREF_PREFIX: &str = "http://h/";

    fn filter(query: &str) -> Filter {
        tests::filter(query, HREF_PREFIX)
    }

    #[track_caller]
    fn check(query: &str, expected: &str) {
        let (name, sets) = match Plan::of(&filter(query), None).matching {
            Matching::Everything => ("everything", vec![]),
            Matching::Nothing => ("nothing", vec![]),
            Matching::Exact(sets) => ("exact", sets),
            Matching::Evaluate(sets) => ("evaluate", sets),
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
    fn an_external_identifier_is_found_by_its_id_in_every_version() {
        for version_path in ["id", "owner", "externalIdentifierType"] {
            let path = ["externalIdentifier", version_path].map(str::to_owned);
            assert_eq!(lens::paths_to_canonical(&path), [path.to_vec()], "v4 calls it the same");
        }
        let all_three = "externalIdentifier.owner=crm&externalIdentifier.externalIdentifierType=x\
                         &externalIdentifier.id=4711";
        check(all_three, "evaluate 1");
        let plan = Plan::of(&filter(all_three), None);
        assert_eq!(plan.narrowed, ["externalIdentifier.id"]);
    }

    #[test]
    fn a_path_leaves_the_rest_to_the_index() {
        let mut filter = filter("status=opened");
        let bounds = Bounds { bytes: 100, regex_bytes: 100 };
        filter.paths.push(JsonPath::parse("[*]", Shape::V5, bounds).unwrap());
        let plan = Plan::of(&filter, None);
        assert!(matches!(&plan.matching, Matching::Evaluate(sets) if sets.len() == 1));
        assert_eq!(plan.unindexed(), ["filter"]);
        filter.conditions.clear();
        assert_eq!(Plan::of(&filter, None).matching, Matching::Evaluate(vec![]));
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
        assert_eq!(Plan::of(&filter, None).matching, Matching::Nothing);
    }

    #[test]
    fn a_plan_is_told_in_a_line() {
        let sort = |keys: &[(&str, Kind)]| Sort {
            keys: keys
                .iter()
                .map(|(name, kind)| SortKey {
                    name: (*name).to_owned(),
                    places: vec![(name.split('.').map(str::to_owned).collect(), *kind)],
                    descending: *kind == Kind::Instant,
                })
                .collect(),
            href_prefix: String::new(),
        };
        let date = ("creationDate", Kind::Instant);
        for (query, keys, expected) in [
            ("", &[][..], "index none; documents none; order creation"),
            ("status=x&note.text~y", &[], "index status; documents note.text; order creation"),
            (
                "creationDate>2024-01-01",
                &[date],
                "index creationDate; documents creationDate; order -creationDate by index",
            ),
            (
                "",
                &[date, ("id", Kind::Text)],
                "index none; documents none; order -creationDate,id by documents",
            ),
            (
                "",
                &[("status", Kind::Text)],
                "index none; documents none; order status by documents",
            ),
        ] {
            let sort = Some(sort(keys)).filter(|sort| !sort.keys.is_empty());
            assert_eq!(Plan::of(&filter(query), sort.as_ref()).to_string(), expected);
        }
    }

    #[test]
    fn what_has_no_index_is_named() {
        for (query, expected) in [
            ("status=x", ""),
            ("creationDate>2024-01-01", "creationDate"),
            ("creationDate>2024-01-01&note.text=x&status!=y", "note.text,status"),
        ] {
            assert_eq!(Plan::of(&filter(query), None).unindexed().join(","), expected);
        }
    }
}
