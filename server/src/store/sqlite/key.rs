//! How the entries of the generic index are spelled in SQL: text as TEXT, instants as INTEGER.
//!
//! Which entries a document has is not decided here: see [`crate::domain::index`].

use crate::domain::index::KeyValue;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

impl ToSql for KeyValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Instant(instant) => ValueRef::Integer(*instant),
        }))
    }
}

impl From<KeyValue> for Value {
    fn from(value: KeyValue) -> Self {
        match value {
            KeyValue::Text(text) => Self::Text(text),
            KeyValue::Instant(instant) => Self::Integer(instant),
        }
    }
}
