//! Numbers compared by value, from their JSON spelling (RFC 8259 §6), without rounding.
//!
//! `0.10` is `1e-1`, and integers beyond 2^53 differ when a digit differs. A huge exponent costs
//! nothing: it is a number, never zeros written out.

/// A decimal in its one normal form: no leading or trailing zeros among the digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a JSON number; `None` when it is none, or its exponent is beyond 64 bits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (unsigned, 0_i64),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        if significant.trim_start_matches('0').is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
        let scale = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            negative,
            digits: significant.trim_start_matches('0').to_owned(),
            exponent: exponent.checked_sub(scale)?.checked_add(dropped)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_equal() {
        for (a, b) in [
            ("0.10", "1e-1"),
            ("1e3", "1000"),
            ("1E+3", "1000.0"),
            ("-0", "0.0e9"),
            ("120", "12e1"),
            ("1e400", "10e399"),
        ] {
            assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
            assert!(Decimal::parse(a).is_some(), "{a}");
        }
    }

    #[test]
    fn different_numbers_differ_and_other_text_is_none() {
        let big = |text| Decimal::parse(text);
        assert_ne!(big("9007199254740992"), big("9007199254740993"));
        assert_ne!(big("1"), big("-1"));
        for text in
            ["", "-", "1.", ".5", "01", "+1", "1e", "0x1", "1 ", "NaN", "1e99999999999999999999"]
        {
            assert_eq!(big(text), None, "{text}");
        }
    }
}
