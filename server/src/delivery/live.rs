//! Who gets new events handed over: subscriptions that have read the log to its end, by what they can
//! match.
//!
//! An event is judged only by those whose filter could match it: filters that ask for one of certain
//! index keys are found by the keys the event's interaction has, so a thousand subscriptions to a
//! thousand parties cost little more than one. Queues are bounded; whoever's is full is no longer
//! live, and reads the log by itself until it has caught up.

use super::reading::{Fact, Reading};
use crate::domain::event::EventKind;
use crate::domain::index::{self, Key};
use crate::store::contract::delivery::LoggedEvent;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Events that wait for one subscription.
const QUEUE: usize = 16;

/// What comes through the queue of a subscription.
#[derive(Debug)]
pub(super) enum Handed {
    /// An event it wants.
    Fact(Arc<Fact>),
    /// There was nothing else for it up to here.
    Position(i64),
}

/// The live subscriptions.
#[derive(Debug, Default)]
pub(super) struct Registry {
    table: Mutex<Table>,
    joined: Notify,
}

#[derive(Debug, Default)]
struct Table {
    /// All up to here has been handed over. Means nothing while nobody is live.
    position: i64,
    marked: i64,
    next_ticket: u64,
    entries: HashMap<u64, Entry>,
    /// Those who may match whatever the interaction is.
    unkeyed: HashSet<u64>,
    /// The others.
    keyed: HashMap<Key, HashSet<u64>>,
}

#[derive(Debug)]
struct Entry {
    reading: Arc<Reading>,
    kinds: Option<Vec<EventKind>>,
    keys: Vec<Key>,
    /// It has read up to here by itself.
    from: i64,
    queue: mpsc::Sender<Handed>,
}

/// A subscription's place among the live ones, until dropped.
#[derive(Debug)]
pub(super) struct Live {
    registry: Arc<Registry>,
    ticket: u64,
    pub(super) queue: mpsc::Receiver<Handed>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.registry.lock().leave(self.ticket);
    }
}

impl Registry {
    /// Everything after `from` is handed over; `None`: some of it has been to others already, so it
    /// must be read first.
    pub(super) fn join(self: &Arc<Self>, reading: &Arc<Reading>, from: i64) -> Option<Live> {
        let mut table = self.lock();
        if table.entries.is_empty() {
            table.position = from;
            table.marked = from;
        } else if from < table.position {
            return None;
        }
        let (sender, queue) = mpsc::channel(QUEUE);
        let ticket = table.enter(Arc::clone(reading), from, sender);
        drop(table);
        self.joined.notify_one();
        Some(Live { registry: Arc::clone(self), ticket, queue })
    }

    /// Waits until somebody is live, and answers with what has been handed over.
    pub(super) async fn position(&self) -> i64 {
        loop {
            let joined = self.joined.notified();
            {
                let table = self.lock();
                if !table.entries.is_empty() {
                    return table.position;
                }
            }
            joined.await;
        }
    }

    /// Hands over an event that comes after `after`, but for others that came between.
    pub(super) fn hand_over(&self, after: i64, logged: LoggedEvent) {
        let mut table = self.lock();
        // Meanwhile all may have left, and others come who stand elsewhere.
        if table.position < after || logged.seq <= table.position {
            return;
        }
        let seq = logged.seq;
        if let Some(fact) = Fact::of(logged) {
            table.hand_over(&fact);
        }
        table.position = seq;
    }

    /// There is nothing from `after` to `position` but what was handed over.
    pub(super) fn pass(&self, after: i64, position: i64) {
        let mut table = self.lock();
        if table.position >= after {
            table.position = table.position.max(position);
        }
    }

    /// Tells everybody how far they are without having to do anything.
    pub(super) fn mark(&self) {
        let mut table = self.lock();
        let position = table.position;
        if std::mem::replace(&mut table.marked, position) != position {
            for entry in table.entries.values() {
                // Whose queue is full has something to do.
                let _ = entry.queue.try_send(Handed::Position(position.max(entry.from)));
            }
        }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn enter(&mut self, reading: Arc<Reading>, from: i64, queue: mpsc::Sender<Handed>) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let kinds = reading.filter.as_ref().and_then(|filter| filter.kinds());
        let keys = reading.filter.as_ref().and_then(|filter| filter.keys());
        match &keys {
            None => drop(self.unkeyed.insert(ticket)),
            Some(keys) => {
                for key in keys {
                    self.keyed.entry(key.clone()).or_default().insert(ticket);
                }
            }
        }
        let keys = keys.unwrap_or_default();
        self.entries.insert(ticket, Entry { reading, kinds, keys, from, queue });
        ticket
    }

    fn leave(&mut self, ticket: u64) {
        self.unkeyed.remove(&ticket);
        let Some(entry) = self.entries.remove(&ticket) else { return };
        for key in &entry.keys {
            if let Some(tickets) = self.keyed.get_mut(key) {
                tickets.remove(&ticket);
                if tickets.is_empty() {
                    self.keyed.remove(key);
                }
            }
        }
    }

    fn hand_over(&mut self, fact: &Arc<Fact>) {
        let mut candidates = Vec::new();
        if !self.keyed.is_empty() {
            let keys = index::keys(&fact.members);
            candidates.extend(keys.iter().filter_map(|key| self.keyed.get(key)).flatten());
            candidates.sort_unstable();
            candidates.dedup();
        }
        candidates.extend(&self.unkeyed);
        for ticket in candidates {
            let Some(entry) = self.entries.get(&ticket) else { continue };
            let is_of_kind =
                entry.kinds.as_ref().is_none_or(|kinds| kinds.contains(&fact.event.kind));
            if fact.seq <= entry.from || !is_of_kind {
                continue;
            }
            let handed = || entry.queue.try_send(Handed::Fact(Arc::clone(fact))).is_ok();
            // A filter that panics is its subscription's trouble, not that of all others.
            let wants = catch_unwind(AssertUnwindSafe(|| entry.reading.wants(fact)));
            if !wants.is_ok_and(|wants| !wants || handed()) {
                self.leave(ticket);
            }
        }
    }
}
