//! How the entries of the generic index are spelled in SQL: text as TEXT, instants as INTEGER.
//!
//! Which entries a document has is not decided here: see [`crate::domain::index`].

use crate::domain::index::{Key, KeyValue};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Row, ToSql};

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

/// Reads a row of `path, value`.
pub(super) fn key_from(row: &Row<'_>) -> rusqlite::Result<Key> {
    let value = match row.get(1)? {
        Value::Text(text) => KeyValue::Text(text),
        Value::Integer(instant) => KeyValue::Instant(instant),
        other => {
            let column = "value".to_owned();
            return Err(rusqlite::Error::InvalidColumnType(1, column, other.data_type()));
        }
    };
    Ok(Key { path: row.get(0)?, value })
}
