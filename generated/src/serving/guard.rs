//! The seam between emitted routes and the server: what runs around every operation.
//!
//! The emitted code decides nothing. Authentication, limits, metrics, access log and panics are the
//! implementor's, and so is every word of an error.

use std::future::Future;

use dropshot::{Body, HttpResponseError, RequestContext, ServerContext};
use http::Response;

use super::{Operation, PathMethods};

/// Implemented by the server's context.
pub trait Guard: ServerContext + Sized {
    /// How the server says that something went wrong.
    type Error: HttpResponseError + Send + Sync + 'static;

    /// Runs one operation. Nothing of the body has been read yet; nothing happens unless `run` is
    /// awaited.
    fn guard<F>(
        rqctx: &RequestContext<Self>,
        operation: &'static Operation,
        run: F,
    ) -> impl Future<Output = Result<Response<Body>, Self::Error>> + Send
    where
        F: Future<Output = Result<Response<Body>, Self::Error>> + Send;

    /// Answers a method the document does not declare for a path it does.
    fn method_not_allowed(
        rqctx: &RequestContext<Self>,
        path: &'static PathMethods,
    ) -> impl Future<Output = Result<Response<Body>, Self::Error>> + Send;
}
