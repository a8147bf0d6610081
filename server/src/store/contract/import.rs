//! Imports: many interactions at once, each with an id and a fate of its own.

use super::Creation;
use crate::domain::interaction::Interaction;
use std::sync::Arc;

/// Some of an import, in the order they came in.
#[derive(Clone, Debug)]
pub struct ImportBatch {
    /// What is to be there afterwards. Shared, for it is large and may have to be written again.
    pub items: Arc<[ImportItem]>,
    /// What becomes of an id that is there with other content.
    pub on_conflict: OnConflict,
}

/// An interaction to import.
#[derive(Clone, Debug)]
pub struct ImportItem {
    /// What is stored, and the events that are written if it is.
    pub creation: Creation,
    /// How to tell that it has been imported before.
    pub sameness: Sameness,
}

impl ImportItem {
    /// Whether what is stored under its id is the same document.
    pub fn is_stored_as(&self, stored: &Interaction) -> bool {
        let new = &self.creation.record.interaction;
        let names = match &self.sameness {
            Sameness::ById => return true,
            Sameness::ByMembersBut(names) => names,
        };
        let members = |interaction: &Interaction| {
            let mut members = interaction.members().ok()?;
            names.iter().for_each(|name| drop(members.shift_remove(*name)));
            Some(members)
        };
        stored.foreign_href == new.foreign_href
            && (stored.text == new.text
                || members(stored).is_some_and(|stored| members(new) == Some(stored)))
    }
}

/// When what is stored under an id is the same document as the one that is to be imported: then a
/// run that died is going on, and there is nothing to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sameness {
    /// Always: the id was made of the document and its place.
    ById,
    /// When it has the same `foreign_href` and the same members, but for these: the document did not
    /// have them, so they were set when it was imported.
    ByMembersBut(Vec<&'static str>),
}

/// What becomes of an interaction whose id is there with other content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnConflict {
    /// What is stored stays.
    Skip,
    /// What is stored is replaced, in its place in creation order. No event tells of it.
    Replace,
    /// Nothing behind it is written.
    Stop,
}

/// What became of one item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Imported {
    /// It is new.
    Created,
    /// It took the place of another of its id.
    Replaced,
    /// Another of its id stayed.
    Skipped,
    /// It was there already.
    Same,
    /// Another of its id is there, and the import stops at it.
    Stopped,
}
