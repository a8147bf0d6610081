//! The operations on interactions, the same for every version but for its view and its schemas.
//! Those that create are in [`super::creation`].

use crate::domain::interaction::{Interaction, Members};
use crate::domain::lifecycle;
use crate::domain::tree::Tree;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::body;
use crate::http::call::Call;
use crate::http::patch::Patch;
use crate::http::version::Version;
use crate::query::error::QueryError;
use crate::query::fields::Fields;
use crate::query::parse::{self, QueryContext, QueryLimits};
use http::StatusCode;
use serde_json::Value;

impl Call<'_> {
    /// GET on one.
    pub async fn retrieve(&self, id: &str) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let interaction = self.context.app.get(id).await?;
        if self.has_version(interaction.version)? {
            return Answer::empty(StatusCode::NOT_MODIFIED).etag(interaction.version);
        }
        let text = self.version.shown(&interaction, &self.href_prefix()?, fields.as_ref())?;
        Answer::json(StatusCode::OK, text).etag(interaction.version)
    }

    /// PATCH on one.
    pub async fn patch(&self, id: &str, patch: &Patch) -> Result<Answer, ApiError> {
        let fields = self.only_fields()?;
        let precondition = self.precondition()?;
        let href_prefix = self.href_prefix()?;
        let edit = |interaction: &Interaction, stored: &Members| {
            self.edited(interaction, stored, patch, &href_prefix)
        };
        let (app, dates) = (&self.context.app, self.version.stated_dates());
        let correlation_id = self.correlation_id();
        let interaction = app.change(id, &precondition, dates, correlation_id, edit).await?;
        let text = self.version.shown(&interaction, &href_prefix, fields.as_ref())?;
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
    pub(super) fn judge_for_v5(&self, canonical: &Members) -> Result<(), ApiError> {
        match self.version {
            Version::V5 => Ok(()),
            Version::V4 => {
                let canonical = Tree::Object(canonical.into());
                Ok(self.context.schemas_of(Version::V5).judge_types(&canonical)?)
            }
        }
    }

    /// Reads a query against what this version calls things, within the operator's bounds. Before an
    /// attribute is refused as unknown, other servers are asked for: one may have stored it just now.
    pub(super) async fn reading<T>(
        &self,
        href_prefix: &str,
        read: impl Fn(&QueryContext<'_>) -> Result<T, QueryError>,
        refused: impl FnOnce(QueryError) -> ApiError,
    ) -> Result<T, ApiError> {
        let mut found = self.reading_now(href_prefix, &read);
        if let Err(QueryError::UnknownPath(_)) = found {
            self.context.app.refresh().await?;
            found = self.reading_now(href_prefix, &read);
        }
        found.map_err(refused)
    }

    fn reading_now<T>(&self, href_prefix: &str, read: impl FnOnce(&QueryContext<'_>) -> T) -> T {
        let settings = &self.context.limits;
        read(&QueryContext {
            vocabulary: self.context.app.vocabulary(),
            canonical_paths: &|path| self.version.shape().canonical_paths(path),
            knows_extension: &|path| self.context.app.knows_extension_path(path),
            shape: self.version.shape(),
            href_prefix,
            limits: QueryLimits {
                comparisons: settings.conditions,
                items: (settings.page_items > 0).then_some(settings.page_items),
                regex_bytes: settings.regex_bytes,
                jsonpath_bytes: settings.jsonpath_bytes,
            },
        })
    }

    /// The query of an operation that takes nothing but `fields`.
    pub(super) fn only_fields(&self) -> Result<Option<Fields>, ApiError> {
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
