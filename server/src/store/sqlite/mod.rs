//! The SQLite back-end: one writer, many readers (D8).
//!
//! ```text
//! create, replace, delete … ─▶ queue ─▶ writer thread ─▶ one transaction for many jobs ─▶ replies
//! get  ─▶ the calling thread's own read connection, inline
//! page ─▶ plan ─▶ selection ─▶ window ─▶ chunks: on a pooled read connection on a blocking thread,
//!                                        within one snapshot
//! event log ─▶ a blocking thread's own read connection
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
mod intersection;
mod job;
mod key;
mod lists;
mod memory;
mod once;
mod reader;
mod schema;
mod selection;
mod session;
mod sorted;
mod store;
mod walk;
mod window;
mod writer;

#[cfg(test)]
mod tests;

pub use store::{SqliteOptions, SqliteStore};
