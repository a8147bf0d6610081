//! What a call that worked brought back.

use std::ops::Deref;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderMap};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// An answer with a 2xx status, as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Reads the body as JSON.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<Answer<T>, Error> {
        let read = serde_json::from_slice(&self.body);
        let body = read.map_err(|source| Error::decode(self.status, &self.body, source))?;
        Ok(Answer { body, headers: self.headers })
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    pub(crate) headers: HeaderMap,
}

/// A body, and the ETag of the version it shows.
///
/// Reads like the body itself: `interaction.status` is the body's `status`.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The resource.
    pub body: T,
    /// Its ETag as the server sent it, quotes included, to be given back in `If-Match`. `None`
    /// where the server sent none.
    pub etag: Option<String>,
}

impl<T> Versioned<T> {
    /// The body, without its ETag.
    #[must_use]
    pub fn into_body(self) -> T {
        self.body
    }
}

impl<T> Deref for Versioned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.body
    }
}

impl<T> From<Answer<T>> for Versioned<T> {
    fn from(answer: Answer<T>) -> Self {
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Self { body: answer.body, etag }
    }
}
