//! Registering operations below a base, and answering the methods nobody declared.
//!
//! dropshot answers an undeclared method on a known path by itself, in a body that is not TM
//! Forum's. So every such method is registered too, hidden from the derived OpenAPI.

use dropshot::{
    ApiDescription, ApiDescriptionRegisterError, ApiEndpoint, ApiEndpointBodyContentType,
    ApiEndpointParameter, ApiEndpointVersions, Header, Path, RequestContext, SharedExtractor,
};
use http::Method;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Guard, Operation, PathMethods};

/// Every method HTTP names. An extension method gets dropshot's own 405.
const METHODS: &[Method] = &[
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// Where a version's operations go: below which base, under which prefix of operation ids.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Path all templates are appended to.
    pub base: &'a str,
    /// Put before every operation id, so that several bases fit one description.
    pub operation_prefix: &'a str,
}

impl Route<'_> {
    /// The full path of a template.
    #[must_use]
    pub fn path(&self, template: &str) -> String {
        format!("{}{template}", self.base.trim_end_matches('/'))
    }

    /// The id an operation is registered under.
    #[must_use]
    pub fn operation_id(&self, operation: &Operation) -> String {
        format!("{}{}", self.operation_prefix, operation.id)
    }
}

/// Registers every method the document does not declare for `path`, answered by the guard.
///
/// # Errors
/// What dropshot says about a path it cannot route.
pub fn route_undeclared_methods<Context: Guard>(
    api: &mut ApiDescription<Context>,
    route: Route<'_>,
    path: &'static PathMethods,
    parameters: fn() -> Vec<ApiEndpointParameter>,
) -> Result<(), ApiDescriptionRegisterError> {
    for method in METHODS.iter().filter(|method| !path.allowed.contains(&method.as_str())) {
        let mut endpoint = ApiEndpoint::new(
            format!("{}{method} {}", route.operation_prefix, path.path),
            move |rqctx: RequestContext<Context>| async move {
                Context::method_not_allowed(&rqctx, path).await
            },
            method.clone(),
            "application/json",
            &route.path(path.path),
            ApiEndpointVersions::All,
        );
        // The handler does not care for the variables, but dropshot wants them declared.
        endpoint.parameters = parameters();
        api.register(endpoint.visible(false))?;
    }
    Ok(())
}

/// The fields of `P` as path parameters.
#[must_use]
pub fn path_parameters<P>() -> Vec<ApiEndpointParameter>
where
    P: DeserializeOwned + JsonSchema + Send + Sync + 'static,
{
    <Path<P> as SharedExtractor>::metadata(ApiEndpointBodyContentType::Json).parameters
}

/// The fields of `H` as request headers. They are declared without an extractor: the server reads
/// what it needs from the request, and words its own errors.
#[must_use]
pub fn header_parameters<H>() -> Vec<ApiEndpointParameter>
where
    H: DeserializeOwned + JsonSchema + Send + Sync + 'static,
{
    <Header<H> as SharedExtractor>::metadata(ApiEndpointBodyContentType::Json).parameters
}
