//! How a list is answered: which conditions the index narrows, what of them it leaves in doubt, and what
//! brings the matches into order.
//!
//! A plan is data, made without the database; carrying it out is [`super::list`]'s part. `id` and `href`
//! have columns and are looked up there, all else is [`crate::domain::index`]'s to say. The rule: the
//! index may leave too many candidates, never too few, and whoever is in doubt is looked at in the
//! documents (D6).

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
    /// What matches is in all of these.
    pub sets: Vec<Set>,
    /// Whether that is all that is asked; else documents decide about everything that is in all sets.
    pub is_decided: bool,
    /// Names of the conditions that the index narrows.
    pub narrowed: Vec<String>,
    /// Names of the conditions that documents decide, narrowed or not.
    pub evaluated: Vec<String>,
    /// What brings them into order.
    pub order: Order,
}

/// One condition, as far as indexes know it: what meets it has been found by one of the lookups or,
/// where it is negated, what has not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    /// What is found is what does not meet it.
    pub negated: bool,
    /// What one of these finds, is found.
    pub sure: Vec<Probe>,
    /// Whether what only these find is found, documents decide.
    pub doubtful: Vec<Probe>,
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

/// One lookup.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Probe {
    /// All interactions.
    Every,
    /// Interactions with such an entry in the generic index.
    Index(Lookup),
    /// Interactions with any entry at that path of it.
    Present(u16),
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
            sets: Vec::new(),
            is_decided: true,
            narrowed: Vec::new(),
            evaluated: Vec::new(),
            order: Order::of(sort),
        };
        let mut left = MAX_PROBES;
        for condition in &filter.conditions {
            let name = || condition.name.clone();
            match narrow(condition, &filter.href_prefix) {
                Some(set) if set.size() <= left => {
                    plan.narrowed.push(name());
                    plan.evaluated.extend((!set.doubtful.is_empty()).then(name));
                    left -= set.size();
                    plan.sets.push(set);
                }
                _ => {
                    plan.is_decided = false;
                    plan.evaluated.push(name());
                }
            }
        }
        // A path is judged on what its reader sees, never on the index.
        if !filter.paths.is_empty() {
            plan.is_decided = false;
            plan.evaluated.push("filter".to_owned());
        }
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

impl Set {
    /// How many lookups it takes.
    fn size(&self) -> usize {
        self.sure.len() + self.doubtful.len()
    }
}

/// What indexes know of a condition. `None`: one of the terms has no index, so anything may meet it.
fn narrow(condition: &Condition, href_prefix: &str) -> Option<Set> {
    let mut set = Set { negated: condition.negated, ..Set::default() };
    for term in &condition.any_of {
        look_up(term, href_prefix, &mut set)?;
    }
    Some(set)
}

/// Adds the lookups of one term.
fn look_up(term: &Term, href_prefix: &str, set: &mut Set) -> Option<()> {
    match (term.path.as_slice(), &term.comparison) {
        ([name], comparison) if name == "id" || name == "href" => {
            let Comparison::Equal(operand) = comparison else { return None };
            let operand = operand.text();
            if name == "id" {
                set.sure.push(Probe::Id(operand.to_owned()));
                return Some(());
            }
            let own = operand.strip_prefix(href_prefix).map(|id| Probe::OwnId(id.to_owned()));
            set.sure.extend(own);
            set.sure.push(Probe::ForeignHref(operand.to_owned()));
        }
        _ => {
            let found = index::candidates(term)?;
            set.sure.extend(found.sure.into_iter().map(Probe::Index));
            set.doubtful.extend(found.doubtful.into_iter().map(Probe::Index));
        }
    }
    Some(())
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
        let plan = Plan::of(&filter(query), None);
        let told = |set: &Set| {
            let doubtful = match set.doubtful.len() {
                0 => String::new(),
                many => format!("+{many}?"),
            };
            format!("{}{}{doubtful} ", if set.negated { "not " } else { "" }, set.sure.len())
        };
        let sets: String = plan.sets.iter().map(told).collect();
        let rest = if plan.is_decided { "all" } else { "evaluate" };
        assert_eq!(format!("{sets}{rest}"), expected, "{query}");
    }

    #[test]
    fn plans() {
        check("", "all");
        check("status=", "1 all");
        check("status=opened", "1 all");
        check("status=opened|closed", "2 all");
        check("status=opened&direction=inbound|outbound", "1 2 all");
        check("id=a", "1 all");
        check("id=a|b&status=opened", "2 1 all");
        check(&format!("href={HREF_PREFIX}a"), "2 all");
        check("href=http://elsewhere/a", "1 all");
        check("note.text=a", "evaluate");
        check("status=opened&note.text=a", "1 evaluate");
        check("creationDate=2024-01-01T00:00:00Z", "0+1? all");
        check("creationDate>=2024-01-01&creationDate<2024-02-01", "1 1 all");
        check("creationDate>2024-01-01&status=opened", "1+1? 1 all");
        check("status!=opened", "not 1 all");
        check("status!=opened&note.text=a", "not 1 evaluate");
        check("status!=1e3", "not 0+2? all");
        check("note.text!=a", "evaluate");
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
        check(all_three, "1 evaluate");
        let plan = Plan::of(&filter(all_three), None);
        assert_eq!(plan.narrowed, ["externalIdentifier.id"]);
    }

    #[test]
    fn a_path_leaves_the_rest_to_the_index() {
        let mut filter = filter("status=opened");
        let bounds = Bounds { bytes: 100, regex_bytes: 100 };
        filter.paths.push(JsonPath::parse("[*]", Shape::V5, bounds).unwrap());
        let plan = Plan::of(&filter, None);
        assert_eq!((plan.sets.len(), plan.is_decided), (1, false));
        assert_eq!(plan.unindexed(), ["filter"]);
        filter.conditions.clear();
        let plan = Plan::of(&filter, None);
        assert_eq!((plan.sets.len(), plan.is_decided), (0, false));
    }

    #[test]
    fn a_statement_does_not_grow_without_bound() {
        let many = |n: usize| (0..n).map(|n| format!("s{n}")).collect::<Vec<_>>().join("|");
        check(&format!("status={}", many(MAX_PROBES)), &format!("{MAX_PROBES} all"));
        check(&format!("status={}&direction=in", many(MAX_PROBES)), "100 evaluate");
        check(&format!("status={}&direction=in", many(MAX_PROBES + 1)), "1 evaluate");
    }

    #[test]
    fn no_alternative_is_no_match() {
        let mut filter = filter("status=opened");
        filter.conditions[0].any_of.clear();
        let plan = Plan::of(&filter, None);
        assert_eq!((plan.sets, plan.is_decided), (vec![Set::default()], true));
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
            ("creationDate>2024-01-01&note.text=x&status!=y", "note.text"),
        ] {
            assert_eq!(Plan::of(&filter(query), None).unindexed().join(","), expected);
        }
    }
}
