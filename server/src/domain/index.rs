//! Which canonical paths are indexed: the one list, and the extraction of their keys.

/// One index entry of one interaction.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub struct Key {
    /// Number of the indexed path, stable over releases (it is stored).
    pub path: u16,
    /// What is compared.
    pub value: KeyValue,
}

/// An index value in comparable form.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub enum KeyValue {
    /// A string, to the letter.
    Text(String),
    /// An instant in microseconds since 1970-01-01T00:00:00Z, rounded down. Two instants that
    /// differ by less are told apart by evaluating the document.
    Instant(i64),
}
