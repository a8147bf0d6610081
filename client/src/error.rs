//! Everything that can go wrong with a call, and the TMF `Error` a server explains itself with.
//!
//! Texts say what this layer knows; the cause is in `source`.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Map, Value};

/// Longest piece of a body that is kept in an error, in bytes.
const KEPT_TEXT: usize = 2048;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address given to `connect` or `builder` is no base of an API.
    #[error("`{base}` is no base of an API: {why}")]
    InvalidBase {
        /// The address as it was given.
        base: String,
        /// What is wrong with it.
        why: String,
    },

    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),

    /// The bearer token has characters that cannot be sent. The token itself is not shown.
    #[error("the bearer token has characters that cannot be sent")]
    InvalidToken,

    /// The request cannot be written down: an identifier or an ETag that no URL or header can hold.
    /// Nothing was sent.
    #[error("the request cannot be sent: {0}")]
    InvalidRequest(String),

    /// The server answered that it did not do it: any status but 2xx.
    #[error("{}{error}", shown(*.status))]
    Api {
        /// HTTP status of the answer.
        status: u16,
        /// What the server said about it.
        error: Box<TmfError>,
        /// How long the server asks to wait, from its `Retry-After`.
        retry_after: Option<Duration>,
    },

    /// No connection, or it broke before the whole answer had come.
    #[error("the connection to the server failed")]
    Transport(#[source] reqwest::Error),

    /// The call, repeats included, took longer than the total timeout.
    #[error("no answer within {} ms", .after.as_millis())]
    Timeout {
        /// The total timeout.
        after: Duration,
    },

    /// The call worked (status 2xx), but its answer is not what the document describes.
    #[error("the answer ({status}) is not what the document describes")]
    Decode {
        /// HTTP status of the answer, 2xx.
        status: u16,
        /// Beginning of the body.
        body: String,
        /// What the decoder stumbled over.
        source: serde_json::Error,
    },

    /// A list gave the same page twice: the server does not know `offset`, and going on would never
    /// end.
    #[error("the server gave the page at offset {offset} once more")]
    RepeatedPage {
        /// Offset that was asked for.
        offset: u64,
    },
}

impl Error {
    /// HTTP status of the answer, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } | Self::Decode { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The TMF `Error` of the answer, where there was one.
    #[must_use]
    pub fn tmf_error(&self) -> Option<&TmfError> {
        match self {
            Self::Api { error, .. } => Some(error),
            _ => None,
        }
    }

    /// 404: there is no such record, or no such path.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// 409: what was asked for contradicts what is there.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// 412: the record no longer has the ETag given in `If-Match`.
    #[must_use]
    pub fn is_precondition_failed(&self) -> bool {
        self.status() == Some(412)
    }

    /// Whether the same call may work a little later: 429, 502, 503, 504, a broken connection or a
    /// timeout. It says nothing about whether repeating is safe.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Api { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Transport(_) | Self::Timeout { .. } => true,
            _ => false,
        }
    }

    /// Whether the server cannot have seen the request.
    pub(crate) fn is_unseen(&self) -> bool {
        matches!(self, Self::Transport(error) if error.is_connect())
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// An answer that is not 2xx.
    pub(crate) fn api(status: StatusCode, error: TmfError, retry_after: Option<Duration>) -> Self {
        Self::Api { status: status.as_u16(), error: Box::new(error), retry_after }
    }

    /// An answer that is 2xx and cannot be read.
    pub(crate) fn decode(status: StatusCode, body: &[u8], source: serde_json::Error) -> Self {
        Self::Decode { status: status.as_u16(), body: beginning(body), source }
    }

    /// An error of the HTTP client, without the URL: filters may hold personal data.
    pub(crate) fn http(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            return Self::InvalidRequest(error.to_string());
        }
        Self::Transport(error)
    }
}

