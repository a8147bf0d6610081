//! What the conformance scenarios stand on: servers to drive, calls to make, and a judge.
//!
//! [`TestServer`] runs in this process, [`ServerProcess`] is the real binary. [`Caller`] speaks raw
//! HTTP to one [`Api`] of either; every answer is judged by the document that API publishes before
//! a scenario sees it, so a scenario only says what is particular to it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod answer;
mod api;
mod call;
mod database;
mod document;
mod judge;
mod listener;
mod process;
mod server;
mod shown;
mod stream;
mod wire;

pub use answer::Answer;
pub use api::{APIS, Api, Version};
pub use call::{Call, Caller};
pub use database::{Database, schema};
pub use document::{Document, Operation};
pub use listener::{Listener, Notification, Reaction};
pub use process::{Ended, ServerProcess, binary};
pub use server::TestServer;
pub use shown::Shown;
pub use stream::{EventStream, Streamed};
pub use wire::{Reply, exchange};

/// How long anything may take before the test gives up on it.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// Waits until a condition holds that nobody tells of.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("what is waited for, in time");
}
