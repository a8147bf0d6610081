//! A server of its own for a receiver: the callback, and the listener operations of the document.

use std::net::SocketAddr;
use std::time::Duration;

use dropshot::{
    ApiDescription, ApiDescriptionRegisterError, ApiEndpoint, ApiEndpointVersions, Body,
    BuildError, ConfigDropshot, HandlerTaskMode, HttpError, HttpServer, RequestContext,
    RequestInfo, ServerBuilder,
};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::Value;
use tmf683_generated::serving::{
    BodyError, Documented, Guard, JsonBody, Operation, PathMethods, Reply, Route,
    route_undeclared_methods,
};
use tokio::time::timeout;

use super::event::{Kind, Wire};
use super::receiver::{Received, Receiver};
use super::refused::Refused;

const BODY_BYTES: usize = 2 * 1024 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const CALLBACK: &str = "/events";

/// The callback is the whole of its path, so that the path can be anybody's.
static AT_CALLBACK: PathMethods = PathMethods { path: "", variables: &[], allowed: &["POST"] };
static AT_ROOT: PathMethods = PathMethods { path: "/", variables: &[], allowed: &["POST"] };

/// A server for notifications, ready to be started.
///
/// It takes all events at the callback path, which is what one registers at a hub, and each kind at
/// the path that TM Forum's document gives it, for senders that go by that.
#[derive(Clone, Debug)]
#[must_use = "nothing listens until the listener is started"]
pub struct Listener<E> {
    receiver: Receiver<E>,
    callback: String,
    base: String,
    body_bytes: usize,
    body_timeout: Duration,
}

/// Why a listener could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The path cannot be served.
    #[error("`{path}` cannot be served: {why}")]
    InvalidPath {
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },

    /// The operations could not be registered.
    #[error("the operations cannot be registered")]
    Register(#[from] ApiDescriptionRegisterError),

    /// The address could not be listened at.
    #[error("cannot listen at {address}")]
    Start {
        /// The address as it was given.
        address: SocketAddr,
        /// What the system says.
        source: Box<BuildError>,
    },
}

impl<E: Wire> Listener<E> {
    /// A listener with default settings.
    pub fn new(receiver: Receiver<E>) -> Self {
        Self {
            receiver,
            callback: CALLBACK.to_owned(),
            base: String::new(),
            body_bytes: BODY_BYTES,
            body_timeout: BODY_TIMEOUT,
        }
    }

    /// The path that takes every kind of event; `/events` unless set.
    pub fn callback(self, path: impl Into<String>) -> Self {
        Self { callback: path.into(), ..self }
    }

    /// The path below which the document's operations are, such as
    /// `/listener/partyInteractionCreateEvent`; the root unless set.
    pub fn base(self, path: impl Into<String>) -> Self {
        Self { base: path.into(), ..self }
    }

    /// How large a body may be; 2 MiB unless set.
    pub fn body_bytes(self, body_bytes: usize) -> Self {
        Self { body_bytes, ..self }
    }

    /// How long a body may take to arrive; 10 s unless set.
    pub fn body_timeout(self, body_timeout: Duration) -> Self {
        Self { body_timeout, ..self }
    }

    /// What a dropshot server is started with, for those who start it themselves: with TLS, or a
    /// logger of their own.
    ///
    /// # Errors
    ///
    /// [`ListenError::InvalidPath`] for a path that cannot be served.
    pub fn describe(self) -> Result<(ApiDescription<Context<E>>, Context<E>), ListenError> {
        let callback = servable(&self.callback)?;
        let base = servable(&self.base)?;
        if E::paths(base).iter().any(|path| path == callback) {
            let why = "the document has another use for it";
            return Err(ListenError::InvalidPath { path: self.callback, why });
        }
        let mut api = ApiDescription::new();
        E::register(&mut api, base)?;
        let at = if callback.is_empty() { &AT_ROOT } else { &AT_CALLBACK };
        let route = Route { base: callback, operation_prefix: "callback " };
        api.register(ApiEndpoint::new(
            "callback".to_owned(),
            |rqctx: RequestContext<Context<E>>, body: JsonBody<Value>| async move {
                let (context, request) = (rqctx.context(), &rqctx.request);
                let taken = context.take(request.headers(), body, None).await;
                Ok::<_, HttpError>(answer(taken, StatusCode::NO_CONTENT))
            },
            Method::POST,
            "application/json",
            &route.path(at.path),
            ApiEndpointVersions::All,
        ))?;
        route_undeclared_methods(&mut api, route, at, Vec::new)?;
        let Self { receiver, body_bytes, body_timeout, .. } = self;
        Ok((api, Context { receiver, body_bytes, body_timeout }))
    }

