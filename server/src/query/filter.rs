//! What a list is asked for: conditions over canonical paths, and their evaluation.
//!
//! A filter is an AND of conditions, a condition an OR of terms or its negation (TMF630
//! "Filtering"). Judging here is the meaning of a filter; an index may only be quicker, never
//! different.

use crate::domain::interaction::{Identity, Interaction, Members};
use crate::domain::path;
use crate::domain::scalar::Operand;
use crate::query::pattern::Pattern;
use serde_json::Value;
use std::cmp::Ordering;

/// Dotted canonical path, split: `["relatedParty", "partyOrPartyRole", "id"]`.
/// Arrays are descended into without an index of their own.
pub type Path = Vec<String>;

/// AND of conditions over canonical documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// All must hold. Empty: everything matches.
    pub conditions: Vec<Condition>,
    /// Collection address of the reader, ending in `/`: what `href` conditions are judged against.
    pub href_prefix: String,
}

/// OR of terms, or the complement of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The attribute and the operator's suffix, as the caller knows them: `channel.id.eq`.
    pub name: String,
    /// At least one holds.
    pub any_of: Vec<Term>,
    /// None of them holds: `a.ne=x,y` is true of exactly those that `a=x,y` is false of, whether
    /// they have other values or none.
    pub negated: bool,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Where to look. Several places (arrays): any of them may match.
    pub path: Path,
    /// What is asked of what is found.
    pub comparison: Comparison,
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// Equal: strings to the letter, instants as instants, numbers as numbers.
    Equal(Operand),
    /// Ordered likewise.
    Ordered(Order, Operand),
    /// Texts only.
    Matches(Pattern),
}

/// On which side of the operand a value must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Above.
    Greater,
    /// Above, or equal.
    GreaterOrEqual,
    /// Below.
    Less,
    /// Below, or equal.
    LessOrEqual,
}

impl Filter {
    /// Whether an interaction matches; `members` are its canonical members.
    pub fn matches(&self, interaction: &Interaction, members: &Members) -> bool {
        let subject =
            Subject { identity: interaction.identity(), members, href_prefix: &self.href_prefix };
        let holds = |term: &Term| subject.satisfies(&term.path, &term.comparison);
        self.conditions.iter().all(|condition| condition.holds(holds))
    }
}

impl Condition {
    /// Whether it holds, told which of its terms do.
    pub fn holds(&self, term_holds: impl Fn(&Term) -> bool) -> bool {
        self.any_of.iter().any(term_holds) != self.negated
    }
}

/// An interaction as its reader sees it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `id` and `href`, which are not among the members.
    pub identity: Identity<'a>,
    /// Canonical.
    pub members: &'a Members,
    /// Collection address of the reader, ending in `/`.
    pub href_prefix: &'a str,
}

impl Subject<'_> {
    /// Whether the comparison holds for some value at the canonical path.
    pub fn satisfies(&self, path: &[String], comparison: &Comparison) -> bool {
        match path {
            [name] if name == "id" => comparison.holds_for_name(self.identity.id),
            [name] if name == "href" => {
                comparison.holds_for_name(&self.identity.href(self.href_prefix))
            }
            path => path::any_at(self.members, path, &mut |value| comparison.holds_for(value)),
        }
    }
}

impl Comparison {
    /// Whether it holds for a value in a document.
    pub fn holds_for(&self, value: &Value) -> bool {
        match self {
            Self::Equal(operand) => operand.equals(value),
            Self::Ordered(order, operand) => {
                operand.order_of(value).is_some_and(|found| order.admits(found))
            }
            Self::Matches(pattern) => value.as_str().is_some_and(|text| pattern.is_in(text)),
        }
    }

    /// Whether it holds for an `id` or `href`: names, to the letter, whatever they look like.
    fn holds_for_name(&self, name: &str) -> bool {
        match self {
            Self::Equal(operand) => name == operand.text(),
            Self::Ordered(order, operand) => order.admits(name.cmp(operand.text())),
            Self::Matches(pattern) => pattern.is_in(name),
        }
    }
}

