//! What becomes of a notification, whatever server it came through: verified, read, handed to the
//! handler once, acknowledged.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use tokio::time::timeout;

use super::event::{Kind, Notification, Wire};
use super::refused::Refused;
use super::seen::{Seen, SeenInMemory};
use super::signature::{Secret, Signed};
use super::{HandlerError, v4, v5};

const TOLERANCE: Duration = Duration::from_secs(5 * 60);
const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 64;

type Handler<E> =
    dyn Fn(Notification<E>) -> BoxFuture<'static, Result<(), HandlerError>> + Send + Sync;

/// Takes notifications from whatever server they came through. Clones share their memory.
///
/// The handler is an async function of a [`Notification`]. `Ok` acknowledges the event, an error
/// has the sender try again later. It runs in a task of its own, so that it ends even if the sender
/// hangs up; the event is then remembered, and the sender's next try acknowledged.
///
/// In an axum server:
///
/// ```ignore
/// async fn events(State(receiver): State<Receiver<v5::Event>>, headers: HeaderMap, body: Bytes)
///     -> Response<String>
/// {
///     receiver.answer(&headers, &body).await
/// }
/// ```
///
/// Bounds on the size of the body and on the time it takes are that server's.
#[must_use = "a receiver is there to be given notifications"]
pub struct Receiver<E> {
    handler: Arc<Handler<E>>,
    handler_timeout: Duration,
    secrets: Arc<[Secret]>,
    tolerance: Duration,
    seen: Arc<dyn Seen>,
    in_hand: Arc<InHand>,
}

/// What was done with a notification that is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The handler took it.
    Handled,
    /// The event was handled before, and the handler not called.
    Repeated,
}

impl Receiver<v4::Event> {
    /// Receives the events of a subscription made through v4.
    pub fn v4<H, F, X>(handler: H) -> Self
    where
        H: Fn(Notification<v4::Event>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<HandlerError>,
    {
        Self::new(handler)
    }
}

impl Receiver<v5::Event> {
    /// Receives the events of a subscription made through v5.
    pub fn v5<H, F, X>(handler: H) -> Self
    where
        H: Fn(Notification<v5::Event>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<HandlerError>,
    {
        Self::new(handler)
    }
}

impl<E: Wire> Receiver<E> {
    fn new<H, F, X>(handler: H) -> Self
    where
        H: Fn(Notification<E>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<HandlerError>,
    {
        Self {
            handler: Arc::new(move |event| {
                let handled = handler(event);
                async move { handled.await.map_err(Into::into) }.boxed()
            }),
            handler_timeout: HANDLER_TIMEOUT,
            secrets: Arc::new([]),
            tolerance: TOLERANCE,
            seen: Arc::new(SeenInMemory::default()),
            in_hand: Arc::new(InHand::new(AT_ONCE)),
        }
    }

    /// Takes only what is signed with `secret`; called again, with any of the secrets, so that one
    /// can be replaced without a gap. **Without a secret nothing is verified**, and whoever reaches
    /// the listener can make up events.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets = self.secrets.iter().cloned().chain([secret]).collect();
        self
    }

    /// How far the time of a signature may be from ours, in either direction; 5 minutes unless set.
    /// Whole seconds count.
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Remembers handled events elsewhere; in memory, the last [`SeenInMemory::MOST`], unless set.
    pub fn seen(self, seen: impl Seen) -> Self {
        Self { seen: Arc::new(seen), ..self }
    }

    /// How long the handler may take; 60 s unless set. After that it is dropped where it stands,
    /// and the sender tries again.
    pub fn handler_timeout(self, handler_timeout: Duration) -> Self {
        Self { handler_timeout, ..self }
    }

    /// How many events may be handled at once; 64 unless set. The senders of more are told to come
    /// back.
    pub fn at_once(self, most: usize) -> Self {
        Self { in_hand: Arc::new(InHand::new(most)), ..self }
    }

    /// Takes a notification that came by the callback: `eventType` tells what it is.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why it must not be acknowledged.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<Received, Refused> {
        self.admit(headers)?;
        self.take(headers, body, None).await
    }

    /// Takes a notification as [`receive`](Self::receive) does, and gives the whole answer to it:
    /// 204, or a TMF `Error`.
    pub async fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Response<String> {
        match self.receive(headers, body).await {
            Ok(_) => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(refused) => refused.answer(),
        }
    }

