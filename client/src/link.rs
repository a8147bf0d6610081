//! The next page in a `Link` header (RFC 8288).

use reqwest::header::{HeaderMap, LINK};
use url::Url;

/// Query parameters in their order.
pub(crate) type Pairs = Vec<(String, String)>;

/// The target of the first link with `rel="next"`, made absolute by `collection`.
pub(crate) fn next(headers: &HeaderMap, collection: &Url) -> Option<Url> {
    let values = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
    values.filter_map(next_in).find_map(|target| collection.join(target).ok())
}

/// The query of a link that stays at the origin of `collection`.
///
/// Only the query is taken: credentials never leave the origin, and a gateway that rewrites paths
/// does no harm.
pub(crate) fn query(link: &Url, collection: &Url) -> Option<Pairs> {
    let same = link.origin() == collection.origin();
    same.then(|| link.query_pairs().into_owned().collect())
}

fn next_in(mut rest: &str) -> Option<&str> {
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let (parameters, after) = parameters(after);
        if parameters.into_iter().any(is_next) {
            return Some(target);
        }
        rest = after;
    }
    None
}

/// Splits the parameters of one link from the links after it; commas and semicolons in quotes stay.
fn parameters(text: &str) -> (Vec<&str>, &str) {
    let (mut found, mut quoted, mut start) = (Vec::new(), false, 0);
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            ',' | ';' if !quoted => {
                found.push(&text[start..at]);
                start = at + 1;
                if character == ',' {
                    return (found, &text[start..]);
                }
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    (found, "")
}

/// Whether a parameter says `rel=next`; several relations may share one parameter.
fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel")
        && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_links() {
        let collection = Url::parse("http://h/v5/partyInteraction").unwrap();
        let check = |header: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, header.parse().unwrap());
            let found = next(&headers, &collection).map(String::from);
            assert_eq!(found.as_deref(), expected, "{header}");
        };
        check(r#"<http://h/x?offset=2>; rel="next""#, Some("http://h/x?offset=2"));
        check(r#"<?a=1,2>; rel="prev", <?offset=2>; title="a, <b>; c"; rel=next"#, {
            Some("http://h/v5/partyInteraction?offset=2")
        });
        check(r#"</y>; REL="last NEXT""#, Some("http://h/y"));
        check(r#"<?a>;rel="previous""#, None);
        check(r#"<?a"#, None);
        check("", None);
        check(r#"<?a>; title="rel=next"; rel=self"#, None);
    }

    #[test]
    fn links_of_other_origins_have_no_query() {
        let collection = Url::parse("http://h/v5/partyInteraction").unwrap();
        let of = |link: &str| query(&Url::parse(link).unwrap(), &collection);
        assert_eq!(of("http://h/other?a=b+c"), Some(vec![("a".to_owned(), "b c".to_owned())]));
        assert_eq!(of("http://h:80/other"), Some(vec![]));
        assert_eq!(of("https://h/v5/partyInteraction?a=b"), None);
        assert_eq!(of("http://evil/v5/partyInteraction?a=b"), None);
    }
}
