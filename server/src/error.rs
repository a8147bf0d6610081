//! Every error of every layer becomes a TMF `Error` here, and only here (TMF630 "Errors").
//!
//! 4xx: the caller can mend it, and is told what. 500: our bug; 503: try again. What went wrong
//! inside stays in the log.

use crate::app::AppError;
use crate::domain::json::JsonError;
use crate::domain::json_patch::{Failure, Problem};
use crate::domain::lens::LensError;
use crate::domain::lifecycle::Refusal;
use crate::http::schema::Violations;
use crate::query::error::QueryError;
use crate::store::contract::{Lack, StoreError};
use dropshot::{ErrorStatusCode, HttpError};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema;
use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;
use tmf683_generated::v5::types::Error;

/// Seconds after which a caller turned away by a busy server may try again.
const RETRY_AFTER_SECONDS: &str = "1";

/// An answer in the TMF `Error` shape.
#[derive(Debug)]
pub struct ApiError {
    status: ErrorStatusCode,
    code: &'static str,
    reason: Cow<'static, str>,
    message: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    fn new(
        status: ErrorStatusCode,
        code: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, reason: reason.into(), message: None, headers: Vec::new() }
    }

    fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Says in which part of the body it is wrong, by JSON Pointer.
    pub fn inside(self, part: &str) -> Self {
        let message = self.message.as_deref().unwrap_or(&self.reason);
        let message = format!("in {part}: {message}");
        self.message(message)
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// 400: the body is not what the document describes.
    pub fn invalid_body(message: impl Into<String>) -> Self {
        let reason = "The request body is not valid";
        Self::new(ErrorStatusCode::BAD_REQUEST, "invalidBody", reason).message(message)
    }

    /// 400: a query parameter, header or path cannot be honoured.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        let reason = "The request cannot be honoured as it stands";
        Self::new(ErrorStatusCode::BAD_REQUEST, "invalidRequest", reason).message(message)
    }

    /// 401, with the challenge of RFC 6750.
    pub fn unauthorized() -> Self {
        Self::new(ErrorStatusCode::UNAUTHORIZED, "unauthorized", "A valid bearer token is needed")
            .with_header(WWW_AUTHENTICATE, "Bearer")
    }

    /// 404 for a resource (`PartyInteraction`, `hub`).
    pub fn not_found(resource: &str, id: &str) -> Self {
        Self::new(ErrorStatusCode::NOT_FOUND, "notFound", format!("There is no such {resource}"))
            .message(format!("{resource} {id} does not exist"))
    }

    /// 405 with the methods the path has.
    pub fn method_not_allowed(allowed: &[&str]) -> Self {
        let reason = "The path does not have this method";
        Self::new(ErrorStatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", reason)
            .with_header(ALLOW, &allowed.join(", "))
    }

    /// 406: the caller accepts nothing of what there is.
    pub fn not_acceptable(answers: &[&str]) -> Self {
        let reason = format!("Answers are {}", answers.join(" or "));
        Self::new(ErrorStatusCode::NOT_ACCEPTABLE, "notAcceptable", reason)
    }

    /// 400: the body did not arrive whole.
    pub fn incomplete_body() -> Self {
        let reason = "The request body ended early";
        Self::new(ErrorStatusCode::BAD_REQUEST, "incompleteBody", reason)
    }

    /// 408: the body takes too long to arrive (RFC 9110 §15.5.9). What is left of it is not waited
    /// for, so the connection cannot be used again.
    pub fn body_too_slow(bound_seconds: u64) -> Self {
        let reason = "The request body took too long to arrive";
        Self::new(ErrorStatusCode::REQUEST_TIMEOUT, "bodyTooSlow", reason)
            .message(format!("at most {bound_seconds} seconds are waited (limits.body_seconds)"))
            .closing_the_connection()
    }

    /// Nothing else is answered on this connection.
    pub fn closing_the_connection(self) -> Self {
        self.with_header(CONNECTION, "close")
    }

    /// 409.
    pub fn conflict(reason: &'static str) -> Self {
        Self::new(ErrorStatusCode::CONFLICT, "conflict", reason)
    }

    /// 410: what is asked for was there once.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(ErrorStatusCode::GONE, "gone", "It is no longer kept").message(message)
    }

    /// 412: the precondition does not hold (RFC 9110 §13).
    pub fn precondition_failed(reason: &'static str) -> Self {
        Self::new(ErrorStatusCode::PRECONDITION_FAILED, "preconditionFailed", reason)
    }

    /// 413 with the bound.
    pub fn body_too_large(bound_bytes: usize) -> Self {
        Self::new(ErrorStatusCode::PAYLOAD_TOO_LARGE, "bodyTooLarge", "The body is too large")
            .message(format!("at most {bound_bytes} bytes are read"))
    }

    /// 413 for a request that would make an interaction larger than may be stored.
    pub fn interaction_too_large(message: impl Into<String>) -> Self {
        let reason = "The interaction would be too large";
        Self::new(ErrorStatusCode::PAYLOAD_TOO_LARGE, "interactionTooLarge", reason)
            .message(message)
    }

    /// 414 with the bound.
    pub fn uri_too_long(bound_bytes: usize) -> Self {
        Self::new(ErrorStatusCode::URI_TOO_LONG, "uriTooLong", "The URL is too long")
            .message(format!("at most {bound_bytes} bytes are read"))
    }

    /// 415 with the media types the operation takes.
    pub fn unsupported_media_type(taken: &[&str]) -> Self {
        let reason = "The body's media type is not taken here";
        Self::new(ErrorStatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedMediaType", reason)
            .message(format!("taken: {}", taken.join(", ")))
    }

    /// The same for a PATCH, which has a header of its own for them (RFC 5789 §3.1).
    pub fn accept_patch(self, taken: &[&str]) -> Self {
        self.with_header(HeaderName::from_static("accept-patch"), &taken.join(", "))
    }

    /// 415 for a body that would have to be decompressed first (RFC 9110 §15.5.16).
    pub fn unsupported_content_coding() -> Self {
        let reason = "The body's content coding is not taken here";
        Self::new(ErrorStatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedContentCoding", reason)
            .message("Content-Encoding: bodies are read as they are")
            .with_header(ACCEPT_ENCODING, "identity")
    }

    /// 500. `what` goes to the log, not to the caller.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!("{what}");
        Self::new(ErrorStatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed")
    }

    /// 503: try again.
    pub fn busy(reason: &'static str) -> Self {
        Self::new(ErrorStatusCode::SERVICE_UNAVAILABLE, "busy", reason)
            .with_header(RETRY_AFTER, RETRY_AFTER_SECONDS)
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status.as_status()
    }

    fn body(&self) -> serde_json::Value {
        let mut body = json!({
            "@type": "Error",
            "code": self.code,
            "reason": self.reason,
            "status": self.status.as_u16().to_string(),
        });
        if let Some(message) = &self.message {
            body["message"] = json!(message);
        }
        body
    }

    /// The HTTP answer.
    pub fn into_response(self) -> Response<dropshot::Body> {
        let body = dropshot::Body::from(self.body().to_string());
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().extend(self.headers);
        response
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.reason)?;
        self.message.iter().try_for_each(|message| write!(f, ": {message}"))
    }
}

