//! Events on their way to listeners (TMF630 "Hub"): where they may go, when they are tried again,
//! how they are signed and sent.

pub mod address;
pub mod resolver;
pub mod schedule;
pub mod sender;
pub mod signature;
