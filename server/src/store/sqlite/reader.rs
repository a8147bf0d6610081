//! Hot reads: each thread that reads has a connection of its own, used inline.
//!
//! A hand-over to another thread costs more than the whole read by key does, so there is none.
//! A commit comes before its reply, and each read begins its own snapshot, so whoever has a
//! reply reads what it told of.
//!
//! The thread owns its connection, the store keeps a weak hold: when a thread ends its connection
//! goes with it, and when the store is closed it takes the connections away from all threads,
//! idle ones included. A thread can read from several stores.
//!
//! Not for anything slow: it would hold up the other requests of the thread. See [`super::lists`].

use super::connection::open_reader;
use super::error::failed;
use super::store::SqliteOptions;
use crate::store::contract::{StoreError, StoreResult};
use rusqlite::Connection;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A connection, or `None` once the store is closed. Only its thread ever locks it, but for the
/// close.
type Slot = Mutex<Option<Connection>>;

thread_local! {
    /// This thread's connections, by the number of their store. Nearly always one.
    static SLOTS: RefCell<Vec<(u64, Arc<Slot>)>> = const { RefCell::new(Vec::new()) };
}

/// Numbers stores within the process: a path would not tell two of them apart.
static NEXT_STORE: AtomicU64 = AtomicU64::new(0);

/// Opens and finds the read connections of one store.
#[derive(Debug)]
pub(super) struct Reader {
    store: u64,
    path: PathBuf,
    options: SqliteOptions,
    /// All slots of living threads; `None` once closed.
    slots: Mutex<Option<Vec<Weak<Slot>>>>,
}

impl Reader {
    pub(super) fn new(path: PathBuf, options: SqliteOptions) -> Self {
        let store = NEXT_STORE.fetch_add(1, Ordering::Relaxed);
        Self { store, path, options, slots: Mutex::new(Some(Vec::new())) }
    }

    /// Reads with this thread's connection, opening it the first time.
    pub(super) fn read<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let slot = self.slot()?;
        let connection = lock(&slot);
        match connection.as_ref() {
            Some(connection) => work(connection).map_err(|e| failed(what, e)),
            None => Err(StoreError::Closed),
        }
    }

    /// Closes all connections. Waits for reads going on, which are short.
    pub(super) fn close(&self) {
        let slots = lock(&self.slots).take().unwrap_or_default();
        for slot in slots.iter().filter_map(Weak::upgrade) {
            lock(&slot).take();
        }
    }

    fn slot(&self) -> StoreResult<Arc<Slot>> {
        SLOTS.with_borrow_mut(|mine| {
            if let Some((_, slot)) = mine.iter().find(|(store, _)| *store == self.store) {
                return Ok(Arc::clone(slot));
            }
            mine.retain(|(_, slot)| lock(slot).is_some());
            let slot = self.add_slot()?;
            mine.push((self.store, Arc::clone(&slot)));
            Ok(slot)
        })
    }

    fn add_slot(&self) -> StoreResult<Arc<Slot>> {
        // Held while the connection is opened, so that a close cannot miss it.
        let mut slots = lock(&self.slots);
        let Some(slots) = slots.as_mut() else { return Err(StoreError::Closed) };
        let connection = open_reader(&self.path, &self.options)
            .map_err(|e| failed("opening a read connection", e))?;
        let slot = Arc::new(Mutex::new(Some(connection)));
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        Ok(slot)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}

/// A poisoned lock guards nothing half done here: a connection is always in a usable state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
