//! One attempt: the request to a listener, and what its answer means.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use std::time::Duration;

/// What became of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Attempt {
    /// Acknowledged.
    Delivered,
    /// 410: the listener wants no more.
    Gone,
    /// Anything else.
    Failed {
        /// Short, and nothing secret in it.
        error: String,
        /// What the listener asked for.
        retry_after: Option<Duration>,
    },
}

/// Sends notifications.
#[derive(Debug)]
pub struct Sender {
    client: Client,
}

impl Sender {
    /// Attempts end after `timeout`.
    ///
    /// # Errors
    /// The TLS back-end cannot be set up.
    pub fn new(timeout: Duration) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(timeout);
        Ok(Self { client: client.build()? })
    }

    /// One attempt.
    pub async fn send(&self, callback: &str, _event_id: &str, body: Bytes) -> Attempt {
        let request = self.client.post(callback).header(CONTENT_TYPE, "application/json");
        let failed = |error: String| Attempt::Failed { error, retry_after: None };
        match request.body(body).send().await {
            Err(error) => failed(error.without_url().to_string()),
            Ok(answer) => {
                let status = answer.status();
                match answer.bytes().await {
                    Err(error) => failed(error.without_url().to_string()),
                    Ok(_) if status == StatusCode::GONE => Attempt::Gone,
                    Ok(_) if status.is_success() => Attempt::Delivered,
                    Ok(_) => failed(status.to_string()),
                }
            }
        }
    }
}
