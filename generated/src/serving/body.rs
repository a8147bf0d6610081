//! Request bodies that are not read until the operation asks for it.
//!
//! Neither media type nor content is judged here: 413 and 415 are the server's to say.

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use dropshot::{
    ApiEndpointBodyContentType, Body, ExclusiveExtractor, ExtractorMetadata, HttpError,
    RequestContext, ServerContext, StreamingBody, TypedBody,
};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// Room made for a body before it arrives: all that most need.
const AHEAD_BYTES: usize = 16 << 10;

/// An unread JSON body; `T` is the documented model and only describes it.
pub struct JsonBody<T> {
    headers: HeaderMap,
    body: Body,
    model: PhantomData<fn() -> T>,
}

/// Why a body could not be read.
#[derive(Debug)]
pub enum BodyError {
    /// It is larger than the limit given to [`JsonBody::read`].
    TooLarge,
    /// There is no room for more of it, see [`JsonBody::read_into`].
    NoRoom,
    /// The connection failed before its end.
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the body is larger than the limit"),
            Self::NoRoom => f.write_str("there is no room for the body"),
            Self::Broken(_) => f.write_str("the body ended early"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLarge | Self::NoRoom => None,
            Self::Broken(source) => Some(&**source),
        }
    }
}

impl<T> JsonBody<T> {
    /// The media type's essence, in lower case and without parameters; `None` where there is none,
    /// and the empty text, which is no media type, where it cannot be told or is told twice.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        media_type(&self.headers)
    }

    /// Reads the whole body, giving up as soon as it is known to be larger than `max_bytes`.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] above the limit, [`BodyError::Broken`] if the client went away.
    pub async fn read(self, max_bytes: usize) -> Result<Bytes, BodyError> {
        self.read_into(max_bytes, |_| true).await
    }

    /// The same where room is scarce: `has_room` is asked before each part is kept, with its bytes.
    ///
    /// # Errors
    /// Those of [`JsonBody::read`], and [`BodyError::NoRoom`] where it says no.
    pub async fn read_into(
        self,
        max_bytes: usize,
        mut has_room: impl FnMut(usize) -> bool,
    ) -> Result<Bytes, BodyError> {
        let mut body = self.body;
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > max_bytes {
            return Err(BodyError::TooLarge);
        }
        // Who announces much has not sent it yet.
        let mut whole = BytesMut::with_capacity(announced.min(AHEAD_BYTES));
        while let Some(frame) = body.frame().await {
            // Trailers are not part of the content.
            let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
                continue;
            };
            if whole.len() + data.len() > max_bytes {
                return Err(BodyError::TooLarge);
            }
            if !has_room(data.len()) {
                return Err(BodyError::NoRoom);
            }
            if whole.len() + data.len() > whole.capacity() {
                whole.reserve(announced.saturating_sub(whole.len()).max(data.len()));
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }
}

/// An unread body of any length, which is read as it comes.
pub struct StreamBody {
    headers: HeaderMap,
    body: Body,
}

impl StreamBody {
    /// As [`JsonBody::media_type`].
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        media_type(&self.headers)
    }

    /// The body itself.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let first = values.next()?.to_str().unwrap_or_default();
    let value = if values.next().is_none() { first } else { "" };
    let essence = value.split(';').next().unwrap_or_default().trim();
    Some(essence.to_ascii_lowercase())
}

#[async_trait::async_trait]
impl ExclusiveExtractor for StreamBody {
    async fn from_request<Context: ServerContext>(
        _: &RequestContext<Context>,
        request: hyper::Request<Body>,
    ) -> Result<Self, HttpError> {
        let (parts, body) = request.into_parts();
        Ok(Self { headers: parts.headers, body })
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <StreamingBody as ExclusiveExtractor>::metadata(content_type)
    }
}

#[async_trait::async_trait]
impl<T> ExclusiveExtractor for JsonBody<T>
where
    T: JsonSchema + DeserializeOwned + Send + Sync + 'static,
{
    async fn from_request<Context: ServerContext>(
        _: &RequestContext<Context>,
        request: hyper::Request<Body>,
    ) -> Result<Self, HttpError> {
        let (parts, body) = request.into_parts();
        Ok(Self { headers: parts.headers, body, model: PhantomData })
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <TypedBody<T> as ExclusiveExtractor>::metadata(content_type)
    }
}
