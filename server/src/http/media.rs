//! Media types of requests: what a caller accepts, and what a body says it is (RFC 9110 §8.3, §12.5).

use http::HeaderMap;
use http::header::ACCEPT;

/// What most answers are, and all errors.
pub const JSON: &str = "application/json";
/// A JSON object a line.
pub const NDJSON: &str = "application/x-ndjson";
/// Comma-separated values.
pub const CSV: &str = "text/csv";
/// Server-Sent Events.
pub const EVENT_STREAM: &str = "text/event-stream";

/// What the caller likes best of what an operation can answer; `None`: nothing of it.
///
/// No `Accept` takes everything. Of the ranges that match a media type the most specific decides, and
/// `q=0` refuses. Among equals comes first what is named more precisely, then what is offered first.
pub fn chosen(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let mut ranges = Vec::new();
    for value in headers.get_all(ACCEPT) {
        // A header that is not text cannot be understood, so it refuses nothing.
        let Ok(text) = value.to_str() else { return offered.first().copied() };
        ranges.extend(text.split(',').map(str::trim).filter(|range| !range.is_empty()));
    }
    if ranges.is_empty() {
        return offered.first().copied();
    }
    let mut best: Option<(f32, u8, &'static str)> = None;
    for media_type in offered {
        let matching = ranges.iter().filter_map(|range| matched(range, media_type));
        // The first of equals, as with what is offered.
        let deciding = matching.reduce(|one, other| if other.0 > one.0 { other } else { one });
        let Some((specific, quality)) = deciding.filter(|(_, quality)| *quality > 0.0) else {
            continue;
        };
        if best.is_none_or(|(q, s, _)| (quality, specific) > (q, s)) {
            best = Some((quality, specific, media_type));
        }
    }
    best.map(|(.., media_type)| media_type)
}

/// How specific a range is that matches, and what it says of quality.
fn matched(range: &str, media_type: &str) -> Option<(u8, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default().to_ascii_lowercase();
    let kind = media_type.split('/').next().unwrap_or_default();
    let specific = match range.as_str() {
        "*/*" => 1,
        range if range == media_type => 3,
        range if range.strip_suffix("/*") == Some(kind) => 2,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = weight.and_then(|text| text.parse().ok()).unwrap_or(1.0);
    Some((specific, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str, offered: &[&'static str]) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        chosen(&headers, offered)
    }

    #[test]
    fn json_is_refused_only_by_who_says_so() {
        for (accept, expected) in [
            ("", true),
            ("*/*", true),
            ("application/*", true),
            ("application/json;charset=utf-8", true),
            ("text/html, */*;q=0.1", true),
            ("text/html", false),
            ("text/event-stream", false),
            ("application/json;q=0, */*", false),
            ("*/*;q=0", false),
            ("APPLICATION/JSON", true),
        ] {
            assert_eq!(of(accept, &[JSON]).is_some(), expected, "{accept}");
        }
        assert_eq!(chosen(&HeaderMap::new(), &[JSON]), Some(JSON));
    }

    #[test]
    fn who_takes_several_gets_what_is_liked_best() {
        for (accept, expected) in [
            ("", Some(JSON)),
            ("*/*", Some(JSON)),
            ("text/event-stream", Some(EVENT_STREAM)),
            ("Text/*", Some(EVENT_STREAM)),
            ("text/event-stream, */*", Some(EVENT_STREAM)),
            ("text/event-stream, application/json", Some(JSON)),
            ("text/event-stream;q=0.5, application/json;q=0.4", Some(EVENT_STREAM)),
            ("text/event-stream;q=0.5, */*", Some(JSON)),
            ("application/json;q=0, */*", Some(EVENT_STREAM)),
            ("text/html", None),
        ] {
            assert_eq!(of(accept, &[JSON, EVENT_STREAM]), expected, "{accept}");
        }
    }
}
