//! Making the index anew: for a database whose entries were made by the rules of an earlier release.

use super::change::Keys;
use super::snapshot::interaction_from;
use crate::domain::index::{self, Key};
use tokio_postgres::{Error, Transaction};

/// Documents that are read and indexed together.
const TOGETHER: i64 = 256;

/// Throws all entries away and makes them of the documents, in the transaction of the migration. Who
/// would write meanwhile waits for it.
pub(super) async fn reindex(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.batch_execute("TRUNCATE attribute_text, attribute_instant").await?;
    let documents = transaction
        .prepare(
            "SELECT id, version, foreign_href, document, seq FROM interaction
             WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .await?;
    let texts = transaction
        .prepare(
            "INSERT INTO attribute_text (path, value, seq)
             SELECT * FROM unnest($1::SMALLINT[], $2::BYTEA[], $3::BIGINT[])",
        )
        .await?;
    let instants = transaction
        .prepare(
            "INSERT INTO attribute_instant (path, value, seq)
             SELECT * FROM unnest($1::SMALLINT[], $2::BIGINT[], $3::BIGINT[])",
        )
        .await?;
    let mut above = 0_i64;
    loop {
        let rows = transaction.query(&documents, &[&above, &TOGETHER]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        above = last.get(4);
        let keys: Vec<(Vec<Key>, i64)> =
            rows.iter().map(|row| (index::keys_of(&interaction_from(row)), row.get(4))).collect();
        let entries = keys.iter();
        let entries = entries.flat_map(|(keys, number)| keys.iter().map(|key| (key, *number)));
        let columns = Keys::of(entries);
        let Keys { text_paths, texts: values, text_numbers, .. } = &columns;
        transaction.execute(&texts, &[text_paths, values, text_numbers]).await?;
        let Keys { instant_paths, instants: values, instant_numbers, .. } = &columns;
        transaction.execute(&instants, &[instant_paths, values, instant_numbers]).await?;
    }
}
