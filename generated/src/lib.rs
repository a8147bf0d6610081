//! TMF683 Party Interaction Management: models, server traits and clients of both versions, and the
//! same for the administration of a server.
//!
//! Everything below [`v4`], [`v5`] and [`admin_v1`] is emitted by `cargo xtask gen` from `openapi/` and never
//! edited. The hand-written modules are what the emitted code stands on; they know nothing of any
//! one document.
//!
//! Features: `server` adds the dropshot traits (`api`) and schemas of the types, `client` adds the
//! clients. Models and operation tables are always there.

#[rustfmt::skip]
pub mod admin_v1;
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
