//! Imports, inside the writer's transaction: a batch at a time, item by item, for an item may meet one
//! of its own batch.

use super::change::{self, Replacement};
use super::error::{Error, Result};
use super::job::Unit;
use super::snapshot::interaction_from;
use crate::store::contract::{Before, ImportBatch, ImportItem, Imported, OnConflict, Outcome};
use std::slice;

/// What became of each item, up to the one at which it stopped.
pub(super) async fn import(unit: &Unit<'_>, batch: &ImportBatch) -> Result<Vec<Imported>> {
    let mut fates = Vec::with_capacity(batch.items.len());
    for item in batch.items.iter() {
        let is_new = change::create(unit, slice::from_ref(&item.creation)).await?;
        let fate = match is_new {
            true => Imported::Created,
            false => import_over(unit, item, batch.on_conflict).await?,
        };
        fates.push(fate);
        if fate == Imported::Stopped {
            break;
        }
    }
    Ok(fates)
}

/// An item whose id is there. The counter is locked, so within this transaction it cannot go.
async fn import_over(
    unit: &Unit<'_>,
    item: &ImportItem,
    on_conflict: OnConflict,
) -> Result<Imported> {
    let record = &item.creation.record;
    let sql = "SELECT id, version, foreign_href, document FROM interaction WHERE id = $1";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let row = unit.transaction.query_one(&statement, &[&record.interaction.id]).await?;
    let stored = interaction_from(&row);
    if item.is_stored_as(&stored) {
        return Ok(Imported::Same);
    }
    match on_conflict {
        OnConflict::Skip => Ok(Imported::Skipped),
        OnConflict::Stop => Ok(Imported::Stopped),
        OnConflict::Replace => {
            let mut record = record.clone();
            // Versions of one interaction grow, whatever the clock did.
            record.interaction.version = record.interaction.version.max(stored.version + 1);
            let before = Before::of(&stored);
            let replacement = Replacement { record, before, events: Vec::new() };
            match change::replace(unit, &replacement).await? {
                Outcome::Done => Ok(Imported::Replaced),
                Outcome::Missing | Outcome::Changed => {
                    Err(Error::because("an interaction changed under the lock"))
                }
            }
        }
    }
}
