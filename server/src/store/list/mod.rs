//! How a list is carried out, whatever the database: which interactions match, in which order, and
//! the window of them, read as somebody takes it.
//!
//! ```text
//! plan ─▶ selection ─▶ window ─▶ chunks: on a blocking thread, within one snapshot
//! ```
//!
//! What a back-end has to bring is a [`Snapshot`], and a [`Source`] of them.

mod runner;
mod selection;
mod session;
mod snapshot;
mod sorted;
mod walk;
mod window;

pub use runner::{Bounds, Lists, Source, Work};
pub use snapshot::{Show, Snapshot};

/// What lists do, for errors.
pub const WHAT: &str = "listing interactions";