    /// Listens at `address`; port 0 takes a free one. Plain HTTP: on an open network, behind
    /// something that does TLS, or see [`describe`](Self::describe).
    ///
    /// # Errors
    ///
    /// [`ListenError`] says why nothing listens.
    pub async fn start(self, address: SocketAddr) -> Result<Running<E>, ListenError> {
        let config = ConfigDropshot {
            bind_address: address,
            default_request_body_max_bytes: self.body_bytes,
            // A handler ends even if its sender hangs up, so closing has to wait for it.
            default_handler_task_mode: HandlerTaskMode::Detached,
            ..ConfigDropshot::default()
        };
        let (api, context) = self.describe()?;
        let silent = slog::Logger::root(slog::Discard, slog::o!());
        let server = ServerBuilder::new(api, context, silent).config(config).start();
        let start = |error| ListenError::Start { address, source: Box::new(error) };
        Ok(Running { server: server.map_err(start)? })
    }
}

/// A path as it is routed, without a slash at its end.
fn servable(path: &str) -> Result<&str, ListenError> {
    let invalid = |why| Err(ListenError::InvalidPath { path: path.to_owned(), why });
    let routed = path.trim_end_matches('/');
    if routed.is_empty() {
        return Ok(routed);
    }
    let Some(segments) = routed.strip_prefix('/') else {
        return invalid("it does not begin with a slash");
    };
    if segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return invalid("it has empty segments or dots for segments");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(c);
    if !segments.chars().all(plain) {
        return invalid("it has characters that mean something else in a path");
    }
    Ok(routed)
}

/// A listener that listens. Dropping it closes it; [`Running::stop`] is the orderly way.
pub struct Running<E: Wire> {
    server: HttpServer<Context<E>>,
}

impl<E: Wire> Running<E> {
    /// Where it listens; the port is known even when port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Stops: nothing new is taken, and what is being handled is waited for, `grace` at most.
    /// Whether all of it ended. What did not is not acknowledged, and comes again.
    pub async fn stop(self, grace: Duration) -> bool {
        matches!(timeout(grace, self.server.close()).await, Ok(Ok(())))
    }
}

/// What the requests of a listener share.
#[derive(Debug)]
pub struct Context<E> {
    receiver: Receiver<E>,
    body_bytes: usize,
    body_timeout: Duration,
}

impl<E: Wire> Context<E> {
    /// Serves one of the document's operations, answered as the document says.
    pub(crate) async fn operation<T, S: Documented>(
        &self,
        request: &RequestInfo,
        body: JsonBody<T>,
        kind: Kind,
    ) -> Reply<S> {
        let taken = self.take(request.headers(), body, Some(kind)).await;
        answer(taken, S::STATUS).into()
    }

    async fn take<T>(
        &self,
        headers: &HeaderMap,
        body: JsonBody<T>,
        path: Option<Kind>,
    ) -> Result<Received, Refused> {
        self.receiver.admit(headers)?;
        let read = timeout(self.body_timeout, body.read(self.body_bytes)).await;
        let body = match read {
            Ok(Ok(body)) => body,
            Ok(Err(BodyError::TooLarge)) => {
                return Err(Refused::TooLarge { most: self.body_bytes });
            }
            Ok(Err(BodyError::Broken(_) | BodyError::NoRoom)) => return Err(Refused::Incomplete),
            Err(_) => return Err(Refused::TooSlow { most: self.body_timeout }),
        };
        self.receiver.take(headers, &body, path).await
    }
}

/// The answer to what was taken. v4's document wants a body and has none that would make sense.
fn answer(taken: Result<Received, Refused>, success: StatusCode) -> Response<Body> {
    if let Err(refused) = taken {
        return refused.answer().map(Body::from);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = success;
    if success != StatusCode::NO_CONTENT {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        *response.body_mut() = "{}".to_owned().into();
    }
    response
}

impl<E: Wire> Guard for Context<E> {
    type Error = HttpError;

    async fn guard<F>(
        _: &RequestContext<Self>,
        _: &'static Operation,
        run: F,
    ) -> Result<Response<Body>, HttpError>
    where
        F: Future<Output = Result<Response<Body>, HttpError>> + Send,
    {
        run.await
    }

    async fn method_not_allowed(
        _: &RequestContext<Self>,
        _: &'static PathMethods,
    ) -> Result<Response<Body>, HttpError> {
        Ok(Refused::Method.answer().map(Body::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(servable(path).ok(), expected, "{path}");
        };
        check("/events", Some("/events"));
        check("/a/b/", Some("/a/b"));
        check("/", Some(""));
        check("", Some(""));
        check("events", None);
        check("/a//b", None);
        check("/a/../b", None);
        check("/{id}", None);
        check("/a?b", None);
        check("/a b", None);
        check("/ä", None);
        check("/%61", None);
    }
}
