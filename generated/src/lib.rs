//! TMF683 Party Interaction Management: models, server traits and clients of both versions.
//!
//! Everything below [`v4`] and [`v5`] is emitted by `cargo xtask gen` from `openapi/` and never
//! edited. The hand-written modules are what the emitted code stands on; they know nothing of any
//! one document.
//!
//! Features: `server` adds the dropshot traits (`api`) and schemas of the types, `client` adds the
//! clients. Models and operation tables are always there.

#[cfg(feature = "client")]
pub mod calling;
mod open;
pub mod operation;
#[cfg(feature = "server")]
pub mod serving;
pub mod timestamp;
#[rustfmt::skip]
pub mod v4;
#[rustfmt::skip]
pub mod v5;
