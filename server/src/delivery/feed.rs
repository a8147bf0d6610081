//! The event log for those who cannot be called (D11): page by page, or followed as it grows.
//!
//! Who follows is one of the live, beside the subscriptions: the dispatcher reads each new event once
//! for all of them, and whoever stands still, or comes from behind, reads the log by itself. Nothing
//! is kept about readers; each says where it stands, by the number of the last event it has seen.

use super::live::{Handed, Live};
use super::reading::Fact;
use super::tail::Tail;
use crate::domain::event::EventKind;
use crate::store::contract::StoreError;
use crate::store::contract::delivery::{LogPage, LoggedEvent};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use super::reading::Reading;

/// Events read at a time.
const READ: u32 = 128;
/// A page ends when so many events were looked at, wanted or not.
const MOST_LOOKED_AT: usize = 10_000;
/// A page has no more than this of notifications, but for the last of them.
const MOST_BYTES: usize = 1 << 20;

/// Why events cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Some that come after the reader's place are no longer kept.
    #[error("all that is kept follows {0}")]
    Lost(i64),
    /// The log does not reach there.
    #[error("the log ends at {0}")]
    Beyond(i64),
    /// As many follow as may.
    #[error("no more readers can follow")]
    TooMany,
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An event as its reader sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its place in the log.
    pub seq: i64,
    /// What happened.
    pub kind: EventKind,
    /// What a listener would get.
    pub body: Bytes,
}

/// Some events of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedPage {
    /// In order.
    pub told: Vec<Told>,
    /// Everything wanted up to here is on this page, or was on those before.
    pub read_to: i64,
}

/// Shows the log.
pub struct Feed {
    tail: Tail,
    places: Arc<Semaphore>,
    closed: watch::Sender<bool>,
}

impl Feed {
    /// Of a log, to be followed by so many readers at a time.
    pub fn new(tail: Tail, streams: u32) -> Self {
        let places = Arc::new(Semaphore::new(streams as usize));
        Self { tail, places, closed: watch::Sender::new(false) }
    }

    /// Sends followers home, and takes no new ones.
    pub fn close(&self) {
        self.places.close();
        self.closed.send_replace(true);
    }

    /// Wanted events after `since`, at most `most`; `None`: from the oldest that is kept.
    ///
    /// # Errors
    /// All but [`FeedError::TooMany`].
    pub async fn page(
        &self,
        reading: &Reading,
        since: Option<i64>,
        most: usize,
    ) -> Result<FeedPage, FeedError> {
        let first = self.tail.store.events_after(since.unwrap_or(0), READ).await?;
        let start = since.unwrap_or(first.kept_after);
        let mut read = check(first, start)?;
        let mut page = FeedPage { told: Vec::new(), read_to: start };
        let (mut bytes, mut looked_at) = (0, 0);
        loop {
            for logged in read.events {
                page.read_to = logged.seq;
                looked_at += 1;
                if let Some(told) = reading.told(logged) {
                    bytes += told.body.len();
                    page.told.push(told);
                }
                if page.told.len() >= most || bytes >= MOST_BYTES || looked_at >= MOST_LOOKED_AT {
                    return Ok(page);
                }
            }
            page.read_to = read.read_to;
            if read.read_to >= read.head {
                return Ok(page);
            }
            read = self.tail.store.events_after(page.read_to, READ).await?;
            if read.kept_after > page.read_to {
                // Gone meanwhile. Whoever reads on is told.
                return Ok(page);
            }
        }
    }

    /// Follows the log after `since`; `None`: from its end.
    ///
    /// # Errors
    /// [`FeedError`]
    pub async fn follow(
        &self,
        reading: Reading,
        since: Option<i64>,
    ) -> Result<Follower, FeedError> {
        if *self.closed.borrow() {
            return Err(StoreError::Closed.into());
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| FeedError::TooMany)?;
        let read = self.tail.store.events_after(since.unwrap_or(i64::MAX), READ).await?;
        let position = since.unwrap_or(read.head);
        let events = if since.is_some() { check(read, position)?.events } else { Vec::new() };
        Ok(Follower {
            tail: self.tail.clone(),
            reading: Arc::new(reading),
            position,
            source: Source::Log(events.into()),
            closed: self.closed.subscribe(),
            _place: place,
        })
    }
}

/// Insists that all that follows a place is there.
fn check(page: LogPage, place: i64) -> Result<LogPage, FeedError> {
    match page {
        page if place > page.head => Err(FeedError::Beyond(page.head)),
        page if place < page.kept_after => Err(FeedError::Lost(page.kept_after)),
        page => Ok(page),
    }
}

impl Reading {
    /// The event, if it is wanted.
    fn told(&self, logged: LoggedEvent) -> Option<Told> {
        let fact = Fact::of(logged).filter(|fact| self.wants(fact))?;
        Some(self.told_of(&fact))
    }

    fn told_of(&self, fact: &Fact) -> Told {
        Told { seq: fact.seq, kind: fact.event.kind, body: self.body(fact) }
    }
}

/// Where events come from.
enum Source {
    /// The log, read by itself.
    Log(VecDeque<LoggedEvent>),
    /// The dispatcher.
    Live(Live),
}

/// Follows the log, until dropped.
pub struct Follower {
    tail: Tail,
    reading: Arc<Reading>,
    position: i64,
    source: Source,
    closed: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// The next event that is wanted; `None`: there will be none. Whoever stops waiting misses
    /// nothing.
    pub async fn next(&mut self) -> Option<Told> {
        let mut closed = self.closed.clone();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => None,
            told = self.wanted() => told,
        }
    }

    /// All that was wanted up to here has been told.
    pub fn position(&self) -> i64 {
        self.position
    }

    async fn wanted(&mut self) -> Option<Told> {
        loop {
            match &mut self.source {
                Source::Live(live) => match live.queue.recv().await {
                    Some(Handed::Fact(fact)) => {
                        self.position = fact.seq;
                        return Some(self.reading.told_of(&fact));
                    }
                    Some(Handed::Position(position)) => self.position = position,
                    None => self.source = Source::Log(VecDeque::new()),
                },
                Source::Log(page) => match page.pop_front() {
                    Some(logged) => {
                        self.position = logged.seq;
                        if let Some(told) = self.reading.told(logged) {
                            return Some(told);
                        }
                    }
                    None => self.turn_page().await?,
                },
            }
        }
    }

    /// Reads on; at the end of the log it goes live. `None`: what comes next cannot be had.
    async fn turn_page(&mut self) -> Option<()> {
        let page = match self.tail.store.events_after(self.position, READ).await {
            Ok(page) => page,
            Err(StoreError::Closed) => return None,
            Err(error) => {
                tracing::warn!(%error, "the event log cannot be read");
                return None;
            }
        };
        if self.position < page.kept_after {
            return None;
        }
        if page.events.is_empty() {
            self.position = page.read_to;
            if let Some(live) = self.tail.registry.join(&self.reading, self.position) {
                self.source = Source::Live(live);
            }
        } else {
            self.source = Source::Log(page.events.into());
        }
        Some(())
    }
}
