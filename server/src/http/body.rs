//! Bodies: read within their bounds, then strictly parsed.

use crate::config::Limits;
use crate::domain::json;
use crate::domain::tree::Tree;
use crate::error::ApiError;
use crate::http::context::Context;
use crate::http::load::Roomed;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderValue};
use serde_json::Value;
use std::time::Duration;
use tmf683_generated::serving::{BodyError, JsonBody};
use tokio::time::timeout;

/// The bytes of a body of one of the media types taken; none said is JSON.
///
/// # Errors
/// 415, 413, 408 for one that takes too long, 400 for one that ends early, or 503 where too much else
/// is held.
pub async fn read<T>(
    context: &Context,
    headers: &HeaderMap,
    body: JsonBody<T>,
    taken: &[&str],
) -> Result<Roomed<Bytes>, ApiError> {
    let media_type = body.media_type().unwrap_or_else(|| "application/json".to_owned());
    if !taken.contains(&media_type.as_str()) {
        return Err(ApiError::unsupported_media_type(taken));
    }
    as_it_is(headers)?;
    let Limits { body_bytes, body_seconds, .. } = context.limits;
    let mut room = context.load.room();
    let whole = body.read_into(body_bytes, |bytes| room.grow(bytes));
    let whole = timeout(Duration::from_secs(body_seconds), whole).await;
    let whole = whole.map_err(|_| ApiError::body_too_slow(body_seconds))?;
    let whole = whole.map_err(|error| match error {
        BodyError::TooLarge => ApiError::body_too_large(body_bytes),
        BodyError::NoRoom => {
            ApiError::busy("The bodies of other requests fill what there is room for")
        }
        BodyError::Broken(_) => ApiError::incomplete_body(),
    })?;
    Ok(room.with(whole))
}

/// Whether a body can be read as it is.
///
/// # Errors
/// 415 for one that would have to be decompressed.
pub fn as_it_is(headers: &HeaderMap) -> Result<(), ApiError> {
    let identity = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    let is_identity = headers.get_all(CONTENT_ENCODING).iter().all(identity);
    if is_identity { Ok(()) } else { Err(ApiError::unsupported_content_coding()) }
}

/// A body to be looked at, read strictly.
///
/// # Errors
/// 400 where it is not JSON, or not within its bounds.
pub fn tree<'b>(limits: &Limits, body: &'b [u8]) -> Result<Tree<'b>, ApiError> {
    Ok(json::read(body, bounds(limits))?)
}

/// The same as a value.
///
/// # Errors
/// As [`tree`].
pub fn parse(limits: &Limits, body: &[u8]) -> Result<Value, ApiError> {
    Ok(json::parse(body, bounds(limits))?)
}

fn bounds(limits: &Limits) -> json::Limits {
    json::Limits { depth: limits.json_depth, items: limits.array_items, values: limits.json_values }
}
