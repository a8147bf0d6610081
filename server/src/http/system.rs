//! What the server says about itself: health, and the published documents.
//!
//! These paths are not TMF683's, so no document generates them. They need no token: a load
//! balancer has none, and the documents are public.

use crate::error::ApiError;
use crate::http::admin;
use crate::http::context::Context;
use crate::http::version::Version;
use bytes::Bytes;
use dropshot::{
    ApiDescription, ApiDescriptionRegisterError, ApiEndpoint, ApiEndpointVersions, Body,
    RequestContext,
};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use serde_json::{Value, json};
use tmf683_generated::{admin_v1, v4, v5};

/// The process is up. Touches nothing else.
const LIVE: &str = r#"{"status":"pass"}"#;

/// Registers health and documents.
pub fn register(api: &mut ApiDescription<Context>) -> anyhow::Result<()> {
    get(api, "/health/live", |_| async { Ok(json_response(Bytes::from_static(LIVE.as_bytes()))) })?;
    get(api, "/health/ready", |rqctx| async move {
        rqctx.context().app.check().await.map_err(|error| {
            tracing::warn!(%error, "not ready");
            ApiError::busy("The store does not take a write now")
        })?;
        Ok(json_response(Bytes::from_static(LIVE.as_bytes())))
    })?;
    for version in Version::ALL {
        for base in version.bases() {
            let (openapi, swagger) = match version {
                Version::V4 => (v4::operations::OPENAPI, Some(v4::operations::SWAGGER)),
                Version::V5 => (v5::operations::OPENAPI, None),
            };
            let document = at_base(openapi, "servers", &json!([{ "url": base }]))?;
            get_bytes(api, &format!("{base}/openapi.json"), document)?;
            if let Some(swagger) = swagger {
                let document = at_base(swagger, "basePath", &json!(base))?;
                get_bytes(api, &format!("{base}/swagger.json"), document)?;
            }
        }
    }
    let document =
        at_base(admin_v1::operations::OPENAPI, "servers", &json!([{ "url": admin::BASE }]))?;
    get_bytes(api, &format!("{}/openapi.json", admin::BASE), document)?;
    Ok(())
}

/// The document, saying where it is served.
fn at_base(document: &str, member: &str, value: &Value) -> anyhow::Result<Bytes> {
    let mut document: Value = serde_json::from_str(document)?;
    document[member] = value.clone();
    Ok(document.to_string().into())
}

fn get_bytes(
    api: &mut ApiDescription<Context>,
    path: &str,
    bytes: Bytes,
) -> Result<(), ApiDescriptionRegisterError> {
    get(api, path, move |_| {
        let bytes = bytes.clone();
        async move { Ok(json_response(bytes)) }
    })
}

/// GET with `answer`; every other method is a 405.
fn get<F, A>(
    api: &mut ApiDescription<Context>,
    path: &str,
    answer: F,
) -> Result<(), ApiDescriptionRegisterError>
where
    F: Fn(RequestContext<Context>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, ApiError>> + Send + 'static,
{
    let operation = |method: &Method| format!("{}_{path}", method.as_str().to_lowercase());
    api.register(endpoint(operation(&Method::GET), Method::GET, path, move |rqctx| {
        let answer = answer(rqctx);
        async move { Ok::<_, ApiError>(answer.await.unwrap_or_else(ApiError::into_response)) }
    }))?;
    for method in [
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ] {
        api.register(endpoint(operation(&method), method, path, |_| async {
            Ok::<_, ApiError>(ApiError::method_not_allowed(&["GET"]).into_response())
        }))?;
    }
    Ok(())
}

fn endpoint<F, A>(operation: String, method: Method, path: &str, handler: F) -> ApiEndpoint<Context>
where
    F: Fn(RequestContext<Context>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, ApiError>> + Send + 'static,
{
    let all = ApiEndpointVersions::All;
    ApiEndpoint::new(operation, handler, method, "application/json", path, all).visible(false)
}

fn json_response(bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
