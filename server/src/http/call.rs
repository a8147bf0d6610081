//! One request seen from the API: which version, which address, which preconditions.

use crate::app::{Precondition, Versions};
use crate::error::ApiError;
use crate::http::body;
use crate::http::context::Context;
use crate::http::load::Roomed;
use crate::http::version::Version;
use bytes::Bytes;
use dropshot::{RequestContext, RequestInfo};
use http::header::{HOST, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::uri::Authority;
use http::{Method, StatusCode};
use std::net::SocketAddr;
use tmf683_generated::serving::JsonBody;

/// Longest correlation id that is taken from a request.
const MOST_CORRELATION_ID_BYTES: usize = 256;

/// A request on its way through one version of the API.
pub struct Call<'a> {
    /// The server's shared state.
    pub context: &'a Context,
    /// The version it came through.
    pub version: Version,
    pub(super) request: &'a RequestInfo,
    /// Where we listen, for requests that name no host.
    local_addr: SocketAddr,
    base: &'static str,
}

impl<'a> Call<'a> {
    /// The base is read off the path, for one version may hang at several.
    pub fn new(version: Version, rqctx: &'a RequestContext<Context>) -> Self {
        let path = rqctx.request.uri().path();
        let bases = version.bases();
        let base = bases.iter().find(|base| path.starts_with(*base)).unwrap_or(&bases[0]);
        let local_addr = rqctx.server.local_addr;
        Self { context: rqctx.context(), version, request: &rqctx.request, local_addr, base }
    }

    /// The query string as it was sent.
    pub fn raw_query(&self) -> &'a str {
        self.request.uri().query().unwrap_or_default()
    }

    /// Absolute URL of `path` below this request's base: under `public_url`, or under the address
    /// the caller used.
    ///
    /// # Errors
    /// 400 for a Host header that is no authority.
    pub fn url(&self, path: &str) -> Result<String, ApiError> {
        let base = self.base;
        if let Some(root) = &self.context.public_url {
            return Ok(format!("{root}{base}{path}"));
        }
        let named = match self.request.uri().authority() {
            Some(authority) => Some(authority.as_str()),
            None => self.header(&HOST)?,
        };
        match named {
            None => Ok(format!("http://{}{base}{path}", self.local_addr)),
            Some(host) if host.parse::<Authority>().is_ok() && !host.contains('@') => {
                Ok(["http://", host, base, path].concat())
            }
            Some(_) => Err(ApiError::invalid_request("Host: not a host and port")),
        }
    }

    /// What own `href`s start with.
    ///
    /// # Errors
    /// As [`Self::url`].
    pub fn href_prefix(&self) -> Result<String, ApiError> {
        self.url("/partyInteraction/")
    }

    /// The id that ties this request to others, for the events it makes.
    pub fn correlation_id(&self) -> Option<&'a str> {
        let named = HeaderName::from_static("x-correlation-id");
        let traced = HeaderName::from_static("traceparent");
        let id = [named, traced].iter().find_map(|name| self.header(name).ok().flatten())?;
        (!id.is_empty() && id.len() <= MOST_CORRELATION_ID_BYTES).then_some(id)
    }

    /// `If-Match` and `If-None-Match` of a change (RFC 9110 §13.1.1, §13.1.2).
    ///
    /// # Errors
    /// 400 when either is not a list of entity tags.
    pub fn precondition(&self) -> Result<Precondition, ApiError> {
        let one_of = match self.entity_tags(&IF_MATCH)? {
            None | Some(EntityTags::Any) => Versions::Any,
            // Compared strongly: a weak tag never matches.
            Some(EntityTags::Listed(tags)) => versions(tags.into_iter().filter(|tag| !tag.weak)),
        };
        let none_of = match self.entity_tags(&IF_NONE_MATCH)? {
            None => Versions::Listed(Vec::new()),
            Some(EntityTags::Any) => Versions::Any,
            Some(EntityTags::Listed(tags)) => versions(tags.into_iter()),
        };
        Ok(Precondition { one_of, none_of })
    }

    /// Whether the caller holds this version already: `If-None-Match` (RFC 9110 §13.1.2).
    ///
    /// # Errors
    /// 400 when it is not a list of entity tags.
    pub fn has_version(&self, version: i64) -> Result<bool, ApiError> {
        Ok(match self.entity_tags(&IF_NONE_MATCH)? {
            None => false,
            Some(EntityTags::Any) => true,
            Some(EntityTags::Listed(tags)) => tags.iter().any(|tag| tag.version == Some(version)),
        })
    }

    /// The bytes of a body of one of the media types taken; none said is JSON.
    ///
    /// # Errors
    /// 415, 413, 408 for one that takes too long, 400 for one that ends early, or 503 where too much
    /// else is held.
    pub async fn read<T>(
        &self,
        body: JsonBody<T>,
        taken: &[&str],
    ) -> Result<Roomed<Bytes>, ApiError> {
        let is_patch = self.request.method() == Method::PATCH;
        let whole = body::read(self.context, self.request.headers(), body, taken).await;
        whole.map_err(|error| match error.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE if is_patch => error.accept_patch(taken),
            _ => error,
        })
    }

    pub(super) fn header(&self, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
        let value = self.request.headers().get(name).map(|value| value.to_str());
        value.transpose().map_err(|_| ApiError::invalid_request(format!("{name}: not ASCII")))
    }

    fn entity_tags(&self, name: &HeaderName) -> Result<Option<EntityTags>, ApiError> {
        let malformed = || ApiError::invalid_request(format!("{name}: expected entity tags or *"));
        let mut tags = Vec::new();
        for value in self.request.headers().get_all(name) {
            let value = value.to_str().map_err(|_| malformed())?.trim();
            if value == "*" {
                return Ok(Some(EntityTags::Any));
            }
            for tag in value.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                tags.push(EntityTag::parse(tag).ok_or_else(malformed)?);
            }
        }
        let absent = !self.request.headers().contains_key(name);
        Ok(if absent { None } else { Some(EntityTags::Listed(tags)) })
    }
}

fn versions(tags: impl Iterator<Item = EntityTag>) -> Versions {
    Versions::Listed(tags.filter_map(|tag| tag.version).collect())
}

enum EntityTags {
    Any,
    Listed(Vec<EntityTag>),
}

struct EntityTag {
    weak: bool,
    /// `None`: not a tag of ours, which matches nothing.
    version: Option<i64>,
}

impl EntityTag {
    fn parse(text: &str) -> Option<Self> {
        let (weak, quoted) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
        (!opaque.contains('"')).then(|| Self { weak, version: opaque.parse().ok() })
    }
}

/// The entity tag of a version; strong, for the same version is the same bytes at the same URL.
pub fn entity_tag(version: i64) -> String {
    ["\"", &version.to_string(), "\""].concat()
}
