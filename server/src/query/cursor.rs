//! `cursor`: where a page begins, as text in the `next` link of the page before.
//!
//! Counting from the beginning, a page shows an interaction twice or skips one when others come and go
//! meanwhile. A cursor names the last interaction shown by its place in the order, and the next page
//! begins behind it, whatever was written since. It is opaque and good only for the order it was made
//! for. Nothing secret is in it, and nothing is trusted to it: the checksum finds accidents.
//!
//! ```text
//! cursor   = base64url( version kind order place checksum )
//! version  = 1 byte           kind     = 1 byte: 0 creation order, 1 `sort`
//! order    = 8 bytes of the digest of what is sorted by
//! place    = 8 bytes, or a key of the order
//! checksum = 4 bytes of the digest of all before
//! ```

use crate::query::error::QueryError;
use crate::query::sort::Sort;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A cursor is a part of a URL: beyond this many characters there is none. Only a sort by long texts
/// makes such.
const MOST_CHARACTERS: usize = 1024;

const VERSION: u8 = 1;
const CREATED: u8 = 0;
const SORTED: u8 = 1;

/// A place in the order of a list: that of an interaction, which need not exist any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Position {
    /// In creation order. The number means something to its store only.
    Created(u64),
    /// Behind this key of the order that was asked for, see [`Sort::key`].
    Sorted(Vec<u8>),
}

impl Position {
    /// As a cursor for a list in that order; `None` where it would be too long for a URL.
    pub fn to_cursor(&self, sort: Option<&Sort>) -> Option<String> {
        let mut bytes = vec![VERSION];
        let (kind, place) = match self {
            Self::Created(number) => (CREATED, number.to_be_bytes().to_vec()),
            Self::Sorted(key) => (SORTED, key.clone()),
        };
        bytes.push(kind);
        bytes.extend(order(sort));
        bytes.extend(place);
        bytes.extend(checksum(&bytes));
        let text = URL_SAFE_NO_PAD.encode(bytes);
        (text.len() <= MOST_CHARACTERS).then_some(text)
    }

    /// Reads a cursor that was made for a list in the same order.
    ///
    /// # Errors
    /// [`QueryError::Cursor`]: it was not.
    pub fn of_cursor(text: &str, sort: Option<&Sort>) -> Result<Self, QueryError> {
        Self::read(text, sort).ok_or(QueryError::Cursor)
    }

    fn read(text: &str, sort: Option<&Sort>) -> Option<Self> {
        if text.len() > MOST_CHARACTERS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (told, sum) = bytes.split_last_chunk()?;
        let ([version, kind], rest) = told.split_first_chunk()?;
        let (made_for, place) = rest.split_first_chunk()?;
        if *sum != checksum(told) || *version != VERSION || *made_for != order(sort) {
            return None;
        }
        match (*kind, sort) {
            (CREATED, None) => Some(Self::Created(u64::from_be_bytes(place.try_into().ok()?))),
            (SORTED, Some(_)) => Some(Self::Sorted(place.to_vec())),
            _ => None,
        }
    }
}

/// Eight bytes that differ for orders that differ.
fn order(sort: Option<&Sort>) -> [u8; 8] {
    sort.map_or([0; 8], |sort| beginning(sort.spelling().as_bytes()))
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    beginning(bytes)
}

fn beginning<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let digest = Sha256::digest(bytes);
    digest.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse::tests::parsed;

    fn sort(raw: &str) -> Sort {
        parsed(&format!("sort={raw}")).unwrap().sort.unwrap()
    }

    fn refused(text: &str, sort: Option<&Sort>) -> bool {
        Position::of_cursor(text, sort) == Err(QueryError::Cursor)
    }

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_order_only() {
        let orders = ["status", "-status", "reason", "status,reason", "creationDate", "either"];
        let orders = orders.map(|raw| Some(sort(raw)));
        let orders: Vec<_> = [None].iter().chain(&orders).map(Option::as_ref).collect();
        for one in &orders {
            let place = match one {
                None => Position::Created(7),
                Some(_) => Position::Sorted(vec![1, 0, 255]),
            };
            let text = place.to_cursor(*one).unwrap();
            for other in &orders {
                let read = Position::of_cursor(&text, *other);
                assert_eq!(read.ok(), (one == other).then(|| place.clone()), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_reader_of_hrefs_is_part_of_an_order_by_them() {
        let (mut by_href, mut by_id) = (sort("href"), sort("id"));
        let place = Position::Sorted(vec![1]);
        let texts = [&by_href, &by_id].map(|sort| place.to_cursor(Some(sort)).unwrap());
        by_href.href_prefix = "http://elsewhere/".to_owned();
        by_id.href_prefix = "http://elsewhere/".to_owned();
        assert!(refused(&texts[0], Some(&by_href)));
        assert!(!refused(&texts[1], Some(&by_id)));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let good = Position::Created(7).to_cursor(None).unwrap();
        for n in 0..good.len() {
            assert!(refused(&good[..n], None), "{n}");
            let mut other = good.clone().into_bytes();
            other[n] = if other[n] == b'A' { b'B' } else { b'A' };
            assert!(refused(&String::from_utf8(other).unwrap(), None), "{n}");
        }
        for text in ["", "AAAA", "=", "\u{e9}", "a b", &format!("{good}AA"), &"A".repeat(100_000)] {
            assert!(refused(text, None), "{text:.20}");
        }
    }

    #[test]
    fn a_place_that_is_too_long_has_no_cursor() {
        assert_eq!(Position::Sorted(vec![0; 1000]).to_cursor(Some(&sort("status"))), None);
    }
}
