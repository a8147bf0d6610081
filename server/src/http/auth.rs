//! Bearer tokens (RFC 6750): read from a file once, kept as digests, compared without leaking time.

use anyhow::Context as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::Path;

/// Shortest token that is taken: shorter ones can be guessed.
const LEAST_TOKEN_BYTES: usize = 16;

/// The tokens that open the API. Only digests are kept, so neither a log nor a core dump tells one,
/// and how long a look-up takes says nothing about the token.
pub struct Tokens(HashSet<[u8; 32]>);

impl Tokens {
    /// One token per line; empty lines and lines starting with `#` do not count.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let place = || format!("auth.token_file {}", path.display());
        let text = std::fs::read_to_string(path).with_context(place)?;
        let lines = text.lines().map(str::trim);
        let tokens: Vec<&str> = lines.filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        anyhow::ensure!(!tokens.is_empty(), "{}: no token in it", place());
        let long_enough = tokens.iter().all(|token| token.len() >= LEAST_TOKEN_BYTES);
        anyhow::ensure!(
            long_enough,
            "{}: a token is shorter than {LEAST_TOKEN_BYTES} characters",
            place()
        );
        Ok(Self(tokens.into_iter().map(digest).collect()))
    }

    /// Whether the request carries one of the tokens.
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        let credentials = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = credentials.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| {
            // RFC 9110 §11.1: the scheme is case-insensitive.
            scheme.eq_ignore_ascii_case("bearer")
        });
        token.is_some_and(|(_, token)| self.0.contains(&digest(token.trim())))
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listed_bearer_token_opens() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# care desk\n\n  0123456789abcdef  \n").unwrap();
        let tokens = Tokens::read(file.path()).unwrap();
        for (credentials, expected) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer 0123456789abcdef", true),
            ("Basic 0123456789abcdef", false),
            ("Bearer 0123456789abcdeF", false),
            ("Bearer", false),
            ("Bearer # care desk", false),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, credentials.parse().unwrap())]);
            assert_eq!(tokens.admit(&headers), expected, "{credentials}");
        }
        assert!(!tokens.admit(&HeaderMap::new()));
    }

    #[test]
    fn a_file_that_opens_nothing_or_too_easily_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, complaint) in [("# nothing\n", "no token"), ("short\n", "shorter")] {
            std::fs::write(file.path(), text).unwrap();
            let error = Tokens::read(file.path()).err().unwrap().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
