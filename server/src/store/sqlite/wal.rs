//! The length of the write-ahead log.
//!
//! What the log has grown by is copied to the database on a thread of its own, a MiB at a time, while the
//! writer goes on. When all is copied and nobody reads from the log, the next commit begins it anew.
//! Where writes or reads come one upon the other, that moment does not come by itself: from [`MOST`] on
//! the writer waits for it, a little, as soon as the copy has caught up so far that little is left to
//! do. Whoever begins to read while nothing is written needs no log.
//!
//! On one processor nothing goes on beside anything. There the writer copies what an import has committed
//! before it begins the next transaction, so that this one begins the log anew: else the log would grow to
//! its bound, over blocks and memory that cost more than the copy.
//!
//! A list that is being streamed reads from the log for as long as it takes. So the log is as long as
//! this bound and a little more, or as what is written during the longest stream; afterwards it is cut
//! to the bound.

use super::connection::open_copier;
use rusqlite::Connection;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, path::Path};

/// From this length on, in bytes, the log is in the way. Also its size on disk when it is begun anew.
pub(super) const MOST: u64 = 64 << 20;

/// How much of it is copied at a time. A copy ends with waiting for the disk, and a commit meanwhile waits
/// with it: the less is copied, the shorter.
const STEP: u64 = 1 << 20;

/// By how much it grows before it is tried again to begin it anew. On one processor, what is copied at a time.
const RETRY: u64 = 16 << 20;

/// What the writer copies by itself without being noticed.
const LITTLE: u64 = 2 << 20;

/// A commit of so much is none of requests, whose clients wait for the next.
const LARGE: u64 = 4 << 20;

/// How long writes wait for readers: longer than a thread reads from one snapshot.
const PATIENCE: Duration = Duration::from_millis(30);

/// The log of the writer's connection.
pub(super) struct Wal {
    copier: Copier,
    busy_timeout: Duration,
    page_bytes: u32,
    /// The length at which to try.
    try_at: u64,
    /// What was not in the database after the last commit, in bytes.
    left: u64,
    has_one_processor: bool,
}

/// How long the log is, in bytes, and how much of that is not in the database.
struct Length {
    whole: u64,
    left: u64,
}

impl Wal {
    /// Starts the thread that copies. From here on the writer's connection does not.
    pub(super) fn new(connection: &Connection, busy_timeout: Duration) -> io::Result<Self> {
        let path = Path::new(connection.path().unwrap_or_default());
        let set_up = || -> rusqlite::Result<_> {
            let copying = open_copier(path)?;
            let page_bytes = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            Ok((copying, page_bytes))
        };
        let (copying, page_bytes) = set_up().map_err(io::Error::other)?;
        let has_one_processor = thread::available_parallelism().is_ok_and(|count| count.get() == 1);
        let copier = Copier::start(copying)?;
        Ok(Self { copier, busy_timeout, page_bytes, try_at: MOST, left: 0, has_one_processor })
    }

    /// To be called after each commit. That it cannot be begun anew is no failure: it grows.
    pub(super) fn keep_short(&mut self, connection: &Connection) {
        if let Err(error) = self.try_to(connection) {
            tracing::warn!(%error, "the write-ahead log grows");
        }
    }

    fn try_to(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Length { whole, left } = self.length(connection)?;
        let is_large = left.saturating_sub(self.left) >= LARGE;
        self.left = left;
        if is_large && left >= RETRY && self.has_one_processor {
            self.left = 0;
            return connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
        let is_long = whole > self.try_at;
        if whole <= MOST {
            self.try_at = MOST;
        }
        // The copy may not catch up, because somebody reads from the log or much is written.
        if is_long && (left <= LITTLE || whole > self.try_at + RETRY) {
            self.try_at = whole + RETRY;
            return self.restart(connection);
        }
        if is_long || left >= STEP {
            self.copier.wake();
        }
        Ok(())
    }

    fn length(&self, connection: &Connection) -> rusqlite::Result<Length> {
        let mut ask = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let frames = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let (whole, copied) = ask.query_row([], frames)?;
        let bytes = |frames: i64| frames.max(0).unsigned_abs() * u64::from(self.page_bytes);
        Ok(Length { whole: bytes(whole), left: bytes(whole - copied) })
    }

    fn restart(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(PATIENCE)?;
        let done = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        connection.busy_timeout(self.busy_timeout)?;
        done
    }

    /// Waits until nothing is copied any more.
    pub(super) fn end(self) {
        self.copier.end();
    }
}

/// The thread that copies.
struct Copier {
    /// Has room for nothing, so that who is at work is not told again what is being done.
    bell: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Copier {
    fn start(connection: Connection) -> io::Result<Self> {
        let (bell, woken) = sync_channel(0);
        let work = move || copy(&connection, &woken);
        let thread = thread::Builder::new().name("sqlite-copier".to_owned()).spawn(work)?;
        Ok(Self { bell, thread })
    }

    /// If it is at work already, the next commit asks again.
    fn wake(&self) {
        let _ = self.bell.try_send(());
    }

    fn end(self) {
        drop(self.bell);
        if self.thread.join().is_err() {
            tracing::warn!("the thread that copies the write-ahead log panicked");
        }
    }
}

/// What the thread does, until the writer ends. What it cannot copy now it copies later: until then it
/// is in the log.
fn copy(connection: &Connection, woken: &Receiver<()>) {
    let mut fails = false;
    for () in woken {
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let (Err(error), false) = (&copied, fails) {
            tracing::warn!(%error, "the write-ahead log is not copied to the database");
        }
        fails = copied.is_err();
    }
}
