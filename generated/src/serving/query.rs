//! The query string as it was sent.
//!
//! Filters use undeclared names, repeated keys and encoded operators, none of which a typed query
//! survives; so nothing is interpreted here.

use std::marker::PhantomData;

use dropshot::{
    ApiEndpointBodyContentType, ExtractorMetadata, HttpError, Query, RequestContext, ServerContext,
    SharedExtractor,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// The raw query string; `P` names the declared parameters and only describes them.
pub struct RawQuery<P> {
    raw: Option<String>,
    parameters: PhantomData<fn() -> P>,
}

impl<P> RawQuery<P> {
    /// The text after `?`, still encoded; empty where there is none.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.raw.as_deref().unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl<P> SharedExtractor for RawQuery<P>
where
    P: JsonSchema + DeserializeOwned + Send + Sync + 'static,
{
    async fn from_request<Context: ServerContext>(
        rqctx: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        let raw = rqctx.request.uri().query().map(str::to_owned);
        Ok(Self { raw, parameters: PhantomData })
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        <Query<P> as SharedExtractor>::metadata(content_type)
    }
}
