//! What a list has while it runs: a snapshot, somebody who waits for it, and bounds.

use super::error::failed;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::indexed_paths;
use rusqlite::{CachedStatement, Connection};

pub(super) const WHAT: &str = "listing interactions";

/// One list's hold on the database.
#[derive(Clone, Copy)]
pub(super) struct Session<'a> {
    /// In a transaction: every look sees the same.
    pub(super) snapshot: &'a Connection,
    /// Whether somebody still waits for the answer.
    pub(super) wanted: &'a dyn Fn() -> bool,
    /// What the keys of a sort may take in memory, in bytes.
    pub(super) sort_bytes: usize,
    /// Most documents that may be read to find the matches and to sort them.
    pub(super) scan_documents: Option<u64>,
}

impl<'a> Session<'a> {
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

    /// A statement, compiled once per connection.
    pub(super) fn prepare(&self, sql: &str) -> StoreResult<CachedStatement<'a>> {
        self.snapshot.prepare_cached(sql).map_err(because)
    }
}

/// The contract's error for one of SQLite while listing.
pub(super) fn because(error: rusqlite::Error) -> StoreError {
    failed(WHAT, error)
}
