//! One call: its attempts, the waits between them, and the bound on all of it.
//!
//! Knows nothing of operations; the versions bring those as generated calls.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use tmf683_generated::v5::client::{Error as CallError, ResponseValue};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::answer::Answer;
use crate::attempt;
use crate::error::{Error, TmfError};
use crate::retry::{Repeat, Retries, retry_after};

/// Gives the bearer token of the moment.
pub(crate) type Token = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything a version's client needs to make its calls.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) base: Url,
    pub(crate) http: Client,
    pub(crate) token: Option<Token>,
    pub(crate) retries: Retries,
    pub(crate) timeout: Duration,
}

/// A call that failed for good.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Whether an earlier attempt may have done the work.
    pub(crate) repeated: bool,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl Connection {
    /// Makes a call, with as many attempts as `repeat` and the settings allow.
    pub(crate) async fn call<T, E, F>(
        &self,
        repeat: Repeat,
        call: impl Fn() -> F,
    ) -> Result<Answer<T>, Failed>
    where
        T: DeserializeOwned,
        E: Serialize,
        F: Future<Output = Result<ResponseValue<T>, CallError<E>>>,
    {
        let begun = Instant::now();
        let left = || self.timeout.saturating_sub(begun.elapsed());
        let mut waits = self.retries.waits();
        let mut repeated = false;
        loop {
            let attempt = timeout(left(), self.attempt(call())).await;
            let error = match attempt {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => Error::Timeout { after: self.timeout },
            };
            let wait = Some(&error).filter(|error| repeat.allows(error)).and_then(|_| waits.next());
            let Some(wait) = wait else { return Err(Failed { error, repeated }) };
            let wait = self.retries.wait(wait, error.retry_after());
            if wait >= left() {
                return Err(Failed { error, repeated });
            }
            repeated |= !error.is_unseen();
            sleep(wait).await;
        }
    }

    async fn attempt<T, E>(
        &self,
        call: impl Future<Output = Result<ResponseValue<T>, CallError<E>>>,
    ) -> Result<Answer<T>, Error>
    where
        T: DeserializeOwned,
        E: Serialize,
    {
        let authorization = self.token.as_deref().map(|token| bearer(&token())).transpose()?;
        match attempt::run(authorization, call).await {
            (Ok(value), _) => {
                let headers = value.headers().clone();
                Ok(Answer { body: value.into_inner(), headers })
            }
            (Err(error), status) => settle(error, status).await,
        }
    }
}

/// The token is never shown.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("base", &self.base.as_str())
            .field("token", &self.token.is_some())
            .field("retries", &self.retries)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The header a bearer token is sent in.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    let mut header = header.map_err(|_| Error::InvalidToken)?;
    header.set_sensitive(true);
    Ok(header)
}

/// For calls whose answer has nothing to say: any 2xx will do, whatever its body.
pub(crate) fn accepted<T>(result: Result<Answer<T>, Failed>) -> Result<(), Error> {
    match result {
        Ok(_) | Err(Failed { error: Error::Decode { .. }, .. }) => Ok(()),
        Err(failed) => Err(failed.error),
    }
}

/// For deletes: a 404 after an earlier attempt may have reached the server is its success.
pub(crate) fn gone<T>(result: Result<Answer<T>, Failed>) -> Result<(), Error> {
    match result {
        Err(Failed { error, repeated: true }) if error.is_not_found() => Ok(()),
        other => accepted(other),
    }
}

/// What an error of the generated client means; it may be a success the document did not foresee.
async fn settle<T: DeserializeOwned, E: Serialize>(
    error: CallError<E>,
    status: Option<StatusCode>,
) -> Result<Answer<T>, Error> {
    match error {
        CallError::ErrorResponse(answer) => {
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = serde_json::to_vec(&answer.into_inner()).unwrap_or_default();
            Err(refusal(status, &headers, &body))
        }
        CallError::UnexpectedResponse(answer) => {
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.bytes().await.map_err(Error::http)?;
            if !status.is_success() {
                return Err(refusal(status, &headers, &body));
            }
            let read = serde_json::from_slice(&body);
            let body = read.map_err(|source| Error::decode(status, &body, source))?;
            Ok(Answer { body, headers })
        }
        CallError::InvalidResponsePayload(body, source) => {
            let status = status.unwrap_or_default();
            if status.is_success() {
                return Err(Error::decode(status, &body, source));
            }
            Err(refusal(status, &HeaderMap::new(), &body))
        }
        CallError::CommunicationError(error)
        | CallError::ResponseBodyError(error)
        | CallError::InvalidUpgrade(error) => Err(Error::http(error)),
        CallError::InvalidRequest(why) | CallError::Custom(why) => Err(Error::InvalidRequest(why)),
    }
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let wait = retry_after(headers, SystemTime::now());
    Error::api(status, TmfError::from_bytes(body), wait)
}
