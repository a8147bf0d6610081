//! The PostgreSQL back-end: one database, many processes.
//!
//! ```text
//! create, replace, delete … ─▶ queue ─▶ writer task ─▶ one transaction for many jobs ─▶ replies
//! get, event log, status ─▶ a pooled connection
//! page ─▶ [`super::list`], on a pooled connection, of the replica if it is fresh enough
//! what other processes write ─▶ notice ─▶ follower ─▶ memory
//! all that another store keeps ─▶ successor, while nobody serves
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
mod follower;
mod group_commit;
mod heads;
mod hosts;
mod import;
mod job;
mod memory;
mod notice;
mod once;
mod parts;
mod probe;
mod reader;
mod reindex;
mod replica;
mod schema;
mod session;
mod snapshot;
mod store;
mod subscriptions;
mod successor;
mod writer;

pub use store::{PostgresOptions, PostgresStore, ReplicaOptions};
pub use successor::PostgresSuccessor;
