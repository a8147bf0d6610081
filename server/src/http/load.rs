//! What the server takes on at a time. Beyond its bounds a request is turned away at once, so that what
//! is under way can be finished, and memory is bounded whatever clients do.
//!
//! dropshot owns the listener, so connections cannot be refused as such. They can be counted: each holds
//! the server's state for as long as it is open.

use crate::config::Limits;
use crate::error::ApiError;
use dropshot::{RequestContext, ServerContext};
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Who holds the server's state besides connections and requests: dropshot's handle and its listener.
const STANDING_HOLDERS: usize = 2;
/// How often each request holds it: where dropshot answers it, and in its context.
const HOLDERS_PER_REQUEST: usize = 2;

/// Imports at a time: each has a thread, and some MiB of lines under way.
const MOST_IMPORTS: usize = 4;

/// The bounds, and how much of each is left.
pub struct Load {
    requests: Semaphore,
    most_requests: usize,
    bodies: Arc<Semaphore>,
    imports: Arc<Semaphore>,
    /// `None`: any number.
    most_connections: Option<usize>,
}

/// A request's place among those that are worked on; given back when dropped.
pub struct Place<'a>(#[expect(dead_code, reason = "held, not read")] SemaphorePermit<'a>);

impl Load {
    /// Nothing is under way.
    pub fn new(limits: &Limits) -> Self {
        let most_requests = limits.requests.get().min(Semaphore::MAX_PERMITS);
        Self {
            requests: Semaphore::new(most_requests),
            most_requests,
            bodies: Arc::new(Semaphore::new(limits.bodies_bytes.min(Semaphore::MAX_PERMITS))),
            imports: Arc::new(Semaphore::new(MOST_IMPORTS)),
            most_connections: Some(limits.connections).filter(|most| *most > 0),
        }
    }

    /// A place for one request more.
    ///
    /// # Errors
    /// 503.
    pub fn enter<C: ServerContext>(
        &self,
        rqctx: &RequestContext<C>,
    ) -> Result<Place<'_>, ApiError> {
        let place = self.requests.try_acquire();
        let place = place.map_err(|_| ApiError::busy("Too many requests are under way"))?;
        if self.most_connections.is_some_and(|most| self.connections(rqctx) > most) {
            let error = ApiError::busy("Too many connections are open");
            return Err(error.closing_the_connection());
        }
        Ok(Place(place))
    }

    /// How many connections are open, that of this request included. Requests on their way to or from
    /// [`Self::enter`] may be taken for one each.
    fn connections<C: ServerContext>(&self, rqctx: &RequestContext<C>) -> usize {
        let requests = self.most_requests - self.requests.available_permits();
        let others = STANDING_HOLDERS + HOLDERS_PER_REQUEST * requests;
        Arc::strong_count(&rqctx.server).saturating_sub(others)
    }

    /// A place for one import more, which may take longer than its request.
    ///
    /// # Errors
    /// 503.
    pub fn import(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = Arc::clone(&self.imports).try_acquire_owned();
        place.map_err(|_| ApiError::busy("As many imports are under way as the server takes"))
    }

    /// Room for a body, none yet.
    pub fn room(&self) -> Room {
        Room { bodies: Arc::clone(&self.bodies), held: None }
    }
}

/// What one body holds of the room for all.
pub struct Room {
    bodies: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Takes as much more, if it is there.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else { return false };
        let Ok(more) = Arc::clone(&self.bodies).try_acquire_many_owned(bytes) else { return false };
        match &mut self.held {
            Some(held) => held.merge(more),
            held => *held = Some(more),
        }
        true
    }

    /// Keeps the room for as long as what is in it.
    pub fn with<T>(self, content: T) -> Roomed<T> {
        Roomed { content, room: self }
    }
}

/// Something and the room it takes.
pub struct Roomed<T> {
    content: T,
    room: Room,
}

impl<T> Roomed<T> {
    /// What was made of it takes its room.
    pub fn made_into<U>(self, content: U) -> Roomed<U> {
        self.room.with(content)
    }
}

impl<T> Deref for Roomed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}
