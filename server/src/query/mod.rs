//! TMF630 queries as data: pure functions of the raw query string. Bad input is an error value
//! that names the culprit, never a guess (D6).

mod attribute;
mod condition;
pub mod cursor;
pub mod error;
pub mod feed;
pub mod fields;
pub mod filter;
pub mod jsonpath;
pub mod operator;
pub mod page;
pub mod parameters;
pub mod parse;
pub mod pattern;
pub mod sort;
pub mod subscription;
pub mod text;
pub mod vocabulary;
