//! How a list is carried out, whatever the database: which interactions match, in which order, and
//! the window of them, read as somebody takes it.
//!
//! ```text
//! plan ─▶ selection ─▶ window ─▶ chunks: on a blocking thread, within one snapshot
//!             │
//!     postings, kept from list to list
//! ```
//!
//! What a back-end has to bring is a [`Snapshot`], and a [`Source`] of them.

mod history;
#[cfg(test)]
mod laws;
mod lookup;
mod matching;
mod postings;
#[cfg(test)]
pub mod questions;
mod runner;
mod selection;
mod session;
mod snapshot;
mod sorted;
mod walk;
mod window;

pub use history::History;
pub use runner::{Bounds, Lists, Source, Work};
pub use snapshot::{Age, Amendment, Show, Snapshot};

/// What lists do, for errors.
pub const WHAT: &str = "listing interactions";
