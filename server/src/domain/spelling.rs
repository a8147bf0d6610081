//! How a number was spelled: mends what serde_json changes while reading.
//!
//! Under `arbitrary_precision` serde_json keeps digits but respells exponents (`1e3` as `1e+3`).
//! Visitors meet numbers in the order of the text, so the n-th number met is the n-th number token.
//! This does not read JSON by itself: it steps over text that serde_json has accepted.

use serde_json::Number;
use std::cell::Cell;

/// The number tokens of a text in their order, looked up only when serde_json respelled one.
pub(super) struct Numbers<'t> {
    text: &'t str,
    /// How many numbers the visitor has met.
    met: Cell<usize>,
    /// How many tokens lie before `at`.
    passed: Cell<usize>,
    at: Cell<usize>,
}

impl<'t> Numbers<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, met: Cell::new(0), passed: Cell::new(0), at: Cell::new(0) }
    }

    /// Counts a number that kept its letters.
    pub(super) fn met(&self) {
        self.met.set(self.met.get() + 1);
    }

    /// The number just met, as the text has it.
    pub(super) fn spelled(&self, respelled: String) -> Number {
        self.met();
        let mut spelling = respelled;
        if spelling.contains('e') {
            while self.passed.get() < self.met.get() {
                let Some(token) = self.next_token() else { break };
                if self.passed.get() == self.met.get() {
                    spelling = token.to_owned();
                }
            }
        }
        // The one constructor that takes a spelling as it is. It is not part of the documented
        // interface of serde_json; the test of spellings in `json` fails if it changes.
        Number::from_string_unchecked(spelling)
    }

    /// Steps over the next number token. The text has been read up to it, so it is well-formed.
    fn next_token(&self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let mut at = self.at.get();
        loop {
            match bytes.get(at)? {
                b'"' => at = end_of_string(bytes, at + 1)?,
                b'-' | b'0'..=b'9' => break,
                _ => at += 1,
            }
        }
        let rest = self.text.get(at..)?;
        let in_number = |byte: char| byte.is_ascii_digit() || "+-.eE".contains(byte);
        let length = rest.find(|byte| !in_number(byte)).unwrap_or(rest.len());
        self.at.set(at + length);
        self.passed.set(self.passed.get() + 1);
        rest.get(..length)
    }
}

/// Where a string that begins at `at` is over.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}
