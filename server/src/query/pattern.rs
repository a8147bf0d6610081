//! Regular expressions of a query: linear in the text they are applied to, whatever they are.
//!
//! The crate's promise covers the text, not the pattern: `((a{99}){99}){99}` is short to write and
//! huge to compile. So what a pattern compiles to is bounded too.

use regex::{Regex, RegexBuilder};

/// Most memory a compiled pattern may take, and a cache of its states per thread that uses it.
const MOST_COMPILED_BYTES: usize = 256 << 10;

/// A compiled pattern. It matches a text that contains a match; `^` and `$` anchor it.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// Why a text is no pattern we run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// Longer than the operator allows.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// Compiles to too much.
    #[error("compiles to more than {MOST_COMPILED_BYTES} bytes; use smaller repetitions")]
    TooLarge,
    /// Not a regular expression, or one with look-around or back-references.
    #[error("{what} at character {at}")]
    Malformed {
        /// What the parser says.
        what: String,
        /// Counted from 1.
        at: usize,
    },
}

impl Pattern {
    /// Compiles a pattern of at most `most_bytes`.
    ///
    /// # Errors
    /// [`PatternError`]
    pub fn new(text: &str, most_bytes: usize) -> Result<Self, PatternError> {
        if text.len() > most_bytes {
            return Err(PatternError::TooLong(most_bytes));
        }
        let compiled = RegexBuilder::new(text)
            .size_limit(MOST_COMPILED_BYTES)
            .dfa_size_limit(MOST_COMPILED_BYTES)
            .build();
        compiled.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            _ => malformed(text),
        })
    }

    /// Whether a text contains a match.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

/// The crate tells the place only in a drawing of several lines; its parser tells it plainly.
fn malformed(text: &str) -> PatternError {
    use regex_syntax::Error;
    let (what, at) = match regex_syntax::parse(text) {
        Err(Error::Parse(error)) => (error.kind().to_string(), error.span().start.offset),
        Err(Error::Translate(error)) => (error.kind().to_string(), error.span().start.offset),
        _ => ("not a regular expression".to_owned(), 0),
    };
    let before = text.get(..at).map_or(0, |before| before.chars().count());
    PatternError::Malformed { what, at: before + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_anywhere_unless_anchored() {
        for (pattern, text, expected) in [
            ("voice", "an invoice, late", true),
            ("^invoice", "an invoice", false),
            ("(?i)INVOICE$", "an invoice", true),
            ("a|b", "b", true),
            ("", "", true),
            (r"\d{3}", "x123", true),
            ("é+", "caféé", true),
            (".", "\n", false),
        ] {
            assert_eq!(Pattern::new(pattern, 100).unwrap().is_in(text), expected, "{pattern}");
        }
    }

    #[test]
    fn a_bad_pattern_is_told_with_its_place() {
        for (pattern, expected) in [
            ("a(b", "unclosed group at character 2"),
            ("é(", "unclosed group at character 2"),
            ("*", "repetition operator missing expression at character 1"),
            (r"(a)\1", "backreferences are not supported at character 4"),
            (
                "a(?=b)",
                "look-around, including look-ahead and look-behind, is not supported at character 2",
            ),
            (r"\p{Nope}", "Unicode property not found at character 1"),
            ("((a{99}){99}){99}", "compiles to more than 262144 bytes; use smaller repetitions"),
        ] {
            assert_eq!(Pattern::new(pattern, 100).unwrap_err().to_string(), expected, "{pattern}");
        }
        let long = "a".repeat(10_000);
        assert_eq!(Pattern::new(&long, 512), Err(PatternError::TooLong(512)));
    }

    /// A backtracking engine would not come to an end here, a recursive parser would overflow.
    #[test]
    fn nested_quantifiers_and_deep_groups_end() {
        let text = "a".repeat(100_000) + "!";
        for pattern in ["(a+)+$", "(a|a)*b", "(.*a){12}", "(a?){50}a{50}$"] {
            if let Ok(pattern) = Pattern::new(pattern, 512) {
                pattern.is_in(&text);
            }
        }
        for deep in ["(".repeat(10_000), "(".repeat(5_000) + &")".repeat(5_000), "[".repeat(9_999)]
        {
            assert!(Pattern::new(&deep, 10_000).is_err());
        }
    }
}
