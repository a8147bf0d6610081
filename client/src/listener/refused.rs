//! Why a notification was not acknowledged, and how that is answered: as a TMF `Error`.
//!
//! A sender tries again after every one of these, so none of them loses an event. What went wrong
//! inside a handler is not told.

use std::fmt;
use std::time::Duration;

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use tmf683_generated::v5::types;

use crate::error::beginning;

/// Why a notification was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// 401: it is not signed with a secret of ours, or too long ago.
    #[error("the notification is not signed as it must be: {why}")]
    Unsigned {
        /// What is missing or wrong.
        why: String,
    },

    /// 400: it is no event of this API.
    #[error("the notification cannot be read: {why}")]
    Invalid {
        /// What is wrong, and where.
        why: String,
    },

    /// 400: the body ended early.
    #[error("the notification ended early")]
    Incomplete,

    /// 405: notifications are POSTed.
    #[error("notifications are POSTed")]
    Method,

    /// 408: the body took too long to arrive.
    #[error("the notification took longer than {} ms to arrive", .most.as_millis())]
    TooSlow {
        /// How long is waited.
        most: Duration,
    },

    /// 413: the body is larger than is read.
    #[error("the notification is larger than {most} bytes")]
    TooLarge {
        /// How much is read.
        most: usize,
    },

    /// 415: the body is not plain JSON.
    #[error("notifications are application/json: `{header}` says otherwise")]
    NotJson {
        /// The header that says what the body is.
        header: &'static str,
    },

    /// 500: the handler panicked.
    #[error("the handler of the notification broke")]
    Broke,

    /// 503: the handler gave an error, or took too long.
    #[error("the notification could not be handled")]
    Failed,

    /// 503: the same event is being handled at this moment.
    #[error("the event is being handled already")]
    InHand,

    /// 503: as many events as allowed are being handled at this moment.
    #[error("too many events are being handled already")]
    Busy,
}

impl Refused {
    /// Explanations may quote the body, so they are cut.
    pub(crate) fn invalid(why: impl fmt::Display) -> Self {
        Self::Invalid { why: beginning(why.to_string().as_bytes()) }
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.said().0
    }

    /// How long the sender is asked to wait, where it is.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::InHand | Self::Busy).then_some(Duration::from_secs(1))
    }

    /// Status, and code for programs.
    fn said(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unsigned { .. } => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalidBody"),
            Self::Incomplete => (StatusCode::BAD_REQUEST, "incompleteBody"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed"),
            Self::TooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "bodyTooSlow"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "bodyTooLarge"),
            Self::NotJson { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedMediaType"),
            Self::Broke => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::Failed => (StatusCode::SERVICE_UNAVAILABLE, "notHandled"),
            Self::InHand => (StatusCode::SERVICE_UNAVAILABLE, "inHand"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        }
    }

    /// The answer, and a line in the log: senders keep the status at most.
    pub(crate) fn answer(&self) -> Response<String> {
        tracing::info!(status = self.status().as_u16(), reason = %self, "a notification is refused");
        self.response()
    }

    /// The answer that says so: a TMF `Error`, with the headers that belong to it.
    #[must_use]
    pub fn response(&self) -> Response<String> {
        let (status, code) = self.said();
        let error = types::Error {
            code: Some(code.to_owned()),
            reason: Some(self.to_string()),
            status: Some(status.as_str().to_owned()),
            ..Default::default()
        };
        // Four texts are always written; and if not, the status says it.
        let mut response = Response::new(serde_json::to_string(&error).unwrap_or_default());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, wait.as_secs().into());
        }
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            // What is left of the body is not waited for.
            Self::TooSlow { .. } => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
