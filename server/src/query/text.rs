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

/// The `name=value` pairs of a raw query string, still encoded; `None`: no `=`.
pub fn pairs(raw_query: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    raw_query.split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    })
}

/// Not UTF-8 after decoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotUtf8;