/// The body, for dropshot's own way of answering: an extractor that failed before the guard ran.
impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body().serialize(serializer)
    }
}

/// The document's `Error`.
impl JsonSchema for ApiError {
    fn schema_name() -> String {
        Error::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Error::json_schema(generator)
    }
}

impl dropshot::HttpResponseError for ApiError {
    fn status_code(&self) -> ErrorStatusCode {
        self.status
    }
}

/// Errors of dropshot's own making: a path parameter that does not decode, for one.
impl From<HttpError> for ApiError {
    fn from(error: HttpError) -> Self {
        if error.status_code.is_client_error() {
            Self::invalid_request(error.external_message)
        } else {
            Self::internal(error.internal_message)
        }
    }
}

impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> Self {
        Self::invalid_body(error.to_string())
    }
}

impl From<Violations> for ApiError {
    fn from(error: Violations) -> Self {
        Self::invalid_body(error.to_string())
    }
}

impl From<LensError> for ApiError {
    fn from(error: LensError) -> Self {
        Self::invalid_body(error.to_string())
    }
}

impl From<Failure> for ApiError {
    fn from(error: Failure) -> Self {
        match error.problem {
            Problem::TooMuchCopied { .. } => Self::interaction_too_large(error.to_string()),
            _ => Self::invalid_body(error.to_string()),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(error: Refusal) -> Self {
        Self::invalid_body(error.to_string())
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::busy("Too many requests are waiting"),
            StoreError::Closed => Self::busy("The server is stopping"),
            StoreError::Unavailable { lack, .. } => {
                tracing::warn!(error = with_causes(&error), "the store is not available");
                Self::busy(match lack {
                    Lack::Connection => "The database cannot be reached",
                    Lack::Writing => "The database is read-only now",
                    Lack::Room => "The database's disk is full",
                })
            }
            StoreError::TooManyDocuments { .. } => {
                Self::invalid_request(format!("{error} (limits.scan_documents)"))
            }
            StoreError::Failed { .. } => Self::internal(with_causes(&error)),
        }
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::NotFound { resource, id } => Self::not_found(resource, &id),
            AppError::PreconditionFailed => {
                Self::precondition_failed("The interaction has changed since it was read")
            }
            AppError::Contended => {
                Self::conflict("Too many clients change this interaction at once; try again")
            }
            AppError::AlreadySubscribed => {
                Self::conflict("The same callback and query are subscribed already")
            }
            AppError::TooManySubscriptions(_) => {
                Self::busy("There are as many subscriptions as the server takes")
            }
            AppError::Ended => Self::conflict("The subscription has ended: its listener is gone"),
            AppError::NotKept => {
                Self::invalid_body("/fromEventId or /fromTime is not, or no longer, in the log")
            }
            AppError::KeyReused => {
                Self::conflict("The Idempotency-Key came with another request before")
            }
            AppError::Refused(refusal) => refusal.into(),
            AppError::TooLarge { .. } => {
                Self::interaction_too_large(format!("{error} (limits.document_bytes)"))
            }
            AppError::TooManyValues { .. } => {
                Self::interaction_too_large(format!("{error} (limits.json_values)"))
            }
            AppError::Corrupt { .. } => Self::internal(with_causes(&error)),
            AppError::Store(error) => error.into(),
        }
    }
}

/// The whole chain on one line, for the log.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
