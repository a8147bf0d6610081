//! Imports: the SQL inside the writer's transaction, a batch at a time.
//!
//! What is there is only looked at when an insert meets it, so an import into an empty store costs as
//! much as creates do.

use super::change::{self, Unit};
use super::snapshot::interaction_from;
use crate::domain::interaction::Interaction;
use crate::store::contract::{Before, ImportBatch, ImportItem, Imported, OnConflict, Outcome};
use rusqlite::{Connection, OptionalExtension};

/// What became of each item, up to the one at which it stopped.
pub(super) fn import(unit: &mut Unit<'_>, batch: &ImportBatch) -> rusqlite::Result<Vec<Imported>> {
    let mut fates = Vec::with_capacity(batch.items.len());
    for item in batch.items.iter() {
        let fate = match change::insert(unit, &item.creation)? {
            true => Imported::Created,
            false => import_over(unit, item, batch.on_conflict)?,
        };
        fates.push(fate);
        if fate == Imported::Stopped {
            break;
        }
    }
    Ok(fates)
}

/// An item whose id is there.
fn import_over(
    unit: &mut Unit<'_>,
    item: &ImportItem,
    on_conflict: OnConflict,
) -> rusqlite::Result<Imported> {
    let record = &item.creation.record;
    // Within this transaction it cannot have gone since.
    let Some(stored) = stored(unit.connection, &record.interaction.id)? else {
        return Err(rusqlite::Error::QueryReturnedNoRows);
    };
    if item.is_stored_as(&stored) {
        return Ok(Imported::Same);
    }
    match on_conflict {
        OnConflict::Skip => Ok(Imported::Skipped),
        OnConflict::Stop => Ok(Imported::Stopped),
        OnConflict::Replace => {
            let mut record = record.clone();
            // Versions of one interaction grow, whatever the clock did.
            let version = record.interaction.version.max(stored.version + 1);
            record.interaction.version = version;
            match change::replace(unit, &record, &Before::of(&stored), &[])? {
                Outcome::Done => Ok(Imported::Replaced),
                Outcome::Missing | Outcome::Changed => Err(rusqlite::Error::QueryReturnedNoRows),
            }
        }
    }
}

fn stored(connection: &Connection, id: &str) -> rusqlite::Result<Option<Interaction>> {
    connection
        .prepare_cached(
            "SELECT id, version, foreign_href, document FROM interaction WHERE id = ?1",
        )?
        .query_row([id], interaction_from)
        .optional()
}
