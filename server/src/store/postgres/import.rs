//! Imports, inside the writer's transaction, a batch at a time: what it meets is read at once, what
//! becomes of each item is told in memory, and what is new is written at once.
//!
//! Only what is replaced takes a statement each, sent without waiting for one another.

use super::change::{self, Replacement};
use super::error::{Error, Result};
use super::job::Unit;
use super::snapshot::interaction_from;
use crate::domain::interaction::Interaction;
use crate::store::contract::{
    Before, Creation, ImportBatch, ImportItem, Imported, OnConflict, Outcome,
};
use futures::future::try_join_all;
use std::borrow::Cow;
use std::collections::HashMap;

/// What became of each item, up to the one at which it stopped.
pub(super) async fn import(unit: &Unit<'_>, batch: &ImportBatch) -> Result<Vec<Imported>> {
    let met = met(unit, &batch.items).await?;
    let Plan { fates, new, replacements } = plan(met, batch);
    // An item may replace one of its own batch, which is there by then.
    if !change::create(unit, &new).await? {
        return Err(Error::because("an interaction appeared under the lock"));
    }
    let outcomes = replacements.iter().map(|replacement| change::replace(unit, replacement));
    match try_join_all(outcomes).await?.iter().all(|outcome| *outcome == Outcome::Done) {
        true => Ok(fates),
        false => Err(Error::because("an interaction changed under the lock")),
    }
}

/// What is to be written, in its order.
struct Plan<'a> {
    fates: Vec<Imported>,
    new: Vec<&'a Creation>,
    replacements: Vec<Replacement>,
}

/// `stored`: what is there under the ids of the batch. The counter is locked, so it stays as it is.
fn plan(stored: Vec<Interaction>, batch: &ImportBatch) -> Plan<'_> {
    let by_id = |one: Interaction| (one.id.clone(), Cow::Owned(one));
    let mut stored: HashMap<String, Cow<'_, Interaction>> = stored.into_iter().map(by_id).collect();
    let (mut fates, mut new, mut replacements) = (Vec::new(), Vec::new(), Vec::new());
    for item in batch.items.iter() {
        let interaction = &item.creation.record.interaction;
        let fate = match (stored.get(&interaction.id), batch.on_conflict) {
            (None, _) => {
                new.push(&item.creation);
                stored.insert(interaction.id.clone(), Cow::Borrowed(interaction));
                Imported::Created
            }
            (Some(there), _) if item.is_stored_as(there) => Imported::Same,
            (Some(_), OnConflict::Skip) => Imported::Skipped,
            (Some(_), OnConflict::Stop) => Imported::Stopped,
            (Some(there), OnConflict::Replace) => {
                let replacement = replacement(item, there);
                let replaced = Cow::Owned(replacement.record.interaction.clone());
                stored.insert(interaction.id.clone(), replaced);
                replacements.push(replacement);
                Imported::Replaced
            }
        };
        fates.push(fate);
        if fate == Imported::Stopped {
            break;
        }
    }
    Plan { fates, new, replacements }
}

/// Of what is there. No event tells of it.
fn replacement(item: &ImportItem, there: &Interaction) -> Replacement {
    let mut record = item.creation.record.clone();
    // Versions of one interaction grow, whatever the clock did.
    record.interaction.version = record.interaction.version.max(there.version + 1);
    Replacement { record, before: Before::of(there), events: Vec::new() }
}

/// What is there under the ids of the items.
async fn met(unit: &Unit<'_>, items: &[ImportItem]) -> Result<Vec<Interaction>> {
    let sql =
        "SELECT id, version, foreign_href, document FROM interaction WHERE id = ANY($1::TEXT[])";
    let statement = unit.transaction.prepare_cached(sql).await?;
    let ids = items.iter().map(|item| item.creation.record.interaction.id.as_str());
    let ids: Vec<&str> = ids.collect();
    let rows = unit.transaction.query(&statement, &[&ids]).await?;
    Ok(rows.iter().map(interaction_from).collect())
}
