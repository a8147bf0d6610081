//! Many interactions at once: from files into the store, out of it, and from one store to another.
//!
//! Beside `http`: the same documents, schemas and use cases, without requests. A document is a line
//! (NDJSON), and nothing here holds more than some of them at a time. The command line and the admin API
//! are two faces of it.

mod columns;
mod document;
pub mod export;
pub mod import;
mod lines;
pub mod migrate;
mod output;
mod progress;
mod report;
mod sides;
mod table;
mod terminal;

pub(crate) use columns::Columns;
pub use export::Exported;
pub(crate) use report::Audience;
pub use report::Summary;

use crate::http::version::Version;
use anyhow::Context;

/// The version an operator names.
fn version(name: &str) -> anyhow::Result<Version> {
    Version::named(name).with_context(|| format!("--version: {name} is not v4 or v5"))
}
