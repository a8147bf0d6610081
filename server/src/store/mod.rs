//! Where interactions, events and subscriptions are kept: one contract, several back-ends.

pub mod contract;
pub mod sqlite;
