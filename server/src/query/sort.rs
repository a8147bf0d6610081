//! `sort`: the order of a list (TMF630 "Sorting").
//!
//! ```text
//! sort = key *( "," key )
//! key  = [ "+" / "-" ] path          "-" is descending
//! ```
//!
//! An order is carried out by one key of bytes for each interaction, which compares as the interaction
//! stands: attribute by attribute as [`collation`] has it, the `id` last, so that no two are equal. Of
//! several values at a path the smallest counts, descending the largest. What has no value comes first,
//! descending last. Nothing here reads a list: see the store.

use crate::domain::collation::{self, Leading};
use crate::domain::interaction::{Interaction, Members};
use crate::domain::path;
use crate::query::attribute::Attribute;
use crate::query::condition::decoded;
use crate::query::error::QueryError;
use crate::query::filter::Path;
use crate::query::parse::QueryContext;
use crate::query::vocabulary::Kind;
use std::fmt;

/// Most attributes in one order.
const MOST_KEYS: usize = 8;

/// An order of interactions.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// The first decides; the next one among equals.
    pub keys: Vec<SortKey>,
    /// Collection address of the reader, ending in `/`: what own `href`s begin with.
    pub href_prefix: String,
}

/// As the caller wrote it: `-creationDate,status`.
impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, key) in self.keys.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            let sign = if key.descending { "-" } else { "" };
            write!(f, "{comma}{sign}{}", key.name)?;
        }
        Ok(())
    }
}

/// One attribute of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// As the caller knows it: `channel.id`.
    pub name: String,
    /// Where it is in canonical documents, and what its values are.
    pub places: Vec<(Path, Kind)>,
    /// Largest first.
    pub descending: bool,
}

impl Sort {
    /// Reads the raw value of the parameter. A plus sign may have become a blank.
    ///
    /// # Errors
    /// [`QueryError`] naming what is not there, cannot be compared, or is there twice.
    pub fn parse(raw: &str, context: &QueryContext<'_>) -> Result<Self, QueryError> {
        let mut keys: Vec<SortKey> = Vec::new();
        for raw in raw.split(',') {
            let text = decoded("sort", raw)?;
            let (descending, name) = match text.strip_prefix('-') {
                Some(name) => (true, name),
                None => (false, text.strip_prefix(['+', ' ']).unwrap_or(&text)),
            };
            if name.is_empty() {
                return Err(QueryError::NoValue("sort".to_owned()));
            }
            let found = Attribute::find(name, context)?;
            let found = found.ok_or_else(|| QueryError::UnknownPath(name.to_owned()))?;
            let Attribute { written: name, places } = found;
            if keys.iter().any(|key| key.name == name) {
                return Err(QueryError::SortedTwice(name));
            }
            if keys.len() == MOST_KEYS {
                return Err(QueryError::TooManySortKeys(MOST_KEYS));
            }
            keys.push(SortKey { name, places, descending });
        }
        Ok(Self { keys, href_prefix: context.href_prefix.to_owned() })
    }

    /// Where an interaction stands; `members` are its canonical members.
    pub fn key(&self, interaction: &Interaction, members: &Members) -> Vec<u8> {
        let mut whole = Vec::new();
        for key in &self.keys {
            whole.extend(key.encoded(interaction, members, &self.href_prefix));
        }
        whole.extend(interaction.id.bytes());
        whole
    }

    /// The same for all orders that are the same, in canonical terms: `-creationDate Instant`.
    pub fn spelling(&self) -> String {
        let mut spelling = String::new();
        for key in &self.keys {
            spelling.push(if key.descending { '-' } else { '+' });
            for (path, kind) in &key.places {
                let path = path.join(".");
                let reader = if path == "href" { self.href_prefix.as_str() } else { "" };
                spelling.push_str(&format!("{path} {kind:?} {reader}\n"));
            }
        }
        spelling
    }
}

impl SortKey {
    fn encoded(&self, interaction: &Interaction, members: &Members, href_prefix: &str) -> Vec<u8> {
        let mut best: Option<Vec<u8>> = None;
        let mut offer = |key: Vec<u8>| {
            let is_better = best
                .as_ref()
                .is_none_or(|best| if self.descending { key > *best } else { key < *best });
            if is_better {
                best = Some(key);
            }
        };
        for (path, kind) in &self.places {
            match path.as_slice() {
                // Neither is among the members, and both are names, whatever they look like.
                [name] if name == "id" => offer(collation::of_text(&interaction.id)),
                [name] if name == "href" => {
                    offer(collation::of_text(&interaction.href(href_prefix)));
                }
                path => path::each_at(members, path, &mut |value| {
                    collation::of_value(value, *kind != Kind::Text)
                        .into_iter()
                        .for_each(&mut offer);
                }),
            }
        }
        let mut key = best.unwrap_or_else(collation::absent);
        if self.descending {
            key.iter_mut().for_each(|byte| *byte = !*byte);
        }
        key
    }

