//! Creating interactions: POST on the collection for one, PATCH for several at once (TMF630 "Create").
//!
//! Each interaction goes the same way, alone or among others: judged by the document, put into
//! canonical form, given its id and dates. What differs is the envelope, and that several are written
//! all or none.

use crate::app;
use crate::app::Versions;
use crate::domain::event::Occasion;
use crate::domain::json::pointer;
use crate::domain::json_patch::Problem;
use crate::domain::tree::Tree;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::body;
use crate::http::call::Call;
use crate::http::version::Version;
use crate::store::contract::{Answered, CreatedOne, Creation};
use http::StatusCode;

impl Call<'_> {
    /// POST on the collection.
    pub async fn create(&self, body: &[u8]) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let keyed = self.idempotency_key(body)?;
        let href_prefix = self.href_prefix()?;
        let body = body::tree(&self.context.limits, body)?;
        self.schemas().judge_create(&body)?;
        let creation = self.creation(body, &app::now())?;
        let interaction = &creation.record.interaction;
        let answer = Answered {
            body: self.version.shown(interaction, &href_prefix, fields.as_ref())?,
            one: Some(CreatedOne {
                version: interaction.version,
                location: interaction.href(&href_prefix),
            }),
        };
        let (answer, is_replayed) = self.context.app.create(vec![creation], answer, keyed).await?;
        answered(answer, is_replayed)
    }

    /// PATCH on the collection: a JSON Patch that adds interactions to it, all or none. 200, not 201:
    /// what the URL names, the collection, was there before (RFC 5789 §2).
    pub async fn create_several(&self, body: &[u8]) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let keyed = self.idempotency_key(body)?;
        if self.precondition()?.one_of != Versions::Any {
            // The collection has no entity tag, so none can match (RFC 9110 §13.1.1).
            return Err(ApiError::precondition_failed("The collection has no ETag to match"));
        }
        let href_prefix = self.href_prefix()?;
        let body = body::tree(&self.context.limits, body)?;
        let limit = self.context.limits.patch_operations;
        if matches!(&body, Tree::Array(operations) if operations.len() > limit) {
            return Err(ApiError::invalid_body(Problem::TooMany { limit }.to_string()));
        }
        self.schemas().judge_creations(&body)?;
        let now = app::now();
        let mut creations = Vec::new();
        for (index, value) in values(body).enumerate() {
            let creation = self
                .creation(value, &now)
                .map_err(|error| error.inside(&pointer([&index.to_string(), "value"])))?;
            creations.push(creation);
        }
        let shown = |creation: &Creation| {
            self.version.shown(&creation.record.interaction, &href_prefix, fields.as_ref())
        };
        let shown = creations.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
        let answer = Answered { body: format!("[{}]", shown.join(",")), one: None };
        let (answer, is_replayed) = self.context.app.create(creations, answer, keyed).await?;
        answered(answer, is_replayed)
    }

    /// What is to be written for a body that fits the document.
    fn creation(&self, body: Tree<'_>, now: &str) -> Result<Creation, ApiError> {
        let Tree::Object(mut view) = body else {
            return Err(ApiError::invalid_body("the body is not a JSON object"));
        };
        view.remove("id");
        view.remove("href");
        let canonical = match self.version {
            Version::V5 => view,
            Version::V4 => {
                let canonical = self.version.put(None, view.into())?;
                self.judge_for_v5(&canonical)?;
                canonical.into()
            }
        };
        let occasion = Occasion { time: now, correlation_id: self.correlation_id() };
        Ok(self.context.app.creation(canonical, self.version.stated_dates(), occasion)?)
    }
}

/// The interactions of a patch that fits the document.
fn values(patch: Tree<'_>) -> impl Iterator<Item = Tree<'_>> {
    let operations = match patch {
        Tree::Array(operations) => operations,
        _ => Vec::new(),
    };
    let value = |operation| match operation {
        Tree::Object(mut operation) => operation.remove("value"),
        _ => None,
    };
    operations.into_iter().filter_map(value)
}

fn answered(answer: Answered, is_replayed: bool) -> Result<Answer, ApiError> {
    let Answered { one, body } = answer;
    let answer = match one {
        Some(CreatedOne { version, location }) => {
            Answer::json(StatusCode::CREATED, body).location(&location)?.etag(version)?
        }
        None => Answer::json(StatusCode::OK, body),
    };
    if is_replayed { answer.replayed() } else { Ok(answer) }
}
