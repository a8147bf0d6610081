//! What a list has while it runs: a snapshot, somebody who waits for it, and bounds.

use super::WHAT;
use super::snapshot::Snapshot;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::indexed_paths;

/// One list's hold on the database.
#[derive(Clone, Copy)]
pub(super) struct Session<'a> {
    /// Every look sees the same.
    pub(super) snapshot: &'a dyn Snapshot,
    /// Whether somebody still waits for the answer.
    pub(super) wanted: &'a dyn Fn() -> bool,
    /// What the keys of a sort may take in memory, in bytes.
    pub(super) sort_bytes: usize,
    /// Most documents that may be read to find the matches and to sort them.
    pub(super) scan_documents: Option<u64>,
}

impl Session<'_> {
    /// Ends a list that nobody waits for.
    pub(super) fn check(&self) -> StoreResult<()> {
        if (self.wanted)() { Ok(()) } else { Err(StoreError::Closed) }
    }

    /// Refuses to read so many documents for the sake of `names`, which have no index.
    pub(super) fn scan(&self, documents: u64, names: impl Fn() -> Vec<String>) -> StoreResult<()> {
        match self.scan_documents {
            Some(most) if documents > most => {
                let (names, indexed) = (names().join(", "), indexed_paths());
                Err(StoreError::TooManyDocuments { names, most, indexed })
            }
            _ => Ok(()),
        }
    }
}

/// A failure of a list that has words only.
pub(super) fn failed_because(why: &str) -> StoreError {
    StoreError::Failed { what: WHAT, source: why.into() }
}
