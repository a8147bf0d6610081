//! The address below which an API lies, and what may be put below it.

use url::Url;

use crate::error::Error;

/// Reads a base address: http or https, no query, no fragment; a trailing slash is dropped.
pub(crate) fn parse(base: &str) -> Result<Url, Error> {
    let invalid = |why: &str| Error::InvalidBase { base: base.to_owned(), why: why.to_owned() };
    let mut url = Url::parse(base).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("only http and https are spoken"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("a base has neither query nor fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("credentials do not belong into an address"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The base as text, ready for a path to be appended.
pub(crate) fn text(base: &Url) -> String {
    base.as_str().trim_end_matches('/').to_owned()
}

/// The address of `path` below the base.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

/// An address that is neither http nor https, so that nothing can be sent to it.
pub(crate) fn nowhere() -> Result<Url, Error> {
    let base = "nowhere:";
    let why = |error: url::ParseError| error.to_string();
    Url::parse(base).map_err(|error| Error::InvalidBase { base: base.to_owned(), why: why(error) })
}

/// Refuses identifiers that would address something else than one record.
///
/// An empty one addresses the collection, dots are resolved away, and a backslash counts as a slash
/// in URLs. Everything else is percent-encoded by the generated calls.
pub(crate) fn segment(id: &str) -> Result<&str, Error> {
    if matches!(id, "" | "." | "..") || id.contains('\\') {
        return Err(Error::InvalidRequest(format!("`{id}` cannot be an identifier in a URL")));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases() {
        let check = |base: &str, expected: Option<&str>| {
            assert_eq!(parse(base).ok().map(|url| text(&url)).as_deref(), expected, "{base}");
        };
        check("http://h:1/a/v5", Some("http://h:1/a/v5"));
        check("https://h/a/v5//", Some("https://h/a/v5"));
        check("http://h", Some("http://h"));
        check("http://h/", Some("http://h"));
        check("ftp://h/a", None);
        check("h/a", None);
        check("", None);
        check("http://", None);
        check("http://h/a?x=1", None);
        check("http://h/a#x", None);
        check("http://user:secret@h/a", None);
    }

    #[test]
    fn paths_below() {
        let check = |base: &str, expected: &str| {
            let base = parse(base).unwrap();
            assert_eq!(below(&base, "/hub").as_str(), expected);
            assert_eq!(format!("{}/hub", text(&base)), expected);
        };
        check("http://h/a/v5/", "http://h/a/v5/hub");
        check("http://h", "http://h/hub");
    }

    #[test]
    fn identifiers() {
        for id in ["", ".", "..", "..\\hub"] {
            assert!(segment(id).is_err(), "{id}");
        }
        for id in ["1", "...", "a/b", "ä ö"] {
            assert!(segment(id).is_ok(), "{id}");
        }
    }
}
