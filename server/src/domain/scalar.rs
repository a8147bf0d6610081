//! Comparing what a query says with what a document has (TMF630 "Filtering"): instants as instants,
//! numbers as numbers, exactly and without floating point, everything else to the letter.
//!
//! Decided by the document's value, so extension members compare sensibly too. A date without a
//! time is midnight UTC. `null`, objects and arrays compare with nothing, and a value compares with
//! an operand of another kind by no order: it just does not match.

use super::decimal::Decimal;
use chrono::{DateTime, NaiveDate, NaiveTime};
use serde_json::Value;
use std::cmp::Ordering;

/// The right-hand side of a comparison, as written, and as what it can be read as.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    text: String,
    instant: Option<Instant>,
    number: Option<Decimal>,
}

impl Operand {
    /// Reads an operand; every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { instant: Instant::parse(&text), number: Decimal::parse(&text), text }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As an instant, if it is one.
    pub fn instant(&self) -> Option<Instant> {
        self.instant
    }

    /// As a number, if it is one.
    pub fn number(&self) -> Option<&Decimal> {
        self.number.as_ref()
    }

    /// Whether a value in a document is equal to it.
    pub fn equals(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                *text == self.text
                    || self.instant.is_some_and(|asked| Instant::parse(text) == Some(asked))
            }
            Value::Number(number) => {
                let spelling = number.to_string();
                spelling == self.text
                    || self.number.is_some() && Decimal::parse(&spelling) == self.number
            }
            Value::Bool(value) => self.text == if *value { "true" } else { "false" },
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }

    /// Where a value in a document stands to it; `None`: nowhere.
    ///
    /// Beside an instant only instants have a place, other texts are ordered by code point.
    pub fn order_of(&self, value: &Value) -> Option<Ordering> {
        match value {
            Value::String(text) => match self.instant {
                Some(asked) => Some(Instant::parse(text)?.cmp(&asked)),
                None => Some(text.as_str().cmp(&self.text)),
            },
            Value::Number(number) => {
                Some(Decimal::parse(&number.to_string())?.cmp(self.number.as_ref()?))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// A point in time, in nanoseconds since 1970-01-01T00:00:00Z. Finer digits are not told apart, and
/// a leap second is the second after it, as in POSIX.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(i128);

impl Instant {
    /// Reads an RFC 3339 timestamp, or a date, which means its midnight UTC.
    pub fn parse(text: &str) -> Option<Self> {
        // `dddd-dd-dd`, to begin with: most texts are not worth chrono's attempt, and chrono takes
        // dates with blanks in them.
        let date = text.as_bytes().first_chunk::<10>()?;
        let stands = |(at, byte): (usize, &u8)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        if !date.iter().enumerate().all(stands) {
            return None;
        }
        let moment = match text.len() {
            10 => text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc(),
            _ => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
        };
        let seconds = i128::from(moment.timestamp());
        Some(Self(seconds * 1_000_000_000 + i128::from(moment.timestamp_subsec_nanos())))
    }

    /// Bytes that compare as the instants do.
    pub fn to_ordered_bytes(self) -> [u8; 16] {
        (self.0 ^ i128::MIN).to_be_bytes()
    }

    /// The way back.
    pub fn from_ordered_bytes(bytes: [u8; 16]) -> Self {
        Self(i128::from_be_bytes(bytes) ^ i128::MIN)
    }

    /// In microseconds, rounded down.
    pub fn floor_us(self) -> i64 {
        // Years have four digits, so this is far from the bounds.
        i64::try_from(self.0.div_euclid(1000)).unwrap_or(i64::MAX)
    }

    /// Whether it has no finer digits than microseconds.
    pub fn is_whole_us(self) -> bool {
        self.0.rem_euclid(1000) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json;

    #[track_caller]
    fn check(value: &str, operand: &str, expected: bool) {
        let value = json::parse(value.as_bytes(), json::Limits::default()).unwrap();
        assert_eq!(Operand::new(operand).equals(&value), expected, "{value} = {operand}");
    }

    #[test]
    fn equality() {
        check(r#""open""#, "open", true);
        check(r#""open""#, "Open", false);
        check(r#""5""#, "5.0", false);
        check(r#""2024-01-01T00:00:00Z""#, "2024-01-01T02:00:00.000+02:00", true);
        check(r#""2024-01-01T00:00:00.1Z""#, "2024-01-01T00:00:00.100Z", true);
        check(r#""2024-01-01T00:00:00Z""#, "2024-01-01T00:00:01Z", false);
        check(r#""2024-01-01""#, "2024-01-01", true);
        check(r#""2024-01-01T01:00:00+01:00""#, "2024-01-01", true);
        check(r#""2024-01-01T01:00:00Z""#, "2024-01-01", false);
        check(r#""2024-01-01""#, "2024-01-01T00:00:00Z", true);
        check("1000", "1e3", true);
        check("1E+3", "1000.00", true);
        check("0.10", "0.1", true);
        check("0.1", "0.10000000000000001", false);
        check("12345678901234567890123", "12345678901234567890124", false);
        check("1e400", "10e399", true);
        check("-0", "0", true);
        check("0e9", "-0.0", true);
        check("-5", "5", false);
        check("1e99999999999999999999", "1e99999999999999999999", true);
        check("1e99999999999999999999", "5", false);
        check("5", "05", false);
        check("5", "5.", false);
        check("5", " 5", false);
        check("true", "true", true);
        check("false", "true", false);
        check("null", "null", false);
        check("{}", "{}", false);
    }

    #[track_caller]
    fn check_order(value: &str, operand: &str, expected: Option<Ordering>) {
        let value = json::parse(value.as_bytes(), json::Limits::default()).unwrap();
        assert_eq!(Operand::new(operand).order_of(&value), expected, "{value} to {operand}");
    }

    #[test]
    fn order() {
        use Ordering::{Equal, Greater, Less};
        check_order("10", "9", Some(Greater));
        check_order("1e3", "1000.0", Some(Equal));
        check_order("-2", "-1", Some(Less));
        check_order("10", "ten", None);
        check_order(r#""10""#, "9", Some(Less));
        check_order(r#""b""#, "a", Some(Greater));
        check_order(r#""\u00e9""#, "z", Some(Greater));
        check_order(r#""2024-01-01T01:00:00+02:00""#, "2024-01-01", Some(Less));
        check_order(r#""2024-01-01T00:00:00.0000001Z""#, "2024-01-01", Some(Greater));
        check_order(r#""2024-01-02""#, "2024-01-01T23:59:59Z", Some(Greater));
        check_order(r#""2016-12-31T23:59:60Z""#, "2017-01-01", Some(Equal));
        check_order(r#""1969-12-31T23:59:59.9Z""#, "1970-01-01", Some(Less));
        check_order(r#""soon""#, "2024-01-01", None);
        check_order("true", "true", None);
        check_order("null", "a", None);
        check_order("[1]", "1", None);
    }
}
