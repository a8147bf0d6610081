//! The conformance scenarios, one module a topic. Each test starts its own server with its own
//! database on a port the system picks; tables run the same scenario through every version.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod certified;
mod client;
mod command_line;
mod concurrency;
mod coverage;
mod delivery;
mod documents;
mod durability;
mod fidelity;
mod filters;
mod hub;
mod lifecycle;
mod paging;
mod refusals;
mod stopping;
mod sudden_death;
mod validation;
mod versions;
