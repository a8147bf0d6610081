//! Percent-decoding of query strings: `+` is a space, and what is not UTF-8 is an error.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Decodes one name or value.
///
/// # Errors
/// The decoded bytes are not UTF-8; nothing is guessed.
pub fn decode(raw: &str) -> Result<String, NotUtf8> {
    let spaced = if raw.contains('+') { Cow::from(raw.replace('+', " ")) } else { Cow::from(raw) };
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| NotUtf8)
}

/// The pairs of a raw query string, still encoded.
pub fn pairs(raw_query: &str) -> impl Iterator<Item = &str> {
    raw_query.split('&').filter(|pair| !pair.is_empty())
}

/// Name and value of a raw pair; `None`: it has no `=`.
pub fn split(raw_pair: &str) -> (&str, Option<&str>) {
    match raw_pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (raw_pair, None),
    }
}

/// Not UTF-8 after decoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotUtf8;

/// The first byte of a text that may be percent-encoded, and how many bytes spell it: one character,
/// or `%` and two digits. A `%` without them stands for itself; a character beyond ASCII is none
/// that matters to anybody who asks, and is told by its first byte.
pub fn character(raw: &str) -> Option<(u8, usize)> {
    let first = raw.chars().next()?;
    let encoded = (first == '%').then(|| raw.get(1..3)).flatten();
    let digits = encoded.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(byte) => Some((byte, 3)),
        None => Some((*raw.as_bytes().first()?, first.len_utf8())),
    }
}
