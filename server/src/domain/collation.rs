//! Values as bytes that compare as the values do, so that any store can keep and compare them.
//!
//! Absent, `false`, `true`, numbers, instants, texts: in this order, each among its own as
//! [`super::scalar`] compares them, texts by code point. No encoding is the beginning of another one,
//! so encodings put together compare as their parts do, one after the other; bitwise complements
//! compare the other way round.

use super::decimal::Decimal;
use super::scalar::Instant;
use serde_json::Value;

/// First bytes; what follows is of one kind.
const ABSENT: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const NUMBER: u8 = 4;
const INSTANT: u8 = 5;
const TEXT: u8 = 6;

/// There is no value, which is less than any.
pub fn absent() -> Vec<u8> {
    vec![ABSENT]
}

/// The encoding of a value in a document; `None` for null, objects and arrays, which do not compare.
/// Texts that can be read as instants are such where `instants` says so.
pub fn of_value(value: &Value, instants: bool) -> Option<Vec<u8>> {
    match value {
        Value::Bool(value) => Some(vec![if *value { TRUE } else { FALSE }]),
        Value::Number(number) => Some(of_number(&number.to_string())),
        Value::String(text) => Some(match Instant::parse(text).filter(|_| instants) {
            Some(instant) => of_instant(instant),
            None => of_text(text),
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The encoding of a text.
pub fn of_text(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() + 3);
    key.push(TEXT);
    put_text(&mut key, text);
    key
}

/// The encoding of an instant.
pub fn of_instant(instant: Instant) -> Vec<u8> {
    let mut key = vec![INSTANT];
    key.extend(instant.to_ordered_bytes());
    key
}

/// The microsecond of an instant that an encoding begins with, or why there is none.
pub fn leading_instant(key: &[u8]) -> Leading {
    match key.split_first() {
        Some((&ABSENT, _)) => Leading::Absent,
        Some((&INSTANT, rest)) => {
            let instant = rest.first_chunk().map(|bytes| Instant::from_ordered_bytes(*bytes));
            instant.map_or(Leading::Other, |instant| Leading::Instant(instant.floor_us()))
        }
        _ => Leading::Other,
    }
}

/// What an encoding begins with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leading {
    /// No value.
    Absent,
    /// An instant, in microseconds, rounded down.
    Instant(i64),
    /// Something else.
    Other,
}

/// Numbers that [`Decimal`] does not read come after all others, by their letters.
fn of_number(spelling: &str) -> Vec<u8> {
    let mut key = vec![NUMBER];
    match Decimal::parse(spelling) {
        Some(decimal) => decimal.put_ordered_bytes(&mut key),
        None => {
            key.push(u8::MAX);
            put_text(&mut key, spelling);
        }
    }
    key
}

/// Two zero bytes end a text; a zero byte in it is followed by something greater.
fn put_text(key: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(1);
        }
    }
    key.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json;

    /// In ascending order, with instants.
    const ASCENDING: [&str; 24] = [
        "false",
        "true",
        "-1e99",
        "-12.3",
        "-12",
        "-2",
        "0",
        "1e-400",
        "2",
        "10",
        "12",
        "12.5",
        "1e400",
        "1e99999999999999999999",
        "2e99999999999999999999",
        r#""1969-12-31T23:59:59.999999999Z""#,
        r#""1970-01-01""#,
        r#""2024-01-01T01:00:00.000000001+01:00""#,
        r#""9999-12-31""#,
        r#""""#,
        r#""\u0000""#,
        r#""\u0000a""#,
        r#""a""#,
        r#""a\u0000""#,
    ];

    fn encoded(text: &str) -> Vec<u8> {
        let value = json::parse(text.as_bytes(), json::Limits::default()).unwrap();
        of_value(&value, true).unwrap_or_else(absent)
    }

    #[test]
    fn bytes_are_in_the_order_of_the_values() {
        let keys = ["null"].iter().chain(&ASCENDING).map(|text| encoded(text)).collect::<Vec<_>>();
        for (i, one) in keys.iter().enumerate() {
            for (j, other) in keys.iter().enumerate() {
                assert_eq!(one.cmp(other), i.cmp(&j), "{i} {j}");
                assert!(i == j || !other.starts_with(one), "{i} begins {j}");
            }
        }
    }

    #[test]
    fn equal_values_are_the_same_bytes() {
        for (one, other) in [
            ("1e3", "1000.0"),
            ("0", "-0.0"),
            (r#""2024-01-01""#, r#""2024-01-01T01:00:00+01:00""#),
            ("null", "[]"),
        ] {
            assert_eq!(encoded(one), encoded(other));
        }
    }

    #[test]
    fn an_instant_is_found_again() {
        let key = encoded(r#""1969-12-31T23:59:59.9999999Z""#);
        assert_eq!(leading_instant(&key), Leading::Instant(-1));
        assert_eq!(leading_instant(&absent()), Leading::Absent);
        assert_eq!(leading_instant(&encoded("1")), Leading::Other);
        assert_eq!(leading_instant(&key[..4]), Leading::Other);
        assert_eq!(leading_instant(&[]), Leading::Other);
    }
}
