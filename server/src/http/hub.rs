//! Subscriptions: POST and DELETE on `/hub` (TMF630 "Hub").

use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::interactions::object;
use crate::http::version::Version;
use crate::query::parse;
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

impl Call<'_> {
    /// POST on `/hub`.
    pub async fn subscribe(&self, body: &[u8]) -> Result<Answer, ApiError> {
        parse::nothing(self.raw_query())?;
        let body = self.parsed(body)?;
        self.schemas().judge_subscribe(&body)?;
        let body = object(body)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let callback = text("callback").unwrap_or_default();
        check_callback(&callback)?;
        let (name, base) = (self.version.name(), self.url("")?);
        let subscription = self.context.app.subscribe(name, callback, text("query"), base).await?;
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
}

/// Absolute, http(s), and without credentials, which would end up in logs.
fn check_callback(callback: &str) -> Result<(), ApiError> {
    let problem = match Url::parse(callback) {
        Err(error) => error.to_string(),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "is not http or https".into(),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "carries credentials".into()
        }
        Ok(_) => return Ok(()),
    };
    Err(ApiError::invalid_body(format!("/callback {problem}")))
}
