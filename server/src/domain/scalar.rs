//! Comparing what a query says with what a document has (TMF630 "Filtering"): instants as instants,
//! numbers as numbers, exactly and without floating point, everything else to the letter.
//!
//! Decided by the document's value, so extension members compare sensibly too. `null`, objects and
//! arrays equal nothing.

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

/// The right-hand side of a comparison, as written, and as what it can be read as.
#[derive(Clone, Debug)]
pub struct Operand<'q> {
    text: &'q str,
    instant: Option<DateTime<FixedOffset>>,
    number: Option<Decimal>,
}

impl<'q> Operand<'q> {
    /// Reads an operand; every text is one.
    pub fn new(text: &'q str) -> Self {
        Self { text, instant: instant(text), number: Decimal::parse(text) }
    }

    /// Whether a value in a document is equal to it.
    pub fn equals(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                text == self.text || self.instant.is_some_and(|asked| instant(text) == Some(asked))
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
}

/// Reads an RFC 3339 timestamp. Digits beyond nanoseconds are not told apart.
pub fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    // Timestamps begin with a year: most texts are not worth chrono's attempt.
    text.as_bytes().first()?.is_ascii_digit().then(|| DateTime::parse_from_rfc3339(text).ok())?
}

/// A JSON number by value: `digits × 10^exponent`, no zeros at either end of the digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads what RFC 8259 calls a number. An exponent beyond 64 bits is not read; such numbers
    /// are compared to the letter.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Self::exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || has_leading_zero || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - digits.len()).ok()?;
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let fraction = i64::try_from(fraction.len()).ok()?;
        let exponent = exponent.checked_sub(fraction)?.checked_add(dropped)?;
        Some(Self { negative, digits: digits.to_owned(), exponent })
    }

    fn exponent(text: &str) -> Option<i64> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_digits.then(|| text.parse().ok())?
    }

    /// One spelling for all equal numbers; for integers of ordinary size their plain one.
    pub fn spelling(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (digits, exponent) = (&self.digits, self.exponent);
        match usize::try_from(exponent) {
            Ok(_) if digits.is_empty() => "0".to_owned(),
            Ok(zeros) if zeros <= 40 => format!("{sign}{digits}{}", "0".repeat(zeros)),
            _ => format!("{sign}{digits}e{exponent}"),
        }
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

    #[test]
    fn spellings() {
        for (text, expected) in [
            ("1000", "1000"),
            ("1e3", "1000"),
            ("-0.50", "-5e-1"),
            ("0.0", "0"),
            ("12e100", "12e100"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().spelling(), expected);
        }
    }
}
