//! A JSON number by value, exactly: no floating point, no bound on digits.

use std::cmp::Ordering;

/// A JSON number by value: `digits × 10^exponent`, no zeros at either end of the digits.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
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

impl Decimal {
    /// Where the first digit stands: the number is `0.digits × 10^magnitude`. Wider than an
    /// exponent, for the digits come on top.
    fn magnitude(&self) -> i128 {
        i128::from(self.exponent) + self.digits.len() as i128
    }
}

impl Decimal {
    /// Adds bytes that compare as the numbers do; none are the beginning of others.
    pub fn put_ordered_bytes(&self, bytes: &mut Vec<u8>) {
        const SIGN: i128 = i128::MIN;
        if self.digits.is_empty() {
            bytes.push(1);
            return;
        }
        bytes.push(if self.negative { 0 } else { 2 });
        let start = bytes.len();
        bytes.extend((self.magnitude() ^ SIGN).to_be_bytes());
        bytes.extend(self.digits.bytes());
        bytes.push(0);
        if self.negative {
            bytes[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            // No zeros at the end: a shorter run of the same digits is the smaller one.
            let by_size = self.magnitude().cmp(&other.magnitude());
            let size = by_size.then_with(|| self.digits.cmp(&other.digits));
            if self.negative { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn order_is_by_value() {
        let ascending = [
            "-1e99",
            "-100",
            "-12.3",
            "-12",
            "-1e1",
            "-0.5",
            "-1e-9",
            "0",
            "1e-400",
            "0.05",
            "0.1",
            "0.10000000000000001",
            "0.9",
            "1",
            "9",
            "10",
            "12",
            "12.3",
            "123",
            "1e3",
            "9007199254740992",
            "9007199254740993",
            "1e400",
            "9e9223372036854775806",
        ];
        let numbers = ascending.map(|text| Decimal::parse(text).unwrap());
        let bytes = |number: &Decimal| {
            let mut bytes = Vec::new();
            number.put_ordered_bytes(&mut bytes);
            bytes
        };
        for (i, one) in numbers.iter().enumerate() {
            for (j, other) in numbers.iter().enumerate() {
                assert_eq!(one.cmp(other), i.cmp(&j), "{one:?} {other:?}");
                assert_eq!(bytes(one).cmp(&bytes(other)), i.cmp(&j), "{one:?} {other:?}");
            }
        }
        assert_eq!(
            Decimal::parse("1e3").unwrap().cmp(&Decimal::parse("1000.0").unwrap()),
            Ordering::Equal
        );
    }
}
