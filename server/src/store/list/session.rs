//! What a list has while it runs: a snapshot, somebody who waits for it, and bounds.

use super::WHAT;
use super::postings::Postings;
use super::snapshot::{Age, Snapshot};
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::indexed_paths;
use tokio::sync::watch;

/// One list's hold on the database.
#[derive(Clone, Copy)]
pub(super) struct Session<'a> {
    /// Every look sees the same.
    pub(super) snapshot: &'a dyn Snapshot,
    /// How old that is.
    pub(super) age: Age,
    /// What others have found before.
    pub(super) postings: &'a Postings,
    /// Whether somebody still waits for the answer.
    pub(super) wanted: &'a dyn Fn() -> bool,
    /// Ends when the lists are closed.
    pub(super) lifeline: &'a watch::Receiver<()>,
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

    /// Ends what serves those who come later too, when nobody can come any more.
    pub(super) fn check_open(&self) -> StoreResult<()> {
        // Nothing is ever sent.
        self.lifeline.has_changed().map(drop).map_err(|_| StoreError::Closed)
    }

    /// How many interactions there are.
    pub(super) fn total(self) -> StoreResult<u64> {
        match self.snapshot.count()? {
            Some(count) => Ok(count),
            None => Ok(self.every()?.len()),
        }
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
