//! The conformance scenarios, one module a topic. Each test starts its own server with its own
//! database on a port the system picks; tables run the same scenario through every version.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod admin;
mod be_told;
mod bulk;
mod bulk_load;
mod care_desk;
mod certified;
mod client;
mod command_line;
mod concurrency;
mod coverage;
mod dead;
mod delivery;
mod documents;
mod durability;
mod errors;
mod feed;
mod fidelity;
mod filters;
mod grammar;
mod hostile;
mod hub;
mod jsonpath;
mod lifecycle;
mod limits;
mod listening;
mod migrating;
mod operator;
mod over_http;
mod overload;
mod paging;
mod patches;
mod plans;
mod processes;
mod refusals;
mod replica;
mod retention;
mod retries;
mod retrying;
mod sorting;
mod stopping;
mod streaming;
mod sudden_death;
mod turning;
mod upgrade;
mod validation;
mod versions;
mod watching;
