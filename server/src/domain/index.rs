//! Which canonical paths are indexed: the one list, and the extraction of their keys.
//!
//! An index may only be quicker than [`Filter::matches`](crate::query::filter::Filter::matches),
//! never of another opinion: whatever matches is found, and where a key alone does not decide, the
//! caller is told to look at the document. How keys are stored is the store's business.

use super::decimal::Decimal;
use super::interaction::{Interaction, Members};
use super::json;
use super::scalar::{Instant, Operand};
use super::tree::{Object, Tree};
use crate::query::filter::{Comparison, Order, Term};
use std::sync::LazyLock;

/// Number of the rules by which keys are made, [`INDEXED`] among them. A release that makes other keys of
/// a document than the last one did has the next number, and every store then makes its entries anew:
/// what is to be taken out of the index is computed here, so all of it must have been made here.
pub const RULES: u32 = 1;

/// One index entry of one interaction.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    /// Number of the indexed path, stable over releases (it is stored).
    pub path: u16,
    /// What is compared.
    pub value: KeyValue,
}

/// An index value in comparable form.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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
/// every store has columns for them. A change is one of [`RULES`].
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

/// [`INDEXED`] as the paths branch, so that one walk over a document finds the values of all.
static BRANCHES: LazyLock<Branch> = LazyLock::new(|| {
    let mut root = Branch::default();
    for indexed in INDEXED {
        let end = indexed.path.split('.').fold(&mut root, Branch::below_or_new);
        end.ends = Some(indexed);
    }
    root
});

/// Where some indexed paths lead on.
#[derive(Default)]
struct Branch {
    /// The path that ends here.
    ends: Option<IndexedPath>,
    below: Vec<(&'static str, Branch)>,
}

impl Branch {
    fn below_or_new(&mut self, name: &'static str) -> &mut Self {
        let at = self.below.iter().position(|(at, _)| *at == name);
        let at = at.unwrap_or_else(|| {
            self.below.push((name, Self::default()));
            self.below.len() - 1
        });
        &mut self.below[at].1
    }

    fn collect_members(&self, members: &Object<'_>, keys: &mut Vec<Key>) {
        for (name, value) in members.iter() {
            if let Some((_, branch)) = self.below.iter().find(|(at, _)| at == name) {
                branch.collect(value, keys);
            }
        }
    }

    fn collect(&self, value: &Tree<'_>, keys: &mut Vec<Key>) {
        match value {
            Tree::Array(items) => items.iter().for_each(|item| self.collect(item, keys)),
            Tree::Object(members) => self.collect_members(members, keys),
            scalar => keys.extend(self.ends.and_then(|indexed| key(indexed, scalar))),
        }
    }
}

/// All keys of one interaction, each once, in their order.
pub fn keys(members: &Members) -> Vec<Key> {
    keys_in(&members.into())
}

/// The same of members to look at.
pub fn keys_in(members: &Object<'_>) -> Vec<Key> {
    let mut keys = Vec::with_capacity(INDEXED.len());
    BRANCHES.collect_members(members, &mut keys);
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The same of what is stored. A text that is no JSON object has none.
pub fn keys_of(interaction: &Interaction) -> Vec<Key> {
    json::stored(&interaction.text).map(|members| keys_in(&members)).unwrap_or_default()
}

/// Those of `keys` that are not among `others`, both as [`keys`] makes them.
pub fn not_among<'k>(keys: &'k [Key], others: &[Key]) -> impl Iterator<Item = &'k Key> {
    keys.iter().filter(|key| others.binary_search(key).is_err())
}

/// The entry for a canonical path, if it is indexed.
pub fn lookup(path: &[String]) -> Option<IndexedPath> {
    let is_it = |indexed: &&IndexedPath| {
        let mut names = indexed.path.split('.');
        path.iter().all(|name| names.next() == Some(name)) && names.next().is_none()
    };
    INDEXED.iter().find(is_it).copied()
}

/// How the index answers a comparison: what matches has a key in one of the lookups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Candidates {
    /// What has a key in one of these matches.
    pub sure: Vec<Lookup>,
    /// Of what has a key in one of these only, the document decides.
    pub doubtful: Vec<Lookup>,
}

