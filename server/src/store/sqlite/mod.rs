//! The SQLite back-end: one writer, many readers (D8).
//!
//! ```text
//! create, replace, delete … ─▶ queue ─▶ writer thread ─▶ one transaction for many jobs ─▶ replies
//! index entries ─▶ tail, in memory ─▶ indexing ─▶ the same transactions, thousands of interactions later
//! write-ahead log ─▶ wal, a thread and connection of its own ─▶ database
//! get  ─▶ the calling thread's own read connection, inline
//! page ─▶ [`super::list`], on a pooled read connection
//! event log ─▶ a blocking thread's own read connection
//! all of it, for another store ─▶ original, a connection of its own
//! ```
//!
//! It does not know HTTP, does not deliver events, and does not read JSON, except where a filter
//! cannot be decided by the index.

mod administration;
mod background;
pub mod backup;
mod change;
mod connection;
mod delivery;
mod error;
mod group_commit;
mod import;
mod indexing;
mod job;
mod key;
mod memory;
mod once;
mod original;
mod probe;
mod reader;
mod reindex;
mod schema;
mod snapshot;
mod store;
mod tail;
mod wal;
mod writer;

#[cfg(test)]
mod tests;

pub use original::SqliteOriginal;
pub use store::{SqliteOptions, SqliteStore};
