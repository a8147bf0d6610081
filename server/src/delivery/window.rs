//! What one subscription is working on: which event may be sent next, and how far all is settled.
//!
//! Events of one interaction are sent one after the other; those of different interactions beside
//! each other, as many as there are connections. After a failure only the oldest event is sent, until
//! it gets through: a listener in trouble is asked by one request at a time, and nothing overtakes.
//!
//! Pure: time, requests and the log are the business of [`super::subscriber`].

use super::reading::Fact;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// How many events are held for each connection: more than one, since those of an interaction that
/// is being sent have to wait.
const EVENTS_PER_CONNECTION: usize = 4;

/// The state of the work.
#[derive(Debug)]
pub(super) struct Window {
    connections: usize,
    /// All up to here has been looked at.
    read: i64,
    /// Looked at, wanted, not settled.
    pending: BTreeMap<i64, Pending>,
    /// Settled, although something before it is not.
    settled: BTreeSet<i64>,
    /// How often those that are not settled were tried in vain.
    failures: BTreeMap<i64, u32>,
    /// Failures an earlier run has counted, for the first event that is wanted.
    inherited: u32,
    in_flight: usize,
    in_trouble: bool,
}

#[derive(Debug)]
struct Pending {
    fact: Arc<Fact>,
    in_flight: bool,
}

impl Window {
    /// Goes on after `cursor`, whose next event has failed `attempts` times.
    pub(super) fn new(cursor: i64, attempts: u32, connections: usize) -> Self {
        Self {
            connections,
            read: cursor,
            pending: BTreeMap::new(),
            settled: BTreeSet::new(),
            failures: BTreeMap::new(),
            inherited: attempts,
            in_flight: 0,
            in_trouble: attempts > 0,
        }
    }

    /// All up to here is settled.
    pub(super) fn cursor(&self) -> i64 {
        self.pending.first_key_value().map_or(self.read, |(seq, _)| seq - 1)
    }

    /// All up to here has been looked at.
    pub(super) fn read(&self) -> i64 {
        self.read
    }

    /// Failures of the oldest event that has any.
    pub(super) fn attempts(&self) -> u32 {
        self.failures.first_key_value().map_or(self.inherited, |(_, attempts)| *attempts)
    }

    /// Whether something failed and nothing has got through since.
    pub(super) fn in_trouble(&self) -> bool {
        self.in_trouble
    }

    /// Whether nothing is being sent.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight == 0
    }

    /// Whether another event may be taken in.
    pub(super) fn has_room(&self) -> bool {
        let most = if self.in_trouble { 1 } else { self.connections * EVENTS_PER_CONNECTION };
        self.pending.len() < most
    }

    /// Takes in an event that is wanted. They come in order.
    pub(super) fn push(&mut self, fact: Arc<Fact>) {
        let seq = fact.seq;
        if seq <= self.read {
            return;
        }
        self.read = seq;
        if self.settled.contains(&seq) {
            return;
        }
        if self.inherited > 0 {
            self.failures.insert(seq, std::mem::take(&mut self.inherited));
        }
        self.pending.insert(seq, Pending { fact, in_flight: false });
    }

    /// Nothing up to here is wanted, but for what was taken in.
    pub(super) fn pass(&mut self, seq: i64) {
        self.read = self.read.max(seq);
    }

    /// What is to be sent now, from here on in flight.
    pub(super) fn next(&mut self) -> Option<Arc<Fact>> {
        if self.in_flight >= if self.in_trouble { 1 } else { self.connections } {
            return None;
        }
        let mut busy = HashSet::new();
        for pending in self.pending.values_mut() {
            if busy.insert(pending.fact.event.interaction_id.as_str()) && !pending.in_flight {
                pending.in_flight = true;
                self.in_flight += 1;
                return Some(Arc::clone(&pending.fact));
            }
        }
        None
    }

    /// It was not sent after all.
    pub(super) fn returned(&mut self, seq: i64) {
        self.landed(seq);
    }

    /// It got through.
    pub(super) fn delivered(&mut self, seq: i64) {
        self.settle(seq);
        // What was on its way already when another failed says nothing about the trouble.
        self.in_trouble &= !self.failures.is_empty();
    }

    /// It did not. Answers how often by now.
    pub(super) fn failed(&mut self, seq: i64) -> u32 {
        self.landed(seq);
        self.in_trouble = true;
        let attempts = self.failures.entry(seq).or_default();
        *attempts = attempts.saturating_add(1);
        *attempts
    }

    /// It never will. Answers how often it was tried.
    pub(super) fn give_up(&mut self, seq: i64) -> u32 {
        let attempts = self.failures.get(&seq).copied().unwrap_or_default();
        self.settle(seq);
        attempts
    }

    /// Forgets the events themselves, to have them read again from the cursor on: who waits for hours
    /// holds no documents meanwhile. Only while nothing is in flight.
    pub(super) fn rewind(&mut self) {
        self.read = self.cursor();
        self.pending.clear();
    }

    fn landed(&mut self, seq: i64) {
        if let Some(pending) = self.pending.get_mut(&seq)
            && std::mem::take(&mut pending.in_flight)
        {
            self.in_flight -= 1;
        }
    }

    fn settle(&mut self, seq: i64) {
        self.landed(seq);
        self.pending.remove(&seq);
        self.failures.remove(&seq);
        self.settled.insert(seq);
        // What retention has removed meanwhile is neither tried nor settled: it is only passed.
        let open = self.cursor() + 1;
        self.settled = self.settled.split_off(&open);
        self.failures = self.failures.split_off(&open);
    }
}
