//! An answer: finished bytes and headers, described by the document's success.
//!
//! The status may differ from the documented one (206, 304); the description does not follow it.

use std::marker::PhantomData;

use dropshot::{
    ApiEndpointResponse, Body, FreeformBody, HttpError, HttpResponse, HttpResponseHeaders,
    HttpResponseOk, HttpResponseUpdatedNoContent,
};
use http::{HeaderMap, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

/// The documented success of an operation; emitted, one type per operation.
pub trait Documented: Send + Sync + 'static {
    /// Its status.
    const STATUS: StatusCode;

    /// Its body and headers, as [`described`], [`described_with_headers`] or [`no_content`] say it.
    fn description() -> ApiEndpointResponse;
}

/// The answer of an operation documented by `S`.
pub struct Reply<S> {
    response: Response<Body>,
    documented: PhantomData<fn() -> S>,
}

impl<S: Documented> Reply<S> {
    /// An answer of any status, its body already bytes.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Self::from(response)
    }

    /// The documented success.
    #[must_use]
    pub fn success(headers: HeaderMap, body: Body) -> Self {
        Self::new(S::STATUS, headers, body)
    }

    /// The answer as HTTP.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        self.response
    }
}

impl<S> From<Response<Body>> for Reply<S> {
    fn from(response: Response<Body>) -> Self {
        Self { response, documented: PhantomData }
    }
}

impl<S: Documented> HttpResponse for Reply<S> {
    fn to_result(self) -> Result<Response<Body>, HttpError> {
        Ok(self.response)
    }

    fn response_metadata() -> ApiEndpointResponse {
        ApiEndpointResponse { success: Some(S::STATUS), description: None, ..S::description() }
    }

    fn status_code(&self) -> StatusCode {
        self.response.status()
    }
}

// dropshot keeps the types a description is made of to itself, so each is taken from the response
// type of dropshot's that describes the same thing.

/// Describes an answer with a body.
#[must_use]
pub fn described<T>() -> ApiEndpointResponse
where
    T: JsonSchema + Serialize + Send + Sync + 'static,
{
    HttpResponseOk::<T>::response_metadata()
}

/// Describes an answer with a body and headers, the fields of `H`.
#[must_use]
pub fn described_with_headers<T, H>() -> ApiEndpointResponse
where
    T: JsonSchema + Serialize + Send + Sync + 'static,
    H: JsonSchema + Serialize + Send + Sync + 'static,
{
    HttpResponseHeaders::<HttpResponseOk<T>, H>::response_metadata()
}

/// Describes an answer whose body is a stream of bytes.
#[must_use]
pub fn streamed() -> ApiEndpointResponse {
    HttpResponseOk::<FreeformBody>::response_metadata()
}

/// Describes an answer without a body.
#[must_use]
pub fn no_content() -> ApiEndpointResponse {
    HttpResponseUpdatedNoContent::response_metadata()
}
