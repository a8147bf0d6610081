//! Which canonical paths are indexed: the one list, and the extraction of their keys.
//!
//! An index may only be quicker than [`Filter::matches`](crate::query::filter::Filter::matches),
//! never of another opinion: whatever matches is found, and where a key alone does not decide, the
//! caller is told to look at the document. How keys are stored is the store's business.

use super::interaction::Members;
use super::path;
use super::scalar::{self, Decimal};
use crate::query::filter::{Operator, Term};
use chrono::{DateTime, FixedOffset};
use indexmap::IndexSet;
use serde_json::Value;

/// One index entry of one interaction.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub struct Key {
    /// Number of the indexed path, stable over releases (it is stored).
    pub path: u16,
    /// What is compared.
    pub value: KeyValue,
}

/// An index value in comparable form.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub enum KeyValue {
    /// A string, to the letter.
    Text(String),
    /// An instant in microseconds since 1970-01-01T00:00:00Z, rounded down. Two instants that
    /// differ by less are told apart by evaluating the document.
    Instant(i64),
}

/// How the values of an indexed path are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// To the letter (numbers, where an extension has one, by value).
    Text,
    /// As instants, where they can be read as such.
    Instant,
}

/// An entry of [`INDEXED`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IndexedPath {
    /// See [`Key::path`]. Never reuse the number of a path that is gone.
    pub number: u16,
    /// Dotted canonical path.
    pub path: &'static str,
    /// How it is compared.
    pub kind: KeyKind,
}

/// The one list of indexed paths; `id` and `href` are not in it, for they are not in documents and
/// every store has columns for them. A change needs a migration that indexes stored interactions anew.
pub const INDEXED: [IndexedPath; 15] = [
    text(3, "status"),
    text(4, "direction"),
    text(5, "reason"),
    instant(6, "creationDate"),
    instant(7, "lastUpdate"),
    instant(8, "statusChangeDate"),
    instant(9, "interactionDate.startDateTime"),
    instant(10, "interactionDate.endDateTime"),
    text(11, "relatedParty.partyOrPartyRole.id"),
    text(12, "relatedParty.partyOrPartyRole.name"),
    text(13, "relatedParty.role"),
    text(14, "relatedChannel.channel.id"),
    text(15, "relatedChannel.channel.name"),
    text(16, "interactionItem.item.entity.id"),
    text(17, "externalIdentifier.id"),
];

/// Longest text of a key in bytes. Of a longer value the beginning is the key, so it is found as a
/// candidate, and the document decides.
pub const MAX_KEY_BYTES: usize = 512;

/// A text shorter than this is no shortened one: shortening drops less than one character of four
/// bytes below the bound.
const SURELY_WHOLE: usize = MAX_KEY_BYTES - 3;

/// All keys of one interaction, without repetitions.
pub fn keys(members: &Members) -> Vec<Key> {
    let mut keys = IndexSet::new();
    for indexed in &INDEXED {
        let path: Vec<&str> = indexed.path.split('.').collect();
        path::any_at(members, &path, &mut |value| {
            keys.extend(key(*indexed, value));
            false
        });
    }
    keys.into_iter().collect()
}

/// The entry for a canonical path, if it is indexed.
pub fn lookup(path: &[String]) -> Option<IndexedPath> {
    let is_it = |indexed: &&IndexedPath| {
        let mut names = indexed.path.split('.');
        path.iter().all(|name| names.next() == Some(name)) && names.next().is_none()
    };
    INDEXED.iter().find(is_it).copied()
}

/// How the index answers a comparison.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidates {
    /// What matches has at least one of these keys.
    pub keys: Vec<Key>,
    /// What has one of the keys matches; otherwise the document decides.
    pub exact: bool,
}

/// Keys of what one comparison can match; `None`: the index cannot tell, look at everything.
pub fn candidates(term: &Term) -> Option<Candidates> {
    let Operator::Equal = term.operator;
    let indexed = lookup(&term.path)?;
    let operand = term.operand.as_str();
    match (indexed.kind, scalar::instant(operand)) {
        // Equal instants have many spellings, and each is another text.
        (KeyKind::Text, Some(_)) => return None,
        (KeyKind::Instant, Some(instant)) => {
            let keys = vec![Key { path: indexed.number, value: instant_value(instant) }];
            return Some(Candidates { keys, exact: false });
        }
        (_, None) => {}
    }
    let mut keys = vec![text_key(indexed.number, operand)];
    if let Some(number) = Decimal::parse(operand) {
        let by_value = text_key(indexed.number, &number.spelling());
        if !keys.contains(&by_value) {
            keys.push(by_value);
        }
    }
    let exact = operand.len() < SURELY_WHOLE && keys.len() == 1;
    Some(Candidates { keys, exact })
}

