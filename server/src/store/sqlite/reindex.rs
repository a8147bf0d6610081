//! Making the index anew: for a database whose entries were made by the rules of an earlier release.

use super::change::add_keys;
use super::snapshot::interaction_from;
use crate::domain::index;
use rusqlite::Connection;

/// Entries that are sorted and written together. Some ten MiB, and five times as much where all are as
/// long as they get.
const TOGETHER: usize = 100_000;

/// Throws all entries away and makes them of the documents, in the transaction of the migration.
pub(super) fn reindex(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM attribute", [])?;
    let mut documents =
        connection.prepare("SELECT id, version, foreign_href, document, seq FROM interaction")?;
    let mut rows = documents.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(4)?;
        let keys = index::keys_of(&interaction_from(row)?);
        entries.extend(keys.into_iter().map(|key| (key, seq)));
        if entries.len() >= TOGETHER {
            add_keys(connection, entries.iter().map(|(key, seq)| (key, *seq)).collect())?;
            entries.clear();
        }
    }
    add_keys(connection, entries.iter().map(|(key, seq)| (key, *seq)).collect())
}
