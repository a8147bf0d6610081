//! One attempt: the notification is posted to the callback as registered, and what the listener says
//! to it is taken down to a word.
//!
//! Redirects are not followed and no proxy of the environment is used, for both lead elsewhere than
//! was registered and judged. Addresses are judged at each connection, see [`super::resolver`].
//! An answer's status decides; its body is read to a bound, and dropped, so that the connection can
//! be used again.

use super::resolver::Resolver;
use super::signature::Signer;
use anyhow::Context as _;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use std::error::Error;
use std::time::{Duration, SystemTime};
use url::Url;

/// How the server calls itself.
const USER_AGENT: &str = concat!("tmf683-server/", env!("CARGO_PKG_VERSION"));

/// Most that is read of an answer's body. Of a longer one the connection is closed.
const MOST_ANSWER_BYTES: usize = 64 << 10;

/// How long a connection is kept for the next event. The bound on idle ones is one for each host, and
/// there may be a thousand hosts.
const IDLE: Duration = Duration::from_secs(20);

/// Most that is told of an error.
const MOST_ERROR_BYTES: usize = 200;

/// What became of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Attempt {
    /// The listener has it: any 2xx.
    Delivered,
    /// The listener wants no more: 410.
    Gone,
    /// Anything else.
    Failed {
        /// In a few words, for the operator: neither URL nor body.
        error: String,
        /// When the listener wants to be asked again (RFC 9110 §10.2.3); not yet bounded.
        retry_after: Option<Duration>,
    },
}

/// How attempts are made.
#[derive(Debug)]
pub struct SenderSettings {
    /// For all of an attempt, from the look-up of the name to the end of the answer.
    pub timeout: Duration,
    /// Connections kept for each host between attempts.
    pub idle_connections: usize,
    /// Where callbacks may lead.
    pub resolver: Resolver,
    /// `None`: notifications are not signed.
    pub signer: Option<Signer>,
}

/// Makes attempts. Cheap to clone: connections are shared.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    resolver: Resolver,
    signer: Option<Signer>,
    timeout: Duration,
}

impl Sender {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(settings: SenderSettings) -> anyhow::Result<Self> {
        let SenderSettings { timeout, idle_connections, resolver, signer } = settings;
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout)
            .pool_max_idle_per_host(idle_connections)
            .pool_idle_timeout(IDLE)
            .dns_resolver(resolver.clone())
            .build()
            .context("the client that calls listeners")?;
        Ok(Self { client, resolver, signer, timeout })
    }

    /// Posts a notification. Nothing that happens on the way is more than a failed attempt.
    pub async fn send(&self, callback: &str, event_id: &str, body: Bytes) -> Attempt {
        let url = match Url::parse(callback) {
            Ok(url) => url,
            Err(error) => return failed(format!("the callback is no URL: {error}")),
        };
        if let Err(forbidden) = self.resolver.judge_literal(&url) {
            return failed(format!("the callback {forbidden}"));
        }
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json");
        if let Some(signer) = &self.signer {
            let now = seconds_since_1970(SystemTime::now());
            request = request
                .header("webhook-id", event_id)
                .header("webhook-timestamp", now)
                .header("webhook-signature", signer.sign(event_id, now, &body));
        }
        match request.body(body).send().await {
            Err(error) => failed(self.told(&error)),
            Ok(response) => {
                let attempt = judged(response.status(), response.headers());
                drain(response).await;
                attempt
            }
        }
    }

    /// The innermost cause says what happened; those around it repeat each other, or the URL.
    fn told(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {:?}", self.timeout);
        }
        let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
        let what = if error.is_connect() { "no connection" } else { "the exchange broke off" };
        causes.last().map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}"))
    }
}

fn judged(status: StatusCode, headers: &HeaderMap) -> Attempt {
    if status.is_success() {
        return Attempt::Delivered;
    }
    if status == StatusCode::GONE {
        return Attempt::Gone;
    }
    let hint = if status.is_redirection() { "; redirects are not followed" } else { "" };
    let error = format!("answered {}{hint}", status.as_u16());
    Attempt::Failed { error, retry_after: retry_after(headers, SystemTime::now()) }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The answer has been given by its head, so nothing that happens here counts.
async fn drain(mut response: Response) {
    let mut left = MOST_ANSWER_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn failed(mut error: String) -> Attempt {
    error.truncate(error.floor_char_boundary(MOST_ERROR_BYTES));
    Attempt::Failed { error, retry_after: None }
}

fn seconds_since_1970(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
