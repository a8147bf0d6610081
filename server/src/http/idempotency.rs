//! `Idempotency-Key` where interactions are created (TMF630 "Retry safety"): which requests are repetitions of one.
//!
//! A key is good for one URL path, and, where tokens open the API, for one token: it never shows one
//! caller what another made. Two requests are the same when method, path, query and body are, to the
//! byte. Only digests go further in: they have one length, and tell nobody's keys.

use crate::app::Keyed;
use crate::error::ApiError;
use crate::http::call::Call;
use http::header::{AUTHORIZATION, HeaderName};
use sha2::{Digest, Sha256};

/// Longest key that is taken.
const MOST_KEY_BYTES: usize = 255;

impl Call<'_> {
    /// The request's key, if it has one.
    ///
    /// # Errors
    /// 400 for a key that is empty, too long, sent twice, or not visible ASCII.
    pub(super) fn idempotency_key(&self, body: &[u8]) -> Result<Option<Keyed>, ApiError> {
        let headers = self.request.headers();
        let mut keys = headers.get_all(HeaderName::from_static("idempotency-key")).iter();
        let Some(key) = keys.next() else { return Ok(None) };
        let key = key.as_bytes();
        let is_key = (1..=MOST_KEY_BYTES).contains(&key.len())
            && key.iter().all(u8::is_ascii_graphic)
            && keys.next().is_none();
        if !is_key {
            let expected = "Idempotency-Key: expected 1 to 255 visible ASCII characters, once";
            return Err(ApiError::invalid_request(expected));
        }
        let path = self.request.uri().path().as_bytes();
        let token = headers.get(AUTHORIZATION).filter(|_| self.context.tokens.is_some());
        let token = token.map_or(&[][..], |token| token.as_bytes());
        let method = self.request.method().as_str().as_bytes();
        Ok(Some(Keyed {
            key: digest([path, token, key]),
            request: digest([method, path, self.raw_query().as_bytes(), body]),
        }))
    }
}

/// Each part with its length before it, so that no two lists of parts are the same bytes.
fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
