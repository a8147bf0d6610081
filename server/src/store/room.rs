//! Room for what waits to be written. The places of a write queue are counted, and what is in them may be
//! small or large: together it has a bound of its own. A write keeps its room until it is done, whether
//! its client still waits or has gone away.
//!
//! Imports are not among those: how much they have under way is bounded where they begin.

use crate::domain::event::Event;
use crate::store::contract::{Answered, Creation, Record, StoreError, StoreResult, Subscription};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is left of it.
#[derive(Debug)]
pub(super) struct Room {
    left: Arc<Semaphore>,
    /// In bytes. 0: any.
    most: u32,
}

/// What one write takes of it, until it is dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Room {
    /// Of so many bytes, 4 GiB at the most. 0: of any.
    pub(super) fn of(bytes: usize) -> Self {
        let most = u32::try_from(bytes.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self { left: Arc::new(Semaphore::new(most as usize)), most }
    }

    /// Room for a write. One that is larger than all the room has to have it for itself.
    ///
    /// # Errors
    /// [`StoreError::Busy`].
    pub(super) fn take(&self, bytes: usize) -> StoreResult<Place> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.most);
        Arc::clone(&self.left).try_acquire_many_owned(bytes).map_err(|_| StoreError::Busy)
    }
}

/// Something that waits to be written, and how many bytes of text it has: nearly all that it takes.
pub(super) trait Weighed {
    fn bytes(&self) -> usize;
}

impl Weighed for Record {
    fn bytes(&self) -> usize {
        self.interaction.text.len()
    }
}

impl Weighed for Event {
    fn bytes(&self) -> usize {
        self.document.len()
    }
}

impl Weighed for Creation {
    fn bytes(&self) -> usize {
        self.record.bytes() + self.events.bytes()
    }
}

impl Weighed for Answered {
    fn bytes(&self) -> usize {
        self.body.len()
    }
}

impl Weighed for Subscription {
    fn bytes(&self) -> usize {
        self.callback.len() + self.query.as_ref().map_or(0, String::len)
    }
}

impl<T: Weighed> Weighed for Vec<T> {
    fn bytes(&self) -> usize {
        self.iter().map(Weighed::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    //! On PostgreSQL; SQLite's are with its other batches. Needs `TEST_POSTGRES_STORES`.

    use super::*;
    use crate::store::comparison::{creation, database};
    use crate::store::contract::Store;
    use crate::store::postgres::{PostgresOptions, PostgresStore};

    const LARGE: usize = 100_000;

    fn large(id: u8) -> Vec<Creation> {
        let mut creation = creation(id, 1, 0, 0);
        creation.record.interaction.text = format!(r#"{{"note":"{}"}}"#, "x".repeat(LARGE));
        creation.events.clear();
        vec![creation]
    }

    /// On one thread: the writer has its turn when somebody waits, and not before.
    #[tokio::test]
    async fn what_waits_has_a_bound_in_bytes_whoever_has_gone_away() {
        let Some(url) = database() else { return };
        let options = PostgresOptions { queue_bytes: 2 * LARGE + LARGE / 2, ..Default::default() };
        let store = PostgresStore::open(&url, options).await.unwrap();
        for id in [1, 2] {
            let mut gone = store.create(large(id));
            assert!(futures::poll!(&mut gone).is_pending());
        }
        assert!(matches!(store.create(large(3)).await, Err(StoreError::Busy)));
        store.check().await.unwrap();
        for id in ["1", "2"] {
            assert!(store.get(id).await.unwrap().is_some());
        }
        for id in [3, 4, 5, 6] {
            assert!(store.create(large(id)).await.unwrap());
        }
        store.close().await.unwrap();
    }
}
