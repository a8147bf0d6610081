//! Where interactions, events and subscriptions are kept: one contract, several back-ends.

#[cfg(test)]
mod comparison;
pub mod contract;
mod list;
mod plan;
pub mod postgres;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod reindexing;
mod room;
pub mod sqlite;
#[cfg(test)]
mod under_writes;
