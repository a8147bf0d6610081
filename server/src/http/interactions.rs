//! The operations on interactions, the same for every version but for its view and its schemas.

use crate::config::PartialStatus;
use crate::domain::interaction::{Interaction, Members};
use crate::domain::lifecycle;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::body;
use crate::http::call::Call;
use crate::http::patch::Patch;
use crate::http::version::Version;
use crate::query::fields::Fields;
use crate::query::page;
use crate::query::parse::{self, QueryContext, QueryLimits};
use crate::store::contract::Answered;
use http::StatusCode;
use serde_json::Value;

impl Call<'_> {
    /// GET on the collection.
    pub async fn list(&self) -> Result<Answer, ApiError> {
        let href_prefix = self.href_prefix()?;
        let settings = &self.context.limits;
        let query = parse::parse(
            self.raw_query(),
            &QueryContext {
                vocabulary: self.context.app.vocabulary(),
                canonical_paths: &|path| self.version.canonical_paths(path),
                knows_extension: &|path| self.context.app.knows_extension_path(path),
                href_prefix: &href_prefix,
                limits: QueryLimits {
                    comparisons: settings.conditions,
                    items: (settings.page_items > 0).then_some(settings.page_items),
                    regex_bytes: settings.regex_bytes,
                },
            },
        )?;
        let (offset, limit) = (query.offset, query.limit);
        let page = self.context.app.list(query.filter, offset, limit).await?;
        let mut body = String::from("[");
        for item in &page.items {
            if body.len() > 1 {
                body.push(',');
            }
            body.push_str(&self.shown(item, &href_prefix, query.fields.as_ref())?);
        }
        body.push(']');
        let url = self.url("/partyInteraction")?;
        let links = page::links(&url, self.raw_query(), offset, limit, page.total);
        let is_part = limit.is_some() && (page.items.len() as u64) < page.total;
        let status = match self.context.partial_status {
            PartialStatus::PartialContent if is_part => StatusCode::PARTIAL_CONTENT,
            _ => StatusCode::OK,
        };
        Answer::json(status, body).page(page.total, page.items.len(), &links)
    }

    /// GET on one.
    pub async fn retrieve(&self, id: &str) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let interaction = self.context.app.get(id).await?;
        if self.has_version(interaction.version)? {
            return Answer::empty(StatusCode::NOT_MODIFIED).etag(interaction.version);
        }
        let text = self.shown(&interaction, &self.href_prefix()?, fields.as_ref())?;
        Answer::json(StatusCode::OK, text).etag(interaction.version)
    }

    /// POST on the collection.
    pub async fn create(&self, body: &[u8]) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let keyed = self.idempotency_key(body)?;
        let href_prefix = self.href_prefix()?;
        let body = self.parsed(body)?;
        self.schemas().judge_create(&body)?;
        let view = without_identity(object(body)?);
        let canonical = self.version.put(None, view)?;
        self.judge_for_v5(&canonical)?;
        let (app, dates) = (&self.context.app, self.version.stated_dates());
        let correlation_id = self.correlation_id();
        let answered = |interaction: &Interaction| {
            Ok::<_, ApiError>(Answered {
                version: interaction.version,
                location: interaction.href(&href_prefix),
                body: self.shown(interaction, &href_prefix, fields.as_ref())?,
            })
        };
        let (Answered { version, location, body }, is_replayed) = match keyed {
            None => (answered(&app.create(canonical, dates, correlation_id).await?)?, false),
            Some(keyed) => {
                app.create_once(canonical, dates, correlation_id, keyed, answered).await?
            }
        };
        let answer = Answer::json(StatusCode::CREATED, body).location(&location)?.etag(version)?;
        if is_replayed { answer.replayed() } else { Ok(answer) }
    }

    /// PATCH on one.
    pub async fn patch(&self, id: &str, patch: Patch) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let precondition = self.precondition()?;
        let href_prefix = self.href_prefix()?;
        let edit = |interaction: &Interaction, stored: &Members| {
            self.edited(interaction, stored, &patch, &href_prefix)
        };
        let (app, dates) = (&self.context.app, self.version.stated_dates());
        let correlation_id = self.correlation_id();
        let interaction = app.change(id, &precondition, dates, correlation_id, edit).await?;
        let text = self.shown(&interaction, &href_prefix, fields.as_ref())?;
        Answer::json(StatusCode::OK, text).etag(interaction.version)
    }

    /// DELETE on one.
    pub async fn delete(&self, id: &str) -> Result<Answer, ApiError> {
        parse::nothing(self.raw_query())?;
        let precondition = self.precondition()?;
        self.context.app.delete(id, &precondition, self.correlation_id()).await?;
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    }

    /// The patch is applied to what this version shows, judged as this version's document says, and
    /// put back without losing what this version cannot show.
    fn edited(
        &self,
        interaction: &Interaction,
        stored: &Members,
        patch: &Patch,
        href_prefix: &str,
    ) -> Result<Members, ApiError> {
        let before = self.version.view(stored.clone());
        let (after, touched) = self.patched(interaction, &before, patch, href_prefix)?;
        lifecycle::check_immutable(touched, &before, &after)?;
        let after = self.schemas().judge_change(before, after)?;
        let canonical = self.version.put(Some(stored), after)?;
        self.judge_for_v5(&canonical)?;
        Ok(canonical)
    }

    /// A member that only v5 knows can be sent through any version; it must fit v5's type for it,
    /// or no reader of v5 could read the interaction.
    fn judge_for_v5(&self, canonical: &Members) -> Result<(), ApiError> {
        match self.version {
            Version::V5 => Ok(()),
            Version::V4 => self.context.schemas_of(Version::V5).judge_types(canonical),
        }
    }

    fn shown(
        &self,
        interaction: &Interaction,
        href_prefix: &str,
        fields: Option<&Fields>,
    ) -> Result<String, ApiError> {
        let Some(fields) = fields else {
            return self.version.text(interaction, href_prefix);
        };
        let whole = self.version.representation(interaction, href_prefix)?;
        let part = fields.apply(whole, self.version.always_shows_type());
        Ok(Value::Object(part).to_string())
    }

    /// The query of an operation that takes nothing but `fields`.
    fn only_fields(&self) -> Result<Option<Fields>, ApiError> {
        Ok(parse::fields_only(self.raw_query())?)
    }

    pub(super) fn parsed(&self, body: &[u8]) -> Result<Value, ApiError> {
        body::parse(&self.context.limits, body)
    }
}

pub(super) fn object(body: Value) -> Result<Members, ApiError> {
    match body {
        Value::Object(members) => Ok(members),
        _ => Err(ApiError::invalid_body("the body is not a JSON object")),
    }
}

fn without_identity(mut members: Members) -> Members {
    members.shift_remove("id");
    members.shift_remove("href");
    members
}
