//! Media types of requests: what a caller accepts, and what a body says it is (RFC 9110 §8.3, §12.5).

use http::HeaderMap;
use http::header::ACCEPT;

/// Whether the caller takes `application/json`. No `Accept` takes everything; the most specific
/// range that matches decides, and `q=0` refuses.
pub fn accepts_json(headers: &HeaderMap) -> bool {
    let mut best: Option<(u8, bool)> = None;
    let mut any = false;
    for value in headers.get_all(ACCEPT) {
        // A header that is not text cannot be understood, so it refuses nothing.
        let Ok(text) = value.to_str() else { return true };
        for range in text.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            any = true;
            let mut parts = range.split(';').map(str::trim);
            let specific = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/json" => 3,
                "application/*" => 2,
                "*/*" => 1,
                _ => continue,
            };
            let refused = parts.any(|parameter| {
                let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
                weight.and_then(|text| text.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
            });
            if best.is_none_or(|(most, _)| specific > most) {
                best = Some((specific, !refused));
            }
        }
    }
    !any || best.is_some_and(|(_, taken)| taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_refused_only_by_who_says_so() {
        for (accept, expected) in [
            ("", true),
            ("*/*", true),
            ("application/*", true),
            ("application/json;charset=utf-8", true),
            ("text/html, */*;q=0.1", true),
            ("text/html", false),
            ("application/json;q=0, */*", false),
            ("*/*;q=0", false),
            ("APPLICATION/JSON", true),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(accepts_json(&headers), expected, "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