/// What a server says about a failure: TM Forum's `Error`, or failing that the text it sent.
///
/// Read leniently: `code` and `status` may come as numbers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TmfError {
    /// Code for programs.
    pub code: Option<String>,
    /// What went wrong, short enough to show to a user.
    pub reason: Option<String>,
    /// Which parameter or member is at fault, and what would be accepted.
    pub message: Option<String>,
    /// Where this error is documented.
    pub reference_error: Option<String>,
    /// All members of the body, empty where it was no JSON object.
    pub members: Map<String, Value>,
    /// Beginning of the body, at most 2 KiB, where it is no TMF `Error`.
    pub text: Option<String>,
}

impl TmfError {
    /// Reads a body of any kind.
    pub(crate) fn from_bytes(body: &[u8]) -> Self {
        let read = serde_json::from_slice(body).ok().and_then(Self::from_value);
        read.unwrap_or_else(|| {
            let text = beginning(body);
            Self { text: Some(text).filter(|text| !text.is_empty()), ..Self::default() }
        })
    }

    /// Reads a JSON body; `None` where it is no TMF `Error`.
    pub(crate) fn from_value(body: Value) -> Option<Self> {
        let Value::Object(members) = body else { return None };
        let text = |name: &str| match members.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(number @ Value::Number(_)) => Some(number.to_string()),
            _ => None,
        };
        let (code, reason, message) = (text("code"), text("reason"), text("message"));
        if code.is_none() && reason.is_none() && message.is_none() {
            return None;
        }
        let reference_error = text("referenceError");
        Some(Self { code, reason, message, reference_error, members, text: None })
    }
}

/// What there is of it, after a colon each.
impl fmt::Display for TmfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = &self.code {
            write!(f, ": code {code}")?;
        }
        for text in [&self.reason, &self.message, &self.text].into_iter().flatten() {
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}

fn shown(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    known.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// The beginning of a body as text, cut at a character.
pub(crate) fn beginning(body: &[u8]) -> String {
    let kept = body.get(..KEPT_TEXT).unwrap_or(body);
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if kept.len() < body.len() {
        text.truncate(text.trim_end_matches('\u{fffd}').len());
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_status_code_reason_and_message() {
        let check = |status: StatusCode, body: &str, expected: &str| {
            let error = Error::api(status, TmfError::from_bytes(body.as_bytes()), None);
            assert_eq!(error.to_string(), expected);
        };
        let body = r#"{"code": "60", "reason": "Not known", "message": "no interaction 7"}"#;
        let shown = "404 Not Found: code 60: Not known: no interaction 7";
        check(StatusCode::NOT_FOUND, body, shown);
        check(StatusCode::CONFLICT, r#"{"code": 409}"#, "409 Conflict: code 409");
        check(StatusCode::BAD_GATEWAY, "<html>", "502 Bad Gateway: <html>");
        check(StatusCode::BAD_GATEWAY, "", "502 Bad Gateway");
        check(StatusCode::BAD_REQUEST, "[1]", "400 Bad Request: [1]");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = beginning("ä".repeat(3000).as_bytes());
        assert_eq!(text.len(), KEPT_TEXT + '…'.len_utf8());
        assert!(text.ends_with("ä…"));
        assert_eq!(beginning(&[b'x'; KEPT_TEXT]).len(), KEPT_TEXT);
        assert!(beginning(format!("x{}", "ä".repeat(3000)).as_bytes()).ends_with("ä…"));
    }

    #[test]
    fn statuses_have_names() {
        let of = |status| Error::api(status, TmfError::default(), None);
        assert!(of(StatusCode::NOT_FOUND).is_not_found());
        assert!(of(StatusCode::CONFLICT).is_conflict());
        assert!(of(StatusCode::PRECONDITION_FAILED).is_precondition_failed());
        assert!(of(StatusCode::SERVICE_UNAVAILABLE).is_retryable());
        assert!(!of(StatusCode::INTERNAL_SERVER_ERROR).is_retryable());
    }
}