/// Which keys to look for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Lookup {
    /// This one.
    Key(Key),
    /// Those of instants from `from_us` to `to_us`, both included.
    Instants {
        /// See [`Key::path`].
        path: u16,
        /// As [`KeyValue::Instant`].
        from_us: i64,
        /// As [`KeyValue::Instant`].
        to_us: i64,
    },
}

/// Keys of what one comparison can match; `None`: the index cannot tell, look at everything.
pub fn candidates(term: &Term) -> Option<Candidates> {
    let indexed = lookup(&term.path)?;
    match &term.comparison {
        Comparison::Equal(operand) => equal(indexed, operand),
        Comparison::Ordered(order, operand) if indexed.kind == KeyKind::Instant => {
            Some(range(indexed.number, *order, operand.instant()?))
        }
        Comparison::Ordered(..) | Comparison::Matches(_) => None,
    }
}

fn equal(indexed: IndexedPath, operand: &Operand) -> Option<Candidates> {
    match (indexed.kind, operand.instant()) {
        // Equal instants have many spellings, and each is another text.
        (KeyKind::Text, Some(_)) => return None,
        (KeyKind::Instant, Some(instant)) => {
            let key = Key { path: indexed.number, value: instant_value(instant) };
            return Some(Candidates { doubtful: vec![Lookup::Key(key)], ..Candidates::default() });
        }
        (_, None) => {}
    }
    let text = operand.text();
    let mut lookups = vec![Lookup::Key(text_key(indexed.number, text))];
    if let Some(number) = operand.number() {
        let by_value = Lookup::Key(text_key(indexed.number, &number.spelling()));
        if !lookups.contains(&by_value) {
            lookups.push(by_value);
        }
    }
    let is_sure = text.len() < SURELY_WHOLE && lookups.len() == 1;
    let (sure, doubtful) = if is_sure { (lookups, Vec::new()) } else { (Vec::new(), lookups) };
    Some(Candidates { sure, doubtful })
}

/// Keys are rounded down, so those of instants on the operand's own microsecond do not tell their
/// side, unless the operand is where the rounding ends: `v >= x` if and only if `floor(v) >= x`
/// for an `x` of whole microseconds, and so `v < x` as well.
fn range(path: u16, order: Order, instant: Instant) -> Candidates {
    let at = instant.floor_us();
    let whole = instant.is_whole_us();
    let (from_us, to_us, is_decided) = match order {
        Order::GreaterOrEqual if whole => (at, i64::MAX, true),
        Order::GreaterOrEqual | Order::Greater => (at + 1, i64::MAX, false),
        Order::Less => (i64::MIN, at - 1, whole),
        Order::LessOrEqual => (i64::MIN, at - 1, false),
    };
    let own = Lookup::Key(Key { path, value: KeyValue::Instant(at) });
    let doubtful = if is_decided { Vec::new() } else { vec![own] };
    Candidates { sure: vec![Lookup::Instants { path, from_us, to_us }], doubtful }
}

/// The key of a value in a document. `null` matches nothing and has none.
fn key(indexed: IndexedPath, value: &Tree<'_>) -> Option<Key> {
    let number = indexed.number;
    match value {
        Tree::Text(text) => match (indexed.kind, Instant::parse(text)) {
            (KeyKind::Instant, Some(instant)) => {
                Some(Key { path: number, value: instant_value(instant) })
            }
            _ => Some(text_key(number, text)),
        },
        Tree::Number(value) => {
            let spelling = value.to_string();
            let by_value = Decimal::parse(&spelling).map(|decimal| decimal.spelling());
            Some(text_key(number, &by_value.unwrap_or(spelling)))
        }
        Tree::Bool(value) => Some(text_key(number, if *value { "true" } else { "false" })),
        Tree::Null | Tree::Array(_) | Tree::Object(_) => None,
    }
}

fn text_key(path: u16, text: &str) -> Key {
    let end = text.floor_char_boundary(MAX_KEY_BYTES);
    Key { path, value: KeyValue::Text(text[..end].to_owned()) }
}

