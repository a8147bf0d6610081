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
pub(super) struct History {
    after: u64,
    up_to: u64,
    amendments: VecDeque<Amendment>,
}

impl History {
    /// Knows of none yet, and begins after that one.
    pub(super) fn after(number: u64) -> Self {
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
        let from = age.amendments.min(other.amendments);
        let to = age.amendments.max(other.amendments);
        if from < self.after || to > self.up_to {
            return Ok(None);
        }
        let place =
            |number| self.amendments.partition_point(|amendment| amendment.number <= number);
        let amended = self.amendments.range(place(from)..place(to));
        Ok(Some(amended.map(|amendment| amendment.of).collect()))
    }

    /// Takes in what has happened up to an amendment.
    fn follow(&mut self, snapshot: &dyn Snapshot, up_to: u64) -> StoreResult<()> {
        match snapshot.amended_after(self.up_to)? {
            Some(amendments) => self.amendments.extend(amendments),
            None => *self = Self::after(up_to),
        }
        self.up_to = up_to;
        let too_many = self.amendments.len().saturating_sub(MOST);
        if let Some(last) = self.amendments.drain(..too_many).next_back() {
            self.after = last.number;
        }
        Ok(())
    }
}
