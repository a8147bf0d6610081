//! What was amended between two states of the database: the end of its log, kept in memory.
//!
//! A database keeps its last amendments only, and a snapshot shows those before it only. Kept here, they
//! lead from any of the last states to any other, forwards and back.

use super::snapshot::{Age, Amendment, Snapshot};
use crate::store::contract::StoreResult;
use roaring::RoaringTreemap;
use std::collections::VecDeque;

/// Most amendments kept, 16 bytes each: as many as the databases keep.
const MOST: usize = 1 << 16;

/// All amendments after `after` and up to `up_to`.
#[derive(Debug)]
pub struct History {
    after: u64,
    up_to: u64,
    amendments: VecDeque<Amendment>,
}

impl History {
    /// Knows of none yet, and begins after that one.
    pub fn after(number: u64) -> Self {
        Self { after: number, up_to: number, amendments: VecDeque::new() }
    }

    /// Which interactions were amended between two states, in either direction; `None`: that is not
    /// known any more. `snapshot`, of that `age`, is asked for what is new.
    pub(super) fn between(
        &mut self,
        snapshot: &dyn Snapshot,
        age: Age,
        other: Age,
    ) -> StoreResult<Option<RoaringTreemap>> {
        if age.amendments > self.up_to {
            self.follow(snapshot, age.amendments)?;
        }
        Ok(self.numbers(age.amendments, other.amendments))
    }

    /// Which interactions were amended between two amendments, in either order, the first of them not
    /// included; `None`: that is not known any more, or not yet.
    pub fn numbers(&self, one: u64, other: u64) -> Option<RoaringTreemap> {
        let (from, to) = (one.min(other), one.max(other));
        if from < self.after || to > self.up_to {
            return None;
        }
        let place =
            |number| self.amendments.partition_point(|amendment| amendment.number <= number);
        let amended = self.amendments.range(place(from)..place(to));
        Some(amended.map(|amendment| amendment.of).collect())
    }

    /// Takes in what has happened up to an amendment.
    fn follow(&mut self, snapshot: &dyn Snapshot, up_to: u64) -> StoreResult<()> {
        match snapshot.amended_after(self.up_to)? {
            Some(amendments) => self.extend(amendments, up_to),
            None => *self = Self::after(up_to),
        }
        Ok(())
    }

    /// Takes in the amendments that follow, up to the last of all.
    pub fn extend(&mut self, amendments: Vec<Amendment>, up_to: u64) {
        self.amendments.extend(amendments);
        self.up_to = up_to;
        let too_many = self.amendments.len().saturating_sub(MOST);
        if let Some(last) = self.amendments.drain(..too_many).next_back() {
            self.after = last.number;
        }
    }
}
