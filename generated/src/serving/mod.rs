//! What the emitted dropshot traits stand on: extractors, answers, routing and the guard.
//!
//! dropshot's own extractors read and judge requests before any of our code runs, and its own
//! answers know neither headers nor other statuses. These do less: they carry the raw request to
//! the server and the finished answer back, and only describe themselves to dropshot.

mod body;
mod guard;
mod query;
mod reply;
mod route;

pub use crate::operation::{Operation, PathMethods};
pub use body::{BodyError, JsonBody, StreamBody};
pub use guard::Guard;
pub use query::RawQuery;
pub use reply::{Documented, Reply, described, described_with_headers, no_content, streamed};
pub use route::{Route, header_parameters, path_parameters, route_undeclared_methods};
