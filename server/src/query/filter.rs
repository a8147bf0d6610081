//! What a list is asked for: conditions over canonical paths, and their evaluation.
//!
//! A filter is an AND of conditions, a condition an OR of terms (TMF630 "Filtering").
//! Judging here is the meaning of a filter; an index may only be quicker, never different.

use crate::domain::interaction::{Interaction, Members};
use crate::domain::path;
use crate::domain::scalar::Operand;

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

/// OR of terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// At least one holds.
    pub any_of: Vec<Term>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Where to look. Several places (arrays): any of them may match.
    pub path: Path,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with, as it was written in the query.
    pub operand: String,
}

/// TMF630 comparison operators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// Equal: strings to the letter, instants as instants, numbers as numbers.
    Equal,
}

impl Filter {
    /// The filter with its operands read, once for the many interactions it is applied to.
    pub fn matcher(&self) -> Matcher<'_> {
        let operands = self.conditions.iter().map(|condition| {
            condition.any_of.iter().map(|term| Operand::new(&term.operand)).collect()
        });
        Matcher { filter: self, operands: operands.collect() }
    }
}

/// A filter ready to be applied to many interactions.
#[derive(Debug)]
pub struct Matcher<'f> {
    filter: &'f Filter,
    /// By condition and term.
    operands: Vec<Vec<Operand<'f>>>,
}

impl Matcher<'_> {
    /// Whether an interaction matches; `members` are its canonical members.
    pub fn matches(&self, interaction: &Interaction, members: &Members) -> bool {
        self.filter.conditions.iter().zip(&self.operands).all(|(condition, operands)| {
            condition
                .any_of
                .iter()
                .zip(operands)
                .any(|(term, operand)| self.holds(term, operand, interaction, members))
        })
    }

    /// `id` and `href` are not among the members; they are compared to the letter.
    fn holds(
        &self,
        term: &Term,
        operand: &Operand<'_>,
        interaction: &Interaction,
        members: &Members,
    ) -> bool {
        let Operator::Equal = term.operator;
        match term.path.as_slice() {
            [name] if name == "id" => interaction.id == term.operand,
            [name] if name == "href" => interaction.href(&self.filter.href_prefix) == term.operand,
            path => path::any_at(members, path, &mut |value| operand.equals(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, expected: bool) {
        let interaction = Interaction {
            id: "7".to_owned(),
            version: 1,
            foreign_href: None,
            text: r#"{"status":"open","n":1e3,"d":"2024-01-01T00:00:00Z","gone":null,"deep":[[{"x":"y"}]],
                "party":[{"id":"a","role":"r"},{"id":"b","role":"s"}],"tags":["p",["q"]]}"#
                .to_owned(),
        };
        // `a=x|y&b=z`, as short as it gets.
        let term = |name: &str, operand: &str| Term {
            path: name.split('.').map(str::to_owned).collect(),
            operator: Operator::Equal,
            operand: operand.to_owned(),
        };
        let condition = |pair: &str| {
            let (name, values) = pair.split_once('=').unwrap();
            Condition { any_of: values.split('|').map(|value| term(name, value)).collect() }
        };
        let filter = Filter {
            conditions: filter.split('&').filter(|pair| !pair.is_empty()).map(condition).collect(),
            href_prefix: "http://h/".to_owned(),
        };
        let members = interaction.members().unwrap();
        assert_eq!(filter.matcher().matches(&interaction, &members), expected, "{filter:?}");
    }

    #[test]
    fn matching() {
        check("", true);
        check("status=open", true);
        check("status=closed", false);
        check("status=closed|open", true);
        check("status=open&n=1000", true);
        check("status=open&n=1001", false);
        check("d=2024-01-01T01:00:00+01:00", true);
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
    fn a_foreign_href_is_the_only_one() {
        let interaction = Interaction {
            id: "7".to_owned(),
            version: 1,
            foreign_href: Some("http://old/7".to_owned()),
            text: "{}".to_owned(),
        };
        for (operand, expected) in [("http://old/7", true), ("http://h/7", false)] {
            let term = Term {
                path: vec!["href".to_owned()],
                operator: Operator::Equal,
                operand: operand.to_owned(),
            };
            let filter = Filter {
                conditions: vec![Condition { any_of: vec![term] }],
                href_prefix: "http://h/".to_owned(),
            };
            assert_eq!(filter.matcher().matches(&interaction, &Members::new()), expected);
        }
    }
}
