//! Subscriptions: POST and DELETE on `/hub` (TMF630 "Hub").
//!
//! Whatever about a subscription would never work is refused when it is made, for afterwards nobody
//! listens: a callback that may not be called, a query that cannot be honoured.

use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::interactions::object;
use crate::http::version::Version;
use crate::query::parse::{self, QueryContext};
use crate::query::subscription::EventFilter;
use http::StatusCode;
use serde_json::{Value, json};
use std::fmt::Display;
use url::Url;

/// Longest callback in bytes.
const MOST_CALLBACK_BYTES: usize = 2048;

impl Call<'_> {
    /// POST on `/hub`.
    pub async fn subscribe(&self, body: &[u8]) -> Result<Answer, ApiError> {
        parse::nothing(self.raw_query())?;
        let body = self.parsed(body)?;
        self.schemas().judge_subscribe(&body)?;
        let body = object(body)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let callback = text("callback").unwrap_or_default();
        let called = callback_url(&callback)?;
        let query = text("query");
        if let Some(query) = &query {
            self.check_query(query).await?;
        }
        let judged = self.context.callbacks.judge(&called).await;
        judged.map_err(|forbidden| refused("/callback", forbidden))?;
        let (name, base_url) = (self.version.name(), self.url("")?);
        let app = &self.context.app;
        let subscription = app.subscribe(name, base_url, callback, query).await?;
        let url = self.url(&format!("/hub/{}", subscription.id))?;
        let mut answer = json!({ "id": subscription.id, "callback": subscription.callback });
        if let Some(query) = &subscription.query {
            answer["query"] = json!(query);
        }
        if self.version == Version::V5 {
            answer["href"] = json!(url);
            answer["@type"] = body.get("@type").cloned().unwrap_or_else(|| json!("Hub"));
        }
        Answer::json(StatusCode::CREATED, answer.to_string()).location(&url)
    }

    /// DELETE on `/hub/{id}`.
    pub async fn unsubscribe(&self, id: &str) -> Result<Answer, ApiError> {
        parse::nothing(self.raw_query())?;
        self.context.app.unsubscribe(self.version.name(), id).await?;
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    }

    /// The query is bounded as it would be in a URL.
    async fn check_query(&self, query: &str) -> Result<(), ApiError> {
        let most_bytes = self.context.limits.url_bytes;
        if query.len() > most_bytes {
            return Err(refused("/query", format!("is longer than {most_bytes} bytes")));
        }
        let href_prefix = self.href_prefix()?;
        let read = |context: &QueryContext<'_>| EventFilter::parse(query, context);
        self.reading(&href_prefix, read, |error| refused("/query", error)).await.map(drop)
    }
}

/// Absolute, http(s), without what is never sent, and without credentials, which would end up in
/// logs.
fn callback_url(callback: &str) -> Result<Url, ApiError> {
    if callback.len() > MOST_CALLBACK_BYTES {
        return Err(refused("/callback", format!("is longer than {MOST_CALLBACK_BYTES} bytes")));
    }
    let problem = match Url::parse(callback) {
        Err(error) => error.to_string(),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "is not http or https".into(),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "carries credentials".into()
        }
        Ok(url) if url.fragment().is_some() => "has a fragment, which is never sent".into(),
        Ok(url) => return Ok(url),
    };
    Err(refused("/callback", problem))
}

fn refused(pointer: &str, problem: impl Display) -> ApiError {
    ApiError::invalid_body(format!("{pointer} {problem}"))
}
