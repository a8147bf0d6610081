//! A running server, spoken to in plain HTTP/1.1: what no well-behaved client would send, too.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, not what they share"
)]

mod bounds;
mod client;
mod idempotency;
mod patch;
