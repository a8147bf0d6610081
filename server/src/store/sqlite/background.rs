//! Reads that may take a while, such as stretches of the event log: on blocking threads, which keep
//! their connections as every reading thread does, and a few at a time.

use super::error::failed_because;
use super::reader::Reader;
use crate::store::contract::{StoreError, StoreResult};
use rusqlite::Connection;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Reads that run at a time. Others wait for their turn, holding nothing.
const TURNS: usize = 4;

/// Runs them.
#[derive(Debug)]
pub(super) struct Background {
    reader: Arc<Reader>,
    turns: Arc<Semaphore>,
}

impl Background {
    pub(super) fn new(reader: Arc<Reader>) -> Self {
        Self { reader, turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// Reads on another thread, all of it from one snapshot.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let Ok(turn) = turn else { return Err(StoreError::Closed) };
        let reader = Arc::clone(&self.reader);
        let reading = spawn_blocking(move || {
            let _turn = turn;
            reader.read(what, |connection| {
                // Ends, by rollback, when it is dropped: there is nothing to commit.
                let snapshot = connection.unchecked_transaction()?;
                work(&snapshot)
            })
        });
        match reading.await {
            Ok(result) => result,
            Err(e) if e.is_cancelled() => Err(StoreError::Closed),
            Err(e) => Err(failed_because(what, e.to_string())),
        }
    }

    /// Accepts nothing more.
    pub(super) fn close(&self) {
        self.turns.close();
    }
}
