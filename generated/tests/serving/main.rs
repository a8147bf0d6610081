//! The emitted traits in use: what dropshot makes of them, and how a server built on them answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod answers;
mod description;
mod stub;