impl Order {
    fn admits(self, found: Ordering) -> bool {
        match self {
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A filter as short as it gets: `a=x|y&b.c!=z&d>=5&e<7&f~p`, AND is `&`, OR is `|`.
    pub fn filter(query: &str, href_prefix: &str) -> Filter {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let conditions = pairs.map(|pair| condition(pair).unwrap_or_else(|| panic!("{pair}")));
        Filter { conditions: conditions.collect(), href_prefix: href_prefix.to_owned() }
    }

    fn condition(pair: &str) -> Option<Condition> {
        let at = pair.find(['!', '=', '>', '<', '~'])?;
        let (name, rest) = pair.split_at(at);
        let sign =
            ["!=", ">=", "<=", "=", ">", "<", "~"].into_iter().find(|s| rest.starts_with(s))?;
        let comparison = |text: &str| match sign {
            ">" => Comparison::Ordered(Order::Greater, Operand::new(text)),
            ">=" => Comparison::Ordered(Order::GreaterOrEqual, Operand::new(text)),
            "<" => Comparison::Ordered(Order::Less, Operand::new(text)),
            "<=" => Comparison::Ordered(Order::LessOrEqual, Operand::new(text)),
            "~" => Comparison::Matches(Pattern::new(text, 100).unwrap()),
            _ => Comparison::Equal(Operand::new(text)),
        };
        let path: Path = name.split('.').map(str::to_owned).collect();
        let operands = rest[sign.len()..].split('|');
        let any_of = operands.map(|o| Term { path: path.clone(), comparison: comparison(o) });
        Some(Condition { name: name.into(), any_of: any_of.collect(), negated: sign == "!=" })
    }

    #[track_caller]
    fn check(query: &str, expected: bool) {
        let interaction = Interaction {
            id: "7".to_owned(),
            version: 1,
            foreign_href: None,
            text: r#"{"status":"open","n":1e3,"d":"2024-01-01T00:00:00Z","gone":null,"deep":[[{"x":"y"}]],
                "party":[{"id":"a","role":"r"},{"id":"b","role":"s"}],"tags":["p",["q"]],"yes":true}"#
                .to_owned(),
        };
        let filter = filter(query, "http://h/");
        let members = interaction.members().unwrap();
        assert_eq!(filter.matches(&interaction, &members), expected, "{query}");
    }

    #[test]
    fn equality() {
        check("", true);
        check("status=open", true);
        check("status=closed", false);
        check("status=closed|open", true);
        check("status=open&n=1000", true);
        check("status=open&n=1001", false);
        check("d=2024-01-01T01:00:00+01:00", true);
        check("d=2024-01-01", true);
        check("d=2024-01-02", false);
        check("party.id=b", true);
        check("party.id=b&party.role=r", true);
        check("party.id=c", false);
        check("party=a", false);
        check("tags=p", true);
        check("tags=q", true);
        check("deep.x=y", true);
        check("gone=null", false);
        check("nope=x", false);
        check("id=7&href=http://h/7", true);
        check("id=07", false);
        check("href=http://x/7", false);
    }

    #[test]
    fn the_complement_of_equality() {
        check("status!=closed", true);
        check("status!=closed|open", false);
        check("party.id!=b", false);
        check("party.id!=c", true);
        check("nope!=x", true);
        check("gone!=null", true);
        check("id!=7", false);
        check("n!=1000.0", false);
    }

    #[test]
    fn order() {
        check("n>999.5&n<1000.5&n>=1000&n<=1e3", true);
        check("n>1000", false);
        check("n>soon", false);
        check("d>2023-12-31T23:59:59Z&d<2024-01-01T00:00:01Z&d>=2024-01-01&d<=2024-01-01", true);
        check("d>2024-01-01", false);
        check("d<2024-01-01", false);
        check("status>2024-01-01", false);
        check("status<2024-01-01", false);
        check("status>ope&status<openb", true);
        check("party.id>a", true);
        check("party.id>b", false);
        check("yes>=true", false);
        check("gone<=null", false);
        check("nope<z", false);
        check("id>6&id<8", true);
        check("id>10", true);
    }

    #[test]
    fn patterns() {
        check("status~^o.en$", true);
        check("status~p", true);
        check("status~^pen", false);
        check("party.role~[st]", true);
        check("d~^2024", true);
        check("n~1", false);
        check("yes~true", false);
        check("id~7&href~^http://h/", true);
    }

    #[test]
    fn a_foreign_href_is_the_only_one() {
        let interaction = Interaction {
            id: "7".to_owned(),
            version: 1,
            foreign_href: Some("http://old/7".to_owned()),
            text: "{}".to_owned(),
        };
        for (query, expected) in [("href=http://old/7", true), ("href=http://h/7", false)] {
            let filter = filter(query, "http://h/");
            assert_eq!(filter.matches(&interaction, &Members::new()), expected);
        }
    }
}
