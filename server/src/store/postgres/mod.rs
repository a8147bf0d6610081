//! The PostgreSQL back-end: one database, many processes.
//!
//! ```text
//! create, replace, delete … ─▶ queue ─▶ writer task ─▶ one transaction for many jobs ─▶ replies
//! get, event log, status ─▶ a pooled connection
//! page ─▶ [`super::list`], on a pooled connection
//! what other processes write ─▶ follower ─▶ memory
//! ```
//!
//! Replication, failover and backup are the database's. The SQL is what PostgreSQL, CockroachDB and
//! YugabyteDB share; only PostgreSQL is tested. See [`schema`] for what makes it right with many
//! processes.

mod administration;
mod change;
mod connection;
mod counter;
mod delivery;
mod error;
mod group_commit;
mod import;
mod intersection;
mod job;
mod memory;
mod once;
mod reader;
mod schema;
mod session;
mod snapshot;
mod store;
mod subscriptions;
mod writer;

pub use store::{PostgresOptions, PostgresStore};