/// The key of a value in a document. `null` matches nothing and has none.
fn key(indexed: IndexedPath, value: &Value) -> Option<Key> {
    let number = indexed.number;
    match value {
        Value::String(text) => match (indexed.kind, scalar::instant(text)) {
            (KeyKind::Instant, Some(instant)) => {
                Some(Key { path: number, value: instant_value(instant) })
            }
            _ => Some(text_key(number, text)),
        },
        Value::Number(value) => {
            let spelling = value.to_string();
            let by_value = Decimal::parse(&spelling).map(|decimal| decimal.spelling());
            Some(text_key(number, &by_value.unwrap_or(spelling)))
        }
        Value::Bool(value) => Some(text_key(number, if *value { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text_key(path: u16, text: &str) -> Key {
    let end = text.floor_char_boundary(MAX_KEY_BYTES);
    Key { path, value: KeyValue::Text(text[..end].to_owned()) }
}

fn instant_value(instant: DateTime<FixedOffset>) -> KeyValue {
    KeyValue::Instant(instant.timestamp_micros())
}

const fn text(number: u16, path: &'static str) -> IndexedPath {
    IndexedPath { number, path, kind: KeyKind::Text }
}

const fn instant(number: u16, path: &'static str) -> IndexedPath {
    IndexedPath { number, path, kind: KeyKind::Instant }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::interaction::Interaction;
    use crate::query::filter::{Condition, Filter};

    fn interaction(text: &str) -> Interaction {
        Interaction { id: "7".to_owned(), version: 1, foreign_href: None, text: text.to_owned() }
    }

    #[test]
    fn numbers_and_paths_are_unique() {
        let numbers: IndexSet<_> = INDEXED.iter().map(|indexed| indexed.number).collect();
        let paths: IndexSet<_> = INDEXED.iter().map(|indexed| indexed.path).collect();
        assert_eq!((numbers.len(), paths.len()), (INDEXED.len(), INDEXED.len()));
    }

    #[test]
    fn keys_of_a_document() {
        let stored = interaction(
            r#"{"status":"open","creationDate":"1970-01-01T00:00:00.0000019Z","reason":null,
                "relatedParty":[{"role":"a"},{"role":"a"},{"role":"b","partyOrPartyRole":{"id":5.0}}]}"#,
        );
        let keys = keys(&stored.members().unwrap());
        assert_eq!(
            keys,
            [
                text_key(3, "open"),
                Key { path: 6, value: KeyValue::Instant(1) },
                text_key(11, "5"),
                text_key(13, "a"),
                text_key(13, "b"),
            ]
        );
    }

    /// `exact`, `candidate` or `-` (not found), and `scan` where the index cannot tell. What is
    /// found exactly must match, and what matches must be found.
    #[track_caller]
    fn check(stored: &Interaction, path: &str, operand: &str, expected: &str) {
        let members = stored.members().unwrap();
        let stored_keys = keys(&members);
        let term = Term {
            path: path.split('.').map(str::to_owned).collect(),
            operator: Operator::Equal,
            operand: operand.to_owned(),
        };
        let got = match candidates(&term) {
            None => "scan",
            Some(found) if !found.keys.iter().any(|key| stored_keys.contains(key)) => "-",
            Some(found) => {
                if found.exact {
                    "exact"
                } else {
                    "candidate"
                }
            }
        };
        assert_eq!(got, expected, "{path}={operand}");
        let conditions = vec![Condition { any_of: vec![term] }];
        let filter = Filter { conditions, href_prefix: String::new() };
        let matches = filter.matcher().matches(stored, &members);
        assert!(if matches { got != "-" } else { got != "exact" }, "{path}={operand}");
    }

    #[test]
    fn the_index_never_disagrees_with_the_document() {
        let long = "é".repeat(300);
        let stored = interaction(&format!(
            r#"{{"status":"1000","reason":"{long}","direction":"2024-01-01T00:00:00Z",
                    "creationDate":"2024-01-01T00:00:00Z","lastUpdate":"soon",
                    "externalIdentifier":[{{"id":1e3}},{{"id":true}}]}}"#
        ));
        check(&stored, "status", "1000", "exact");
        check(&stored, "status", "1000.0", "candidate");
        check(&stored, "status", "1e3", "candidate");
        check(&stored, "externalIdentifier.id", "1000.0", "candidate");
        check(&stored, "externalIdentifier.id", "1000", "exact");
        check(&stored, "externalIdentifier.id", "true", "exact");
        check(&stored, "reason", &long, "candidate");
        check(&stored, "reason", &"é".repeat(256), "candidate");
        check(&stored, "reason", &"é".repeat(255), "-");
        check(&stored, "direction", "2024-01-01T01:00:00+01:00", "scan");
        check(&stored, "creationDate", "2024-01-01T01:00:00+01:00", "candidate");
        check(&stored, "creationDate", "2024-01-01T00:00:00.0000001Z", "candidate");
        check(&stored, "creationDate", "2024-01-01", "-");
        check(&stored, "lastUpdate", "soon", "exact");
        check(&stored, "note.text", "x", "scan");
    }
}
