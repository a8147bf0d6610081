//! Answers: a status, headers and bytes, before a generated operation gives them their type.

use crate::error::ApiError;
use crate::http::call::entity_tag;
use crate::http::media::EVENT_STREAM;
use dropshot::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use http::{HeaderMap, StatusCode};
use tmf683_generated::serving::{Documented, Reply};

/// An answer under construction.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: StatusCode, text: impl Into<Body>) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers, body: text.into() }
    }

    /// Server-Sent Events.
    pub fn event_stream(body: Body) -> Self {
        Self::stream(EVENT_STREAM, body)
    }

    /// What is sent as it comes, and which nobody may keep.
    pub fn stream(media_type: &'static str, body: Body) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { status: StatusCode::OK, headers, body }
    }

    /// No body: 204, 304.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Body::empty() }
    }

    /// The version of the resource in the body.
    pub fn etag(self, version: i64) -> Result<Self, ApiError> {
        self.header(ETAG, entity_tag(version))
    }

    /// Where the resource just made is.
    pub fn location(self, url: &str) -> Result<Self, ApiError> {
        self.header(LOCATION, url)
    }

    /// Given before, to the same request with the same key.
    pub fn replayed(self) -> Result<Self, ApiError> {
        self.header(HeaderName::from_static("idempotency-replayed"), "true")
    }

    /// Where to read on (RFC 8288).
    pub fn next(self, url: &str) -> Result<Self, ApiError> {
        self.header(LINK, format!("<{url}>; rel=\"next\""))
    }

    /// How many there are, how many are here, and where the others are (TMF630 "Paging").
    pub fn page(self, total: u64, here: u64, links: &str) -> Result<Self, ApiError> {
        self.counts(total, here)?.header(LINK, links)
    }

    /// How many there are, and how many are here.
    pub fn counts(self, total: u64, here: u64) -> Result<Self, ApiError> {
        self.header(HeaderName::from_static("x-total-count"), total)?
            .header(HeaderName::from_static("x-result-count"), here)
    }

    /// How a list was found. Attributes have any letters, headers have not.
    pub fn explained(self, plan: &str) -> Result<Self, ApiError> {
        let plan = plan.escape_default().to_string();
        self.header(HeaderName::from_static("x-query-plan"), plan)
    }

    fn header<V>(mut self, name: HeaderName, value: V) -> Result<Self, ApiError>
    where
        HeaderValue: TryFrom<V, Error: std::error::Error + Send + Sync + 'static>,
    {
        let value = HeaderValue::try_from(value).map_err(ApiError::internal)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// As the answer of a generated operation.
    pub fn reply<S: Documented>(self) -> Reply<S> {
        Reply::new(self.status, self.headers, self.body)
    }
}
