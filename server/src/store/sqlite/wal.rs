//! The length of the write-ahead log.
//!
//! A commit of which the log has grown by 16 MiB copies it to the database (`wal_autocheckpoint`), and
//! the next one begins the log anew if by then nobody reads from it. Where reads come one upon the other,
//! that moment does not come by itself: from [`MOST`] on the writer waits for it, a little. Whoever
//! begins to read while nothing is written needs no log.
//!
//! A list that is being streamed reads from the log for as long as it takes. So the log is as long as
//! this bound, or as what is written during the longest stream; afterwards it is cut to the bound.

use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// From this length on, in bytes, the log is in the way. Also its size on disk when it is begun anew.
pub(super) const MOST: u64 = 64 << 20;

/// By how much it grows before it is tried again.
const STEP: u64 = 16 << 20;

/// How long writes wait for readers: longer than a thread reads from one snapshot.
const PATIENCE: Duration = Duration::from_millis(30);

/// The log of the writer's connection.
pub(super) struct Wal {
    path: PathBuf,
    busy_timeout: Duration,
    /// The length at which to try.
    try_at: u64,
}

impl Wal {
    pub(super) fn new(connection: &Connection, busy_timeout: Duration) -> Self {
        let path = format!("{}-wal", connection.path().unwrap_or_default()).into();
        Self { path, busy_timeout, try_at: MOST }
    }

    /// To be called after each commit. That it cannot be begun anew is no failure: it grows.
    pub(super) fn keep_short(&mut self, connection: &Connection) {
        let length = fs::metadata(&self.path).map_or(0, |file| file.len());
        if length <= MOST {
            self.try_at = MOST;
        } else if length > self.try_at {
            self.try_at = length + STEP;
            if let Err(error) = self.restart(connection) {
                tracing::warn!(%error, "the write-ahead log grows");
            }
        }
    }

    fn restart(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(PATIENCE)?;
        let done = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        connection.busy_timeout(self.busy_timeout)?;
        done
    }
}