    /// What a key that begins with this attribute begins with.
    pub fn leading(&self, key: &[u8]) -> Leading {
        if !self.descending {
            return collation::leading_instant(key);
        }
        let key: Vec<u8> = key.iter().map(|byte| !byte).collect();
        collation::leading_instant(&key)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::domain::decimal::Decimal;
    use crate::domain::scalar::Instant;
    use crate::query::parse::tests::parsed;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::Value;
    use std::cmp::Ordering;

    fn sort(raw: &str) -> Result<Option<Sort>, QueryError> {
        parsed(&format!("sort={raw}")).map(|query| query.sort)
    }

    #[test]
    fn keys_are_read_in_their_order() {
        for (raw, expected) in [
            ("status", "status"),
            ("-status", "-status"),
            ("+status", "status"),
            ("%2Bstatus", "status"),
            ("%2dstatus,+reason", "-status,reason"),
            ("-creationDate,relatedParty.party.id", "-creationDate,relatedParty.party.id"),
            ("vip.level,id,-href", "vip.level,id,-href"),
            ("either", "either"),
        ] {
            let name =
                |key: &SortKey| format!("{}{}", ["", "-"][key.descending as usize], key.name);
            let keys: Vec<_> = sort(raw).unwrap().unwrap().keys.iter().map(name).collect();
            assert_eq!(keys.join(","), expected, "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_sorted_by_is_named() {
        for (raw, expected) in [
            ("", "sort: expected a value"),
            ("-", "sort: expected a value"),
            ("status,", "sort: expected a value"),
            ("colour", "colour: no such attribute"),
            ("--status", "-status: no such attribute"),
            ("hidden", "hidden: no such attribute"),
            ("size", "size: has members of its own; name one of them"),
            ("status,-status", "status: named more than once in sort"),
            ("%FF", "sort: not UTF-8"),
        ] {
            assert_eq!(sort(raw).unwrap_err().to_string(), expected, "{raw}");
        }
        assert_eq!(parsed("sort").unwrap_err().to_string(), "sort: expected a value");
        let twice = parsed("sort=id&sort=id").unwrap_err().to_string();
        assert_eq!(twice, "sort: given more than once");
    }

    /// The order by comparing values, without any bytes.
    pub fn naively(sort: &Sort, one: &Interaction, other: &Interaction) -> Ordering {
        let members = [one, other].map(|interaction| interaction.members().unwrap());
        for key in &sort.keys {
            let best = |interaction: &Interaction, members: &Members| {
                let mut values = Vec::new();
                for (path, kind) in &key.places {
                    match path.join(".").as_str() {
                        "id" => values.push(Naive::Text(interaction.id.clone())),
                        "href" => values.push(Naive::Text(interaction.href(&sort.href_prefix))),
                        _ => path::each_at(members, path, &mut |value| {
                            values.extend(Naive::of(value, *kind));
                        }),
                    }
                }
                values.sort();
                let best = if key.descending { values.pop() } else { values.into_iter().next() };
                best.unwrap_or(Naive::Absent)
            };
            let order = best(one, &members[0]).cmp(&best(other, &members[1]));
            let order = if key.descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        one.id.cmp(&other.id)
    }

    #[derive(Eq, Ord, PartialEq, PartialOrd)]
    enum Naive {
        Absent,
        Boolean(bool),
        Number(Decimal),
        Instant(Instant),
        Text(String),
    }

    impl Naive {
        fn of(value: &Value, kind: Kind) -> Option<Self> {
            match value {
                Value::Bool(value) => Some(Self::Boolean(*value)),
                Value::Number(number) => Decimal::parse(&number.to_string()).map(Self::Number),
                Value::String(text) => match Instant::parse(text).filter(|_| kind != Kind::Text) {
                    Some(instant) => Some(Self::Instant(instant)),
                    None => Some(Self::Text(text.clone())),
                },
                _ => None,
            }
        }
    }

    fn values() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            (-2000..2000i64, -3..4i8).prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
            (0..3u8, 0..3u8).prop_map(|(h, n)| format!(r#""2024-01-01T0{h}:00:00.00000000{n}Z""#)),
            "[a\0é-]{0,3}".prop_map(|text| Value::from(text).to_string()),
            Just("{}".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn keys_compare_as_the_interactions_stand(
            all in vec((vec(values(), 0..3), values(), "[ab\0]{0,2}"), 2..8),
            raw in "-?vip[.]level,-?status(,-?creationDate)?(,-?href)?",
        ) {
            let sort = sort(&raw).unwrap().unwrap();
            let interactions: Vec<_> = all.iter().enumerate().map(|(n, (many, one, id))| Interaction {
                id: format!("{id}{n}"),
                version: 1,
                foreign_href: (n % 2 == 0).then(|| id.clone()),
                text: format!(
                    r#"{{"vip":{{"level":[{}]}},"status":{one},"creationDate":{one}}}"#,
                    many.join(",")
                ),
            }).collect();
            let key = |i: &Interaction| sort.key(i, &i.members().unwrap());
            for one in &interactions {
                for other in &interactions {
                    prop_assert_eq!(key(one).cmp(&key(other)), naively(&sort, one, other));
                }
            }
        }
    }
}
