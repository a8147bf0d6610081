//! TMF630 queries as data: pure functions of the raw query string. Bad input is an error value
//! that names the culprit, never a guess (D6).

mod attribute;
mod condition;
pub mod error;
pub mod fields;
pub mod filter;
pub mod operator;
pub mod page;
pub mod parameters;
pub mod parse;
pub mod pattern;
pub mod text;
pub mod vocabulary;
