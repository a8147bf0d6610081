//! How a comparison is spelled (TMF630 "Filtering"): `a.gte=1`, `a>=1`, `a%3E%3D1` are the same.
//!
//! ```text
//! suffix   .eq  .ne  .gt        .gte          .lt        .lte          .regex
//! in name  ==        >  %3E     >=  %3E%3D    <  %3C     <=  %3C%3D    *=  %3D~
//! ```
//!
//! Each character of an operator may be percent-encoded or not, for clients encode names and values
//! apart, together, or in part. One thing is told apart: a plain `=` ends a name, so `a=~x` is
//! equality with `~x` and `a=%3Dx` with `=x`, as a form encoder means them, whereas `a==x`, which no
//! form encoder writes, is `==`.

use crate::query::text::character;

/// TMF630 comparison operators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// Any of the values.
    Equal,
    /// None of the values; the exact complement of [`Operator::Equal`], so absent members count.
    NotEqual,
    /// Some value is above.
    Greater,
    /// Some value is above or equal.
    GreaterOrEqual,
    /// Some value is below.
    Less,
    /// Some value is below or equal.
    LessOrEqual,
    /// Some text contains a match.
    Regex,
}

impl Operator {
    const SUFFIXES: [(&'static str, Self); 7] = [
        ("eq", Self::Equal),
        ("ne", Self::NotEqual),
        ("gt", Self::Greater),
        ("gte", Self::GreaterOrEqual),
        ("lt", Self::Less),
        ("lte", Self::LessOrEqual),
        ("regex", Self::Regex),
    ];

    /// The operator of that suffix.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        Self::SUFFIXES.iter().find(|(known, _)| *known == suffix).map(|(_, operator)| *operator)
    }

    /// The suffix of this operator.
    pub fn suffix(self) -> &'static str {
        let found = Self::SUFFIXES.iter().find(|(_, operator)| *operator == self);
        found.map_or("", |(suffix, _)| suffix)
    }
}

/// A raw pair taken apart at its first operator, in whatever spelling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spelled<'q> {
    /// What stands before, still encoded.
    pub raw_name: &'q str,
    /// The operator.
    pub operator: Operator,
    /// What stands behind, still encoded.
    pub raw_value: &'q str,
}

/// Finds the first operator in a raw pair; `None`: there is none.
pub fn scan(raw: &str) -> Option<Spelled<'_>> {
    let mut at = 0;
    while at < raw.len() {
        let (here, length) = character(&raw[at..])?;
        let behind = at + length;
        let next = character(&raw[behind..]).map_or((0, 0), |(byte, length)| (byte, length));
        let found = match (here, next.0) {
            (b'>', b'=') => Some((Operator::GreaterOrEqual, next.1)),
            (b'>', _) => Some((Operator::Greater, 0)),
            (b'<', b'=') => Some((Operator::LessOrEqual, next.1)),
            (b'<', _) => Some((Operator::Less, 0)),
            (b'*', b'=') => Some((Operator::Regex, next.1)),
            // A plain `=` ends the name; what follows is the value, but for a second plain `=`.
            (b'=', _) if length == 1 => {
                let doubled = next == (b'=', 1);
                Some((Operator::Equal, usize::from(doubled)))
            }
            (b'=', b'~') => Some((Operator::Regex, next.1)),
            (b'=', b'=') => Some((Operator::Equal, next.1)),
            (b'=', _) => Some((Operator::Equal, 0)),
            _ => None,
        };
        if let Some((operator, more)) = found {
            let (raw_name, raw_value) = (&raw[..at], &raw[behind + more..]);
            return Some(Spelled { raw_name, operator, raw_value });
        }
        at = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling() {
        use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Regex};
        let table: &[(Operator, &[&str])] = &[
            (Equal, &["a=x", "a==x", "a%3Dx", "a%3D%3Dx", "a%3d=x", "a%3D=x"]),
            (Greater, &["a>x", "a%3Ex", "a%3ex"]),
            (GreaterOrEqual, &["a>=x", "a%3E=x", "a>%3Dx", "a%3E%3Dx", "a%3e%3dx"]),
            (Less, &["a<x", "a%3Cx"]),
            (LessOrEqual, &["a<=x", "a%3C=x", "a<%3Dx", "a%3C%3Dx"]),
            (Regex, &["a*=x", "a*%3Dx", "a%2A=x", "a%2a%3Dx", "a%3D~x", "a%3D%7Ex"]),
        ];
        for (operator, spellings) in table {
            for spelling in *spellings {
                let expected = Spelled { raw_name: "a", operator: *operator, raw_value: "x" };
                assert_eq!(scan(spelling), Some(expected), "{spelling}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_an_operator() {
        for (raw, raw_name, raw_value) in [
            ("a=~x", "a", "~x"),
            ("a=%3Dx", "a", "%3Dx"),
            ("a=x>y", "a", "x>y"),
            ("a=%3E5", "a", "%3E5"),
            ("a=*=", "a", "*="),
            ("a*b=x", "a*b", "x"),
            ("%E9%C3%A9=", "%E9%C3%A9", ""),
            ("%=x", "%", "x"),
            ("é%2=x", "é%2", "x"),
            ("=x", "", "x"),
        ] {
            let expected = Spelled { raw_name, operator: Operator::Equal, raw_value };
            assert_eq!(scan(raw), Some(expected), "{raw}");
        }
        for raw in ["", "a", "a*", "%", "a~b", "%3"] {
            assert_eq!(scan(raw), None, "{raw}");
        }
    }

    #[test]
    fn suffixes_go_both_ways() {
        for (suffix, operator) in Operator::SUFFIXES {
            assert_eq!(Operator::of_suffix(suffix), Some(operator));
            assert_eq!(operator.suffix(), suffix);
        }
        assert_eq!(Operator::of_suffix("EQ"), None);
    }
}
