//! What all requests share, and what happens around each: the guard.
//!
//! The guard runs before a byte of the body is read, in this order: URL length, host, authentication,
//! acceptable media types; whether there is a place for one more; then the operation, its panics caught;
//! then the access log.

use crate::app::App;
use crate::config::{Limits, PartialStatus};
use crate::delivery::feed::Feed;
use crate::delivery::resolver::Resolver;
use crate::error::ApiError;
use crate::http::admin::AdminSchemas;
use crate::http::auth::Tokens;
use crate::http::call::Call;
use crate::http::load::Load;
use crate::http::media;
use crate::http::version::{Schemas, Version};
use dropshot::{Body, RequestContext, RequestInfo};
use futures::FutureExt;
use http::header::HOST;
use http::{Response, Version as HttpVersion};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tmf683_generated::serving::{Guard, Operation, PathMethods};

/// Shared by all requests.
pub struct Context {
    /// The use cases.
    pub app: Arc<App>,
    /// Bounds on every input.
    pub limits: Limits,
    /// How much is under way.
    pub load: Load,
    /// The status of a page that is not all.
    pub partial_status: PartialStatus,
    /// Where callbacks may lead.
    pub callbacks: Resolver,
    /// The event log, for readers.
    pub feed: Arc<Feed>,
    /// What clients reach us by; `None`: the Host header says.
    pub public_url: Option<String>,
    /// Who may come in; `None`: everybody.
    pub tokens: Option<Tokens>,
    /// Whether each request makes a log line.
    pub access_log: bool,
    /// Whether a list says how it was found.
    pub explain: bool,
    /// Compiled request schemas, in the order of [`Version::ALL`].
    pub schemas: Arc<[Schemas; 2]>,
    /// The same of the admin API.
    pub admin_schemas: AdminSchemas,
}

impl Call<'_> {
    /// The compiled request schemas of this call's version.
    pub fn schemas(&self) -> &Schemas {
        self.context.schemas_of(self.version)
    }
}

impl Context {
    /// The compiled request schemas of a version.
    pub fn schemas_of(&self, version: Version) -> &Schemas {
        let [v4, v5] = &*self.schemas;
        match version {
            Version::V4 => v4,
            Version::V5 => v5,
        }
    }

    /// Whether the request may go on; `answers` are the media types it could be answered in.
    pub fn admit(&self, request: &RequestInfo, answers: &[&'static str]) -> Result<(), ApiError> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.limits.url_bytes {
            return Err(ApiError::uri_too_long(self.limits.url_bytes));
        }
        if !names_its_host(request) {
            return Err(ApiError::invalid_request("Host: expected once (RFC 9112 section 3.2)"));
        }
        if self.tokens.as_ref().is_some_and(|tokens| !tokens.admit(request.headers())) {
            return Err(ApiError::unauthorized());
        }
        // What has no body may fail, and errors are JSON.
        let answers = if answers.is_empty() { &[media::JSON] } else { answers };
        if media::chosen(request.headers(), answers).is_none() {
            return Err(ApiError::not_acceptable(answers));
        }
        Ok(())
    }

    /// When a request began, if anybody is to be told how long it took.
    fn clock(&self) -> Option<Instant> {
        self.access_log.then(Instant::now)
    }

    fn log(&self, request: &RequestInfo, operation: &str, status: u16, since: Option<Instant>) {
        if let Some(since) = since {
            tracing::info!(
                target: "access",
                method = %request.method(),
                path = request.uri().path(),
                operation,
                status,
                peer = %request.remote_addr(),
                elapsed_us = since.elapsed().as_micros(),
            );
        }
    }
}

impl Guard for Context {
    type Error = ApiError;

    async fn guard<F>(
        rqctx: &RequestContext<Self>,
        operation: &'static Operation,
        run: F,
    ) -> Result<Response<Body>, ApiError>
    where
        F: Future<Output = Result<Response<Body>, ApiError>> + Send,
    {
        let context = rqctx.context();
        let since = context.clock();
        let admitted = context.admit(&rqctx.request, operation.response_media_types);
        let answer = match admitted.and_then(|()| context.load.enter(rqctx)) {
            Err(error) => Err(error),
            Ok(_place) => AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|panic| {
                Err(ApiError::internal(format!("{} panicked: {}", operation.id, told(&*panic))))
            }),
        };
        let response = answer.unwrap_or_else(ApiError::into_response);
        context.log(&rqctx.request, operation.id, response.status().as_u16(), since);
        Ok(response)
    }

    async fn method_not_allowed(
        rqctx: &RequestContext<Self>,
        path: &'static PathMethods,
    ) -> Result<Response<Body>, ApiError> {
        let context = rqctx.context();
        let since = context.clock();
        let admitted = context.admit(&rqctx.request, &[]);
        let error = admitted.err().unwrap_or_else(|| ApiError::method_not_allowed(path.allowed));
        context.log(&rqctx.request, "methodNotAllowed", error.status().as_u16(), since);
        Ok(error.into_response())
    }
}

/// Whether it says once which host it is for. Of two, a proxy before us may have believed the other.
fn names_its_host(request: &RequestInfo) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    match request.version() {
        HttpVersion::HTTP_11 => hosts == 1,
        // HTTP/1.0 knows no Host, HTTP/2 names it in the target.
        _ => hosts <= 1,
    }
}

fn told(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
