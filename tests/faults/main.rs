//! What becomes of servers when their PostgreSQL fails them: it stops, is cut off, has no room, takes no
//! changes, gives way to another. Each test has clusters of its own, for it breaks them. SQLite can have no
//! room, too.
//!
//! Beside the scenarios of `conformance`, which run on both stores, and twice: these run once.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod bounds;
mod cuts;
mod disk;
mod failover;
mod opening;
mod proxy;
mod read_only;
mod restart;
mod scene;
mod tls;
mod writers;
