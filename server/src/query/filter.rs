//! What a list is asked for: conditions over canonical paths, and their evaluation.
//!
//! A filter is an AND of conditions, a condition an OR of terms (TMF630 "Filtering").

use crate::domain::interaction::{Interaction, Members};
use crate::query::decimal::Decimal;
use crate::query::instant::instant;
use crate::query::vocabulary::Kind;
use serde_json::Value;

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
    /// How values there compare.
    pub kind: Kind,
    /// Which comparison.
    pub operator: Operator,
    /// What to compare with, as it was written in the query. It fits `kind`.
    pub operand: String,
}

/// TMF630 comparison operators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// Equal: strings to the letter, instants as instants, numbers as numbers.
    Equal,
}

impl Filter {
    /// Whether an interaction, given with its stored members, meets every condition.
    pub fn matches(&self, interaction: &Interaction, members: &Members) -> bool {
        self.conditions.iter().all(|condition| {
            condition.any_of.iter().any(|term| self.holds(term, interaction, members))
        })
    }

    fn holds(&self, term: &Term, interaction: &Interaction, members: &Members) -> bool {
        match term.path.as_slice() {
            // Neither is among the stored members.
            [name] if name == "id" => interaction.id == term.operand,
            [name] if name == "href" => interaction.href(&self.href_prefix) == term.operand,
            [name, rest @ ..] => members.get(name).is_some_and(|value| found(value, rest, term)),
            [] => false,
        }
    }
}

/// Whether a value the path leads to equals the operand.
fn found(value: &Value, path: &[String], term: &Term) -> bool {
    match (value, path) {
        (Value::Array(items), _) => items.iter().any(|item| found(item, path, term)),
        (Value::Object(members), [name, rest @ ..]) => {
            members.get(name).is_some_and(|value| found(value, rest, term))
        }
        (_, []) => equal(value, term),
        _ => false,
    }
}

fn equal(value: &Value, term: &Term) -> bool {
    let operand = term.operand.as_str();
    match value {
        Value::String(text) => {
            let same_instant = || instant(text).is_some_and(|a| instant(operand) == Some(a));
            text == operand || (term.kind == Kind::Instant && same_instant())
        }
        Value::Number(number) => {
            Decimal::parse(number.as_str()).is_some_and(|a| Decimal::parse(operand) == Some(a))
        }
        Value::Bool(flag) => operand == if *flag { "true" } else { "false" },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(path: &str, kind: Kind, operand: &str) -> bool {
        let Value::Object(members) = json!({
            "status": "open", "creationDate": "2020-10-02T13:37:08.013+02:00",
            "size": 1000, "huge": 9_007_199_254_740_993_u64, "vip": true, "none": null,
            "note": [{"text": "a"}, {"text": "b", "tags": ["x", "y"]}],
        }) else {
            unreachable!()
        };
        let interaction =
            Interaction { id: "7".into(), version: 1, foreign_href: None, text: String::new() };
        let term = Term {
            path: path.split('.').map(str::to_owned).collect(),
            kind,
            operator: Operator::Equal,
            operand: operand.into(),
        };
        let conditions = vec![Condition { any_of: vec![term] }];
        Filter { conditions, href_prefix: "http://x/".into() }.matches(&interaction, &members)
    }

    #[test]
    fn equality_follows_the_kind() {
        for (path, kind, operand, expected) in [
            ("status", Kind::Text, "open", true),
            ("status", Kind::Text, "Open", false),
            ("id", Kind::Text, "7", true),
            ("href", Kind::Text, "http://x/7", true),
            ("href", Kind::Text, "http://y/7", false),
            ("creationDate", Kind::Instant, "2020-10-02T11:37:08.013Z", true),
            ("creationDate", Kind::Instant, "2020-10-02T11:37:08.013000Z", true),
            ("creationDate", Kind::Instant, "2020-10-02T11:37:08.0130001Z", false),
            ("creationDate", Kind::Text, "2020-10-02T11:37:08.013Z", false),
            ("size", Kind::Number, "1e3", true),
            ("huge", Kind::Number, "9007199254740992", false),
            ("vip", Kind::Boolean, "true", true),
            ("vip", Kind::Any, "false", false),
            ("none", Kind::Any, "null", false),
            ("note.text", Kind::Text, "b", true),
            ("note.text", Kind::Text, "c", false),
            ("note.tags", Kind::Any, "y", true),
            ("note", Kind::Any, "a", false),
        ] {
            assert_eq!(matches(path, kind, operand), expected, "{path} {operand}");
        }
    }
}
