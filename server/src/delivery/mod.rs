//! Events on their way to listeners (TMF630 "Hub"): where they may go, when they are tried again.

pub mod address;
pub mod resolver;
pub mod schedule;
pub mod signature;