fn instant_value(instant: Instant) -> KeyValue {
    KeyValue::Instant(instant.floor_us())
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
    use crate::domain::path;
    use crate::query::filter::tests::filter;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::HashSet;

    fn interaction(text: &str) -> Interaction {
        Interaction { id: "7".to_owned(), version: 1, foreign_href: None, text: text.to_owned() }
    }

    #[test]
    fn numbers_and_paths_are_unique() {
        let numbers: HashSet<_> = INDEXED.iter().map(|indexed| indexed.number).collect();
        let paths: HashSet<_> = INDEXED.iter().map(|indexed| indexed.path).collect();
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

    /// What is stored was indexed so. Where this fails, [`RULES`] is to be raised with what is expected.
    #[test]
    fn rules_1() {
        let long = "é".repeat(300);
        let text = format!(
            r#"{{"@type":"PartyInteraction","status":"1e3","direction":true,"reason":"{long}",
                "creationDate":"2024-02-29T23:59:60.1234567+02:00","lastUpdate":"1969-12-31",
                "statusChangeDate":"soon","interactionDate":{{"startDateTime":["0001-01-01T00:00:00Z",
                    "2024-02-30"],"endDateTime":1e3}},
                "relatedParty":[[{{"partyOrPartyRole":[{{"id":-0.50,"name":"\u00e9\u0000"}},{{"id":null}}],
                    "role":""}}],{{"role":[1,"1",[1.0,{{"role":"no"}}]]}},7],
                "relatedChannel":{{"channel":{{"id":"2024-01-01T00:00:00Z","name":false}}}},
                "interactionItem":[{{"item":{{"entity":{{"id":123456789012345678901234567890}}}}}},
                    {{"item":{{"id":"no"}}}}],
                "externalIdentifier":[{{"id":"b"}},{{"id":"a"}},{{"id":"b"}}]}}"#
        );
        let told = |key: &Key| match &key.value {
            KeyValue::Text(text) => format!("{} {}", key.path, text.escape_debug()),
            KeyValue::Instant(instant) => format!("{} @{instant}", key.path),
        };
        let found = keys_of(&interaction(&text));
        let found: Vec<String> = found.iter().map(told).collect();
        let reason = format!("5 {}", "é".repeat(256));
        let expected = [
            "3 1e3",
            "4 true",
            &reason,
            "6 @1709244000123456",
            "7 @-86400000000",
            "8 soon",
            "9 2024-02-30",
            "9 @-62135596800000000",
            "10 1000",
            "11 -5e-1",
            r"12 é\0",
            "13 ",
            "13 1",
            "14 2024-01-01T00:00:00Z",
            "15 false",
            "16 123456789012345678901234567890",
            "17 a",
            "17 b",
        ];
        assert_eq!((RULES, found), (1, expected.map(str::to_owned).to_vec()));
        assert_eq!(keys_of(&interaction("[]")), []);
    }

    /// JSON of the names in the paths, wherever they stand.
    fn documents() -> impl Strategy<Value = Value> {
        let scalar = prop::sample::select(vec![
            json!(null),
            json!(true),
            json!(7),
            json!("x"),
            json!("2024-05-01"),
            json!(""),
        ]);
        let names = INDEXED.iter().flat_map(|indexed| indexed.path.split('.'));
        let name = prop::sample::select(names.collect::<Vec<_>>());
        scalar.prop_recursive(5, 60, 6, move |inner| {
            let members = prop::collection::btree_map(name.clone(), inner.clone(), 0..6);
            let object = members.prop_map(|members| members.into_iter().collect());
            prop_oneof![3 => object, 1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array)]
        })
    }

    proptest! {
        #[test]
        fn one_walk_finds_what_a_walk_for_each_path_does(document in documents()) {
            let Value::Object(members) = document else { return Ok(()) };
            let mut expected = Vec::new();
            for indexed in INDEXED {
                let path: Vec<&str> = indexed.path.split('.').collect();
                path::each_at(&members, &path, &mut |value| {
                    expected.extend(key(indexed, &value.into()));
                });
            }
            expected.sort();
            expected.dedup();
            prop_assert_eq!(keys(&members), expected);
        }
    }

    fn finds(lookup: &Lookup, key: &Key) -> bool {
        match (lookup, key) {
            (Lookup::Key(wanted), key) => wanted == key,
            (Lookup::Instants { path, from_us, to_us }, Key { path: at, value }) => {
                let KeyValue::Instant(instant) = value else { return false };
                path == at && (from_us..=to_us).contains(&instant)
            }
        }
    }

    /// `exact`, `candidate` or `-` (not found), and `scan` where the index cannot tell. What is
    /// found exactly must match, and what matches must be found.
    #[track_caller]
    fn check(stored: &Interaction, query: &str, expected: &str) {
        let members = stored.members().unwrap();
        let stored_keys = keys(&members);
        let filter = filter(query, "");
        let got = match candidates(&filter.conditions[0].any_of[0]) {
            None => "scan",
            Some(Candidates { sure, doubtful }) => {
                let found = |lookups: &[Lookup]| {
                    lookups.iter().any(|l| stored_keys.iter().any(|key| finds(l, key)))
                };
                match (found(&sure), found(&doubtful)) {
                    (true, _) => "exact",
                    (false, true) => "candidate",
                    (false, false) => "-",
                }
            }
        };
        assert_eq!(got, expected, "{query}");
        let matches = filter.matches(stored, &members);
        assert!(if matches { got != "-" } else { got != "exact" }, "{query}");
    }

    #[test]
    fn the_index_never_disagrees_with_the_document() {
        let long = "é".repeat(300);
        let stored = interaction(&format!(
            r#"{{"status":"1000","reason":"{long}","direction":"2024-01-01T00:00:00Z",
                    "creationDate":"2024-01-01T00:00:00Z","lastUpdate":"soon",
                    "externalIdentifier":[{{"id":1e3}},{{"id":true}}]}}"#
        ));
        check(&stored, "status=1000", "exact");
        check(&stored, "status=1000.0", "candidate");
        check(&stored, "status=1e3", "candidate");
        check(&stored, "externalIdentifier.id=1000.0", "candidate");
        check(&stored, "externalIdentifier.id=1000", "exact");
        check(&stored, "externalIdentifier.id=true", "exact");
        check(&stored, &format!("reason={long}"), "candidate");
        check(&stored, &format!("reason={}", "é".repeat(256)), "candidate");
        check(&stored, &format!("reason={}", "é".repeat(255)), "-");
        check(&stored, "direction=2024-01-01T01:00:00+01:00", "scan");
        check(&stored, "creationDate=2024-01-01T01:00:00+01:00", "candidate");
        check(&stored, "creationDate=2024-01-01T00:00:00.0000001Z", "candidate");
        check(&stored, "creationDate=2024-01-01", "candidate");
        check(&stored, "creationDate=2024-01-02", "-");
        check(&stored, "creationDate>=2024-01-01", "exact");
        check(&stored, "creationDate>2024-01-01", "candidate");
        check(&stored, "creationDate>2023-12-31", "exact");
        check(&stored, "creationDate>2024-01-02", "-");
        check(&stored, "creationDate<=2024-01-01", "candidate");
        check(&stored, "creationDate<2024-01-01", "-");
        check(&stored, "creationDate<2024-01-01T00:00:00.000001Z", "exact");
        check(&stored, "creationDate<=2024-01-01T00:00:00.000001Z", "exact");
        check(&stored, "creationDate<2024-01-01T00:00:00.0000001Z", "candidate");
        check(&stored, "creationDate>=2024-01-01T00:00:00.0000001Z", "candidate");
        check(&stored, "lastUpdate>2024-01-01", "-");
        check(&stored, "lastUpdate>so", "scan");
        check(&stored, "status>1", "scan");
        check(&stored, "status~1", "scan");
        check(&stored, "lastUpdate=soon", "exact");
        check(&stored, "note.text=x", "scan");
    }
}