    /// What can be judged before the body is read, and spares reading it.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if !self.secrets.is_empty() {
            self.signed(headers)?;
        }
        if !is_json(headers) {
            return Err(Refused::NotJson { header: "Content-Type" });
        }
        let plain = |encoding: &[u8]| encoding.eq_ignore_ascii_case(b"identity");
        match headers.get(CONTENT_ENCODING) {
            Some(encoding) if !plain(encoding.as_bytes()) => {
                Err(Refused::NotJson { header: "Content-Encoding" })
            }
            _ => Ok(()),
        }
    }

    /// Takes what was admitted; `path` is the kind whose path it came by.
    pub(crate) async fn take(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        path: Option<Kind>,
    ) -> Result<Received, Refused> {
        if !self.secrets.is_empty() {
            let judged = self.signed(headers)?.judge(&self.secrets, body);
            judged.map_err(|unsigned| Refused::Unsigned { why: unsigned.to_string() })?;
        }
        let notification = Notification::<E>::read(body, path)?;
        let id = notification.event.event_id().map(str::to_owned);
        let claim = InHand::claim(&self.in_hand, id)?;
        let handled = tokio::spawn(self.clone().handle(notification, claim)).await;
        handled.unwrap_or_else(|broke| {
            // Else the runtime ends, and the event is for the next one.
            Err(if broke.is_panic() { Refused::Broke } else { Refused::Failed })
        })
    }

    fn signed<'a>(&self, headers: &'a HeaderMap) -> Result<Signed<'a>, Refused> {
        let signed = Signed::read(headers, SystemTime::now(), self.tolerance);
        signed.map_err(|unsigned| Refused::Unsigned { why: unsigned.to_string() })
    }

    /// Handles an event while it is claimed. The memory is asked only now: what held the claim
    /// before us has been remembered by then.
    async fn handle(
        self,
        notification: Notification<E>,
        claim: Claim,
    ) -> Result<Received, Refused> {
        let id = claim.id.as_deref();
        let failed = |error: HandlerError| {
            tracing::warn!(event_id = id, error = &*error, "an event could not be handled");
            Refused::Failed
        };
        if let Some(id) = id
            && self.seen.contains(id).await.map_err(failed)?
        {
            return Ok(Received::Repeated);
        }
        let handled = timeout(self.handler_timeout, (self.handler)(notification)).await;
        handled.unwrap_or_else(|late| Err(late.into())).map_err(failed)?;
        if let Some(id) = id
            && let Err(error) = self.seen.remember(id).await
        {
            tracing::warn!(event_id = id, error = &*error, "a handled event is not remembered");
        }
        Ok(Received::Handled)
    }
}

/// JSON, or nothing said about it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}

impl<E> Clone for Receiver<E> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            handler_timeout: self.handler_timeout,
            secrets: Arc::clone(&self.secrets),
            tolerance: self.tolerance,
            seen: Arc::clone(&self.seen),
            in_hand: Arc::clone(&self.in_hand),
        }
    }
}

impl<E> fmt::Debug for Receiver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("handler_timeout", &self.handler_timeout)
            .field("secrets", &self.secrets.len())
            .field("tolerance", &self.tolerance)
            .field("at_once", &self.in_hand.most)
            .finish_non_exhaustive()
    }
}

/// The events that are being handled at this moment.
struct InHand {
    most: usize,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    count: usize,
    ids: HashSet<String>,
}

/// The right to handle one event; given back when dropped, however the handling ends.
struct Claim {
    in_hand: Arc<InHand>,
    id: Option<String>,
}

impl InHand {
    fn new(most: usize) -> Self {
        Self { most, now: Mutex::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event without an id is known by nothing, and never the same as another.
    fn claim(in_hand: &Arc<Self>, id: Option<String>) -> Result<Claim, Refused> {
        let mut now = in_hand.now();
        if now.count >= in_hand.most {
            return Err(Refused::Busy);
        }
        if let Some(id) = &id
            && !now.ids.insert(id.clone())
        {
            return Err(Refused::InHand);
        }
        now.count += 1;
        Ok(Claim { in_hand: Arc::clone(in_hand), id })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut now = self.in_hand.now();
        now.count -= 1;
        if let Some(id) = &self.id {
            now.ids.remove(id);
        }
    }
}
