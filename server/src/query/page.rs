//! The `Link` header of a list (RFC 8288, TMF630 "Paging").
//!
//! Every parameter but `offset`, `limit` and `cursor` is carried along as it was sent. `next` goes on
//! behind the last item shown, by a cursor, so that nothing is shown twice or left out when others
//! write meanwhile; its `offset`, like those of the other links, is for who counts.

use crate::query::text::{decode, pairs, split};
use std::fmt::Write;

/// A page among others.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// How many items come before it, as far as the client knows.
    pub offset: u64,
    /// How many items it has at most.
    pub limit: Option<u64>,
    /// How many items there are.
    pub total: u64,
    /// Whether any follow.
    pub has_next: bool,
    /// What leads to them; `None`: their offset.
    pub cursor: Option<&'a str>,
}

/// `self`, and as far as they exist `first`, `prev`, `next` and `last`. Without a limit all that is
/// left is on this page, so there is nothing to turn to.
pub fn links(url: &str, raw_query: &str, place: Place<'_>) -> String {
    let Place { offset, limit, total, has_next, cursor } = place;
    let question_mark = if raw_query.is_empty() { "" } else { "?" };
    let mut links = format!("<{url}{question_mark}{raw_query}>; rel=\"self\"");
    let Some(limit) = limit.filter(|limit| *limit > 0) else { return links };
    let kept = kept(raw_query);
    // The last page a client reaches by turning pages from the first.
    let last = total.saturating_sub(1) / limit * limit;
    let previous = (offset > 0).then(|| offset.saturating_sub(limit).min(last));
    let next = has_next.then(|| offset.saturating_add(limit));
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let turns = [
        ("first", Some(0), ""),
        ("prev", previous, ""),
        ("next", next, cursor.as_str()),
        ("last", Some(last), ""),
    ];
    for (relation, offset, cursor) in turns {
        if let Some(offset) = offset {
            let to = format!("{url}?{kept}offset={offset}&limit={limit}{cursor}");
            // Writing to a String cannot fail.
            let _ = write!(links, ", <{to}>; rel=\"{relation}\"");
        }
    }
    links
}

fn kept(raw_query: &str) -> String {
    let mut kept = String::new();
    for pair in pairs(raw_query) {
        if matches!(decode(split(pair).0).as_deref(), Ok("offset" | "limit" | "cursor")) {
            continue;
        }
        kept.push_str(pair);
        kept.push('&');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `self` left out, offsets only: `next=20 last=40`.
    fn turns(raw_query: &str, offset: u64, limit: Option<u64>, total: u64) -> String {
        let has_next = limit.is_some_and(|limit| offset.saturating_add(limit) < total);
        let place = Place { offset, limit, total, has_next, cursor: None };
        let links = links("http://x/i", raw_query, place);
        let turn = |link: &str| {
            let (url, relation) = link.split_once(">; rel=\"")?;
            let offset = url.split_once("offset=")?.1.split('&').next()?;
            Some(format!("{}={offset}", relation.trim_end_matches('"')))
        };
        links.split(", ").skip(1).filter_map(turn).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pages_are_linked_as_far_as_they_exist() {
        for (offset, limit, total, expected) in [
            (0, None, 50, ""),
            (0, Some(0), 50, ""),
            (0, Some(20), 0, "first=0 last=0"),
            (0, Some(20), 20, "first=0 last=0"),
            (0, Some(20), 21, "first=0 next=20 last=20"),
            (20, Some(20), 50, "first=0 prev=0 next=40 last=40"),
            (40, Some(20), 50, "first=0 prev=20 last=40"),
            (5, Some(20), 50, "first=0 prev=0 next=25 last=40"),
            (900, Some(20), 50, "first=0 prev=40 last=40"),
            (u64::MAX, Some(20), 50, "first=0 prev=40 last=40"),
        ] {
            assert_eq!(turns("", offset, limit, total), expected, "{offset} {limit:?} {total}");
        }
    }

    #[test]
    fn other_parameters_are_carried_along() {
        let place =
            Place { offset: 2, limit: Some(2), total: 6, has_next: true, cursor: Some("AbC") };
        let raw_query = "status=a%20b&offset=2&fields=id&cursor=x&limit=2";
        let links = links("http://x/i", raw_query, place);
        let expected = concat!(
            "<http://x/i?status=a%20b&offset=2&fields=id&cursor=x&limit=2>; rel=\"self\", ",
            "<http://x/i?status=a%20b&fields=id&offset=0&limit=2>; rel=\"first\", ",
            "<http://x/i?status=a%20b&fields=id&offset=0&limit=2>; rel=\"prev\", ",
            "<http://x/i?status=a%20b&fields=id&offset=4&limit=2&cursor=AbC>; rel=\"next\", ",
            "<http://x/i?status=a%20b&fields=id&offset=4&limit=2>; rel=\"last\"",
        );
        assert_eq!(links, expected);
    }
}
