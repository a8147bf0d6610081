//! TMF630 queries as data: pure functions of the raw query string. Bad input is an error value
//! that names the culprit, never a guess (D6).

mod decimal;
pub mod fields;
pub mod filter;
mod instant;
pub mod page;
pub mod parse;
pub mod text;
pub mod vocabulary;

pub use instant::instant_micros;
