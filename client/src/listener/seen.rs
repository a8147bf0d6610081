//! Events that were handled, remembered by their ids: delivery is at least once.
//!
//! The memory here does not outlive the process. A durable one belongs where the effects are.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::HandlerError;

/// Remembers which events were handled.
///
/// Between a handler's effect and `remember` the program can die, and the event comes again. Where
/// that must not happen, let the handler write the `eventId` in the transaction of its effect, let
/// `contains` look there, and let `remember` do nothing.
pub trait Seen: Send + Sync + 'static {
    /// Whether the event was handled. An error has the sender try again later.
    fn contains<'a>(&'a self, event_id: &'a str) -> BoxFuture<'a, Result<bool, HandlerError>>;

    /// Called when the handler has succeeded. The event is acknowledged even if this fails: asking
    /// for it again would be sure to repeat it.
    fn remember<'a>(&'a self, event_id: &'a str) -> BoxFuture<'a, Result<(), HandlerError>>;
}

/// Remembers the last events in memory, the oldest forgotten first.
///
/// An id takes the same room however long it is (about 100 bytes), so that senders have no say in
/// how much memory this needs.
pub struct SeenInMemory {
    most: usize,
    kept: Mutex<Kept>,
}

type Fingerprint = [u8; 32];

#[derive(Default)]
struct Kept {
    known: HashSet<Fingerprint>,
    in_order: VecDeque<Fingerprint>,
}

impl SeenInMemory {
    /// How many ids [`SeenInMemory::default`] remembers.
    pub const MOST: usize = 100_000;

    /// Remembers at most `most` ids.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    fn knows(&self, event_id: &str) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.known.contains(&fingerprint(event_id))
    }

    fn keep(&self, event_id: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = fingerprint(event_id);
        if kept.known.insert(id) {
            kept.in_order.push_back(id);
        }
        while kept.in_order.len() > self.most {
            if let Some(oldest) = kept.in_order.pop_front() {
                kept.known.remove(&oldest);
            }
        }
    }
}

fn fingerprint(event_id: &str) -> Fingerprint {
    Sha256::digest(event_id).into()
}

impl Default for SeenInMemory {
    fn default() -> Self {
        Self::new(Self::MOST)
    }
}

impl Seen for SeenInMemory {
    fn contains<'a>(&'a self, event_id: &'a str) -> BoxFuture<'a, Result<bool, HandlerError>> {
        async move { Ok(self.knows(event_id)) }.boxed()
    }

    fn remember<'a>(&'a self, event_id: &'a str) -> BoxFuture<'a, Result<(), HandlerError>> {
        async move {
            self.keep(event_id);
            Ok(())
        }
        .boxed()
    }
}

impl fmt::Debug for SeenInMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenInMemory").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let seen = SeenInMemory::new(2);
        for id in ["a", "b", "a"] {
            seen.keep(id);
        }
        assert_eq!(["a", "b", "c"].map(|id| seen.knows(id)), [true, true, false]);
        seen.keep("c");
        assert_eq!(["a", "b", "c"].map(|id| seen.knows(id)), [false, true, true]);
    }

    #[test]
    fn a_memory_of_nothing_remembers_nothing() {
        let seen = SeenInMemory::new(0);
        seen.keep("a");
        assert!(!seen.knows("a"));
    }
}
