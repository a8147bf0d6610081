//! The edge: HTTP in, HTTP out. Versions meet only here; each becomes canonical on the way in and
//! a view on the way out.

pub mod schema;
