//! TMF683 Party Interaction server. `http → app → domain + query → store`; nothing points back.

pub mod config;
pub mod domain;
pub mod http;
pub mod query;
pub mod store;
