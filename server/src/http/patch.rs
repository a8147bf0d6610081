//! PATCH in its four media types (TMF630 "PATCH"): what each body is, and what it makes of a view.
//!
//! A patch works on what its version shows, `id` and `href` included, as a GET would answer it. The
//! flow around it (preconditions, judging, putting back) is the same for all, in [`super::interactions`].

use crate::domain::interaction::{Interaction, Members};
use crate::domain::json_patch::{self, Bounds, Dialect, Operation};
use crate::domain::lifecycle;
use crate::domain::merge_patch;
use crate::error::ApiError;
use crate::http::call::Call;
use crate::http::interactions::object;
use crate::http::load::Roomed;
use serde_json::Value;
use tmf683_generated::serving::JsonBody;

const JSON_PATCH: &str = "application/json-patch+json";
const JSON_PATCH_QUERY: &str = "application/json-patch-query+json";

/// What is to be changed.
pub enum Patch {
    /// RFC 7396.
    Merge(Members),
    /// RFC 6902, or TMF630's extension of it.
    Operations(Vec<Operation>),
}

impl Call<'_> {
    /// Reads the body of a PATCH as its media type, one of those taken, says. What is neither kind
    /// of JSON Patch is a merge patch.
    ///
    /// # Errors
    /// 415, 413, 503, or 400 for a body that is no such patch.
    pub async fn read_patch<T>(
        &self,
        body: JsonBody<T>,
        taken: &[&str],
    ) -> Result<Roomed<Patch>, ApiError> {
        let dialect = match body.media_type().as_deref() {
            Some(JSON_PATCH) => Some(Dialect::Pointers),
            Some(JSON_PATCH_QUERY) => Some(Dialect::Queries),
            _ => None,
        };
        let body = self.read(body, taken).await?;
        let mut patch = self.parsed(&body)?;
        let Some(dialect) = dialect else {
            return Ok(body.made_into(Patch::Merge(object(patch)?)));
        };
        if dialect == Dialect::Queries {
            json_patch::delete_is_remove(&mut patch);
        }
        self.schemas().judge_operations(&patch)?;
        Ok(body.made_into(Patch::Operations(json_patch::read(patch, dialect)?)))
    }

    /// The view after the patch, and which of `id` and `href` it would change.
    ///
    /// # Errors
    /// 400 naming the operation that cannot be carried out, 413 for one that copies too much.
    pub(super) fn patched(
        &self,
        interaction: &Interaction,
        before: &Members,
        patch: &Patch,
        href_prefix: &str,
    ) -> Result<(Members, Vec<&'static str>), ApiError> {
        let (id, href) = (&interaction.id, interaction.href(href_prefix));
        match patch {
            Patch::Merge(patch) => {
                let (mut after, mut patch) = (before.clone(), patch.clone());
                let touched = lifecycle::take_identity(&mut patch, id, &href);
                merge_patch::apply(&mut after, patch);
                Ok((after, touched))
            }
            Patch::Operations(operations) => {
                let whole = interaction.identity().before(before.clone(), href_prefix);
                let limits = &self.context.limits;
                let bounds = Bounds {
                    operations: limits.patch_operations,
                    copied_bytes: limits.document_bytes,
                    depth: limits.json_depth,
                };
                let after = json_patch::apply(Value::Object(whole), operations, bounds)?;
                let mut after = object(after)?;
                let touched = lifecycle::take_kept_identity(&mut after, id, &href);
                Ok((after, touched))
            }
        }
    }
}
