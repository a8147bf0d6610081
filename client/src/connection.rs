//! One call: its attempts, the waits between them, and the bound on all of it.
//!
//! Knows nothing of operations; the versions bring those as generated calls.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Request};
use serde::de::DeserializeOwned;
use tmf683_generated::v5::client::{Error as CallError, ResponseValue};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::answer::{Answer, Reply};
use crate::error::{Error, TmfError};
use crate::retry::{Repeat, Retries, retry_after};
use crate::written;

/// Gives the bearer token of the moment.
pub(crate) type Token = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything a version's client needs to make its calls.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) base: Url,
    /// An address that cannot be sent to; see `written`.
    pub(crate) nowhere: Url,
    pub(crate) http: Client,
    pub(crate) token: Option<Token>,
    pub(crate) retries: Retries,
    pub(crate) timeout: Duration,
}

/// A call that failed for good.
struct Failed {
    error: Error,
    /// Whether an earlier attempt may have done the work.
    repeated: bool,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl Connection {
    /// Makes a call and reads its answer.
    pub(crate) async fn call<T: DeserializeOwned, E>(
        &self,
        repeat: Repeat,
        call: impl Future<Output = Result<ResponseValue<T>, CallError<E>>>,
    ) -> Result<Answer<T>, Error> {
        let request = written::request(call).await?;
        self.exchange(repeat, &request).await?.read()
    }

    /// Makes a call whose answer has nothing to say: any 2xx will do, whatever its body.
    pub(crate) async fn tell<T, E>(
        &self,
        call: impl Future<Output = Result<ResponseValue<T>, CallError<E>>>,
    ) -> Result<(), Error> {
        let request = written::request(call).await?;
        self.exchange(Repeat::Unseen, &request).await?;
        Ok(())
    }

    /// Makes a call that deletes: a 404 after an earlier attempt may have reached the server is that
    /// attempt's success.
    pub(crate) async fn delete<T, E>(
        &self,
        call: impl Future<Output = Result<ResponseValue<T>, CallError<E>>>,
    ) -> Result<(), Error> {
        let request = written::request(call).await?;
        match self.exchange(Repeat::Freely, &request).await {
            Err(Failed { error, repeated: true }) if error.is_not_found() => Ok(()),
            Err(failed) => Err(failed.error),
            Ok(_) => Ok(()),
        }
    }

    /// Sends a request as often as `repeat` and the settings allow, until an answer is 2xx.
    async fn exchange(&self, repeat: Repeat, request: &Request) -> Result<Reply, Failed> {
        let begun = Instant::now();
        let left = || self.timeout.saturating_sub(begun.elapsed());
        let mut waits = self.retries.waits();
        let mut repeated = false;
        loop {
            let error = match timeout(left(), self.attempt(request)).await {
                Ok(Ok(reply)) => return Ok(reply),
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

    async fn attempt(&self, request: &Request) -> Result<Reply, Error> {
        let unrepeatable = || Error::InvalidRequest("its body cannot be repeated".to_owned());
        let mut request = request.try_clone().ok_or_else(unrepeatable)?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, bearer(&token())?);
        }
        let response = self.http.execute(request).await.map_err(Error::http)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(Error::http)?;
        if !status.is_success() {
            let wait = retry_after(&headers, SystemTime::now());
            return Err(Error::api(status, TmfError::from_bytes(&body), wait));
        }
        Ok(Reply { status, headers, body })
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
