//! Delivery: from the event log to the listeners (TMF630 "Hub", D7).
//!
//! ```text
//!                 ┌─▶ dispatcher ──▶ queues of those who match ─┐
//! event log ──────┤   (reads each new event once)               ├─▶ subscriber ─▶ sender ─▶ listener
//!                 └─▶ whoever is behind reads for itself ───────┘       │
//! cursors, dead deliveries ◀── engine, in batches ◀── ledger ◀──────────┘
//! ```
//!
//! The engine claims subscriptions and gives each a task of its own, the subscriber, which sends in
//! the order its window allows and notes how far it has got. What is not written when the process
//! dies is sent once more, with the same `eventId`; nothing is left out. The sender makes one attempt:
//! signed, to addresses that may be called, following and trusting nothing.
//!
//! Whoever cannot be called reads the same log, through the feed.
//!
//! An edge, as `http` is: it uses the domain, queries and the store contract, and nobody below
//! knows it.

pub mod address;
mod dispatcher;
mod engine;
pub mod feed;
mod ledger;
mod live;
mod reading;
pub mod resolver;
mod retention;
pub mod schedule;
pub mod sender;
pub mod signature;
mod subscriber;
mod tail;
mod window;

#[cfg(test)]
mod tests;

pub use engine::{Engine, Options};
pub use reading::{Reading, Readings};
pub use tail::Tail;
