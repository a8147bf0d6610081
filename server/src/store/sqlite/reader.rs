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
//! The hottest read, by key, does not even begin a snapshot of its own: the connection keeps one
//! until this process commits something, so that most reads take none of the locks that threads and
//! processes share. What another process has committed is seen when a snapshot is [`STALE`] at the
//! latest, and who is idle does not keep one for long: it would hold up checkpoints.
//!
//! Not for anything slow: it would hold up the other requests of the thread. See [`super::lists`].

use super::connection::open_reader;
use super::error::failed;
use super::memory::Memory;
use super::store::SqliteOptions;
use crate::store::contract::{StoreError, StoreResult};
use rusqlite::Connection;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How long a snapshot is read from.
const STALE: Duration = Duration::from_millis(20);
/// How often snapshots of idle threads are looked for.
const SWEEP: Duration = Duration::from_millis(200);

/// A connection, or `None` once the store is closed. Only its thread ever locks it, but for the
/// close and the sweeper.
type Slot = Mutex<Option<Reading>>;

/// All slots of living threads; `None` once closed.
type Slots = Mutex<Option<Vec<Weak<Slot>>>>;

/// A connection and what it stands at.
#[derive(Debug)]
struct Reading {
    connection: Connection,
    snapshot: Option<Snapshot>,
}

/// An open read transaction.
#[derive(Clone, Copy, Debug)]
struct Snapshot {
    /// How many commits of this process it has, or fewer.
    commits: u64,
    began: Instant,
}

impl Reading {
    /// Stands at a snapshot that has at least `commits`.
    fn renew(&mut self, commits: u64) -> rusqlite::Result<()> {
        let now = Instant::now();
        let is_good =
            |held: &Snapshot| held.commits == commits && now.duration_since(held.began) < STALE;
        if !self.snapshot.as_ref().is_some_and(is_good) {
            self.end()?;
            self.connection.prepare_cached("BEGIN")?.execute([])?;
            self.snapshot = Some(Snapshot { commits, began: now });
        }
        Ok(())
    }

    /// Stands at none.
    fn end(&mut self) -> rusqlite::Result<()> {
        if self.snapshot.take().is_some() {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(())
    }
}

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
    memory: Arc<Memory>,
    slots: Arc<Slots>,
}

impl Reader {
    pub(super) fn new(path: PathBuf, options: SqliteOptions, memory: Arc<Memory>) -> Self {
        let store = NEXT_STORE.fetch_add(1, Ordering::Relaxed);
        let slots = Arc::new(Mutex::new(Some(Vec::new())));
        sweep(&slots);
        Self { store, path, options, memory, slots }
    }

    /// Reads with this thread's connection, opening it the first time.
    pub(super) fn read<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        self.with(what, |reading| {
            reading.end()?;
            work(&reading.connection)
        })
    }

    /// The same from the snapshot the thread keeps, where that is as good.
    pub(super) fn read_by_key<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        if !self.options.keeps_snapshots {
            return self.read(what, work);
        }
        // Asked before the snapshot begins: it may have more than these commits, never fewer.
        let commits = self.memory.commits();
        self.with(what, |reading| {
            reading.renew(commits)?;
            work(&reading.connection)
        })
    }

    fn with<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Reading) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let slot = self.slot()?;
        let mut reading = lock(&slot);
        let Some(reading) = reading.as_mut() else { return Err(StoreError::Closed) };
        let result = work(reading);
        if result.is_err() && reading.snapshot.take().is_some() {
            // Whatever is wrong with it, the next read begins anew.
            let _ = reading.connection.execute_batch("ROLLBACK");
        }
        result.map_err(|e| failed(what, e))
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
        let slot = Arc::new(Mutex::new(Some(Reading { connection, snapshot: None })));
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

/// Ends the snapshots of idle threads, until the reader is gone.
fn sweep(slots: &Arc<Slots>) {
    let slots = Arc::downgrade(slots);
    let sweeping = move || {
        while let Some(slots) = slots.upgrade() {
            let living =
                lock(&slots).iter().flatten().filter_map(Weak::upgrade).collect::<Vec<_>>();
            drop(slots);
            living.iter().for_each(|slot| end_if_idle(slot));
            thread::sleep(SWEEP);
        }
    };
    // Without it they only last longer.
    if let Err(error) = thread::Builder::new().name("sqlite-sweeper".to_owned()).spawn(sweeping) {
        tracing::warn!(%error, "nobody ends the read transactions of idle threads");
    }
}

/// Whose slot is locked is not idle.
fn end_if_idle(slot: &Slot) {
    let Ok(mut reading) = slot.try_lock() else { return };
    let Some(reading) = reading.as_mut() else { return };
    let is_over = |snapshot: Snapshot| snapshot.began.elapsed() >= STALE;
    if reading.snapshot.is_some_and(is_over)
        && let Err(error) = reading.end()
    {
        tracing::warn!(%error, "a read transaction does not end");
    }
}

/// A poisoned lock guards nothing half done here: a connection is always in a usable state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
