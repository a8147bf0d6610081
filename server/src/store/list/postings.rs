//! What probes have found, kept in memory from list to list: compressed sets of numbers, each with the
//! age of the state it was found in.
//!
//! Nothing is thrown away because something was written. Whoever comes with another snapshot, younger
//! or older, brings a posting to its own age ([`super::lookup`]): what was created in between is at the
//! end of the probe's entries, what was amended in between is asked about anew. All of that is read from
//! the asker's own snapshot, so it does not matter which process wrote.
//!
//! What was not asked for the longest goes when there is more than memory allows.

use super::history::History;
use super::snapshot::{Age, Snapshot};
use crate::store::contract::StoreResult;
use crate::store::plan::Probe;
use roaring::RoaringTreemap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Numbers that several lists may be looking at.
pub(super) type Numbers = Arc<RoaringTreemap>;

/// What a slot takes in memory beside its numbers: the probe, twice its longest text, and the tables.
const SLOT_BYTES: usize = 1500;

/// Most origins that are told apart at a time.
const MOST_ORIGINS: usize = 8;

/// What a probe finds in a state of that age.
#[derive(Clone, Debug)]
pub(super) struct Posting {
    pub(super) age: Age,
    pub(super) numbers: Numbers,
}

/// Where a posting is, or will be: whoever finds it holds the lock, so that nobody does so twice.
pub(super) type Slot = Arc<Mutex<Option<Posting>>>;

/// The postings kept, of one database.
#[derive(Debug)]
pub(super) struct Postings {
    most_bytes: usize,
    few: u64,
    kept: Mutex<Kept>,
    histories: Mutex<HashMap<i64, History>>,
}

#[derive(Debug, Default)]
struct Kept {
    slots: HashMap<Name, Weighed>,
    bytes: usize,
    /// Counts uses.
    clock: u64,
}

/// An origin, and what is looked for.
type Name = (i64, Probe);

#[derive(Debug)]
struct Weighed {
    slot: Slot,
    bytes: usize,
    /// The clock when it was last asked for.
    used: u64,
}

impl Postings {
    /// Keeps none yet, and never more than so many bytes of them. So many as are `few` are found again
    /// each time.
    pub(super) fn new(most_bytes: usize, few: u64) -> Self {
        Self { most_bytes, few, kept: Mutex::default(), histories: Mutex::default() }
    }

    /// How many entries are walked, or asked about, rather than kept.
    pub(super) fn few(&self) -> u64 {
        self.few
    }

    /// The slot of a probe, if there is one.
    pub(super) fn slot(&self, origin: i64, probe: &Probe) -> Option<Slot> {
        lock(&self.kept).slot(&(origin, probe.clone()))
    }

    /// The slot of a probe.
    pub(super) fn slot_or_new(&self, origin: i64, probe: &Probe) -> Slot {
        let name = (origin, probe.clone());
        let mut kept = lock(&self.kept);
        if let Some(slot) = kept.slot(&name) {
            return slot;
        }
        let weighed = Weighed { slot: Slot::default(), bytes: SLOT_BYTES, used: kept.clock };
        let slot = Arc::clone(&weighed.slot);
        kept.bytes += weighed.bytes;
        kept.slots.insert(name, weighed);
        slot
    }

    /// Notes how large the posting of a probe is, and makes room where it is too large with all others.
    pub(super) fn weigh(&self, origin: i64, probe: &Probe, numbers: &RoaringTreemap) {
        let bytes = SLOT_BYTES + numbers.serialized_size();
        let mut kept = lock(&self.kept);
        let Some(weighed) = kept.slots.get_mut(&(origin, probe.clone())) else { return };
        let before = std::mem::replace(&mut weighed.bytes, bytes);
        kept.bytes = kept.bytes - before + bytes;
        while kept.bytes > self.most_bytes && kept.drop_oldest() {}
    }

    /// What the postings take in memory.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        lock(&self.kept).bytes
    }

    /// Which interactions were amended between a snapshot of that age and another state; `None`: that is
    /// not known any more.
    pub(super) fn amended(
        &self,
        snapshot: &dyn Snapshot,
        age: Age,
        other: Age,
    ) -> StoreResult<Option<RoaringTreemap>> {
        if age.amendments == other.amendments {
            return Ok(Some(RoaringTreemap::new()));
        }
        let mut histories = lock(&self.histories);
        if histories.len() > MOST_ORIGINS {
            histories.clear();
        }
        let beginning = age.amendments.min(other.amendments);
        let history = histories.entry(age.origin).or_insert_with(|| History::after(beginning));
        history.between(snapshot, age, other)
    }
}

impl Kept {
    fn slot(&mut self, name: &Name) -> Option<Slot> {
        self.clock += 1;
        let weighed = self.slots.get_mut(name)?;
        weighed.used = self.clock;
        Some(Arc::clone(&weighed.slot))
    }

    /// Whether there was one.
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.slots.iter().min_by_key(|(_, weighed)| weighed.used);
        let Some(name) = oldest.map(|(name, _)| name.clone()) else { return false };
        let dropped = self.slots.remove(&name);
        self.bytes -= dropped.map_or(0, |weighed| weighed.bytes);
        true
    }
}

/// What a panic has left behind is as good as it was.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
