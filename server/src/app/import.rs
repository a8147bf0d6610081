//! Interactions that come from elsewhere: they keep their ids, addresses and dates.

use super::{App, AppError, new_id, version_after};
use crate::domain::event::{Occasion, events_of_create};
use crate::domain::interaction::Interaction;
use crate::domain::lifecycle;
use crate::domain::tree::Object;
use crate::store::contract::{Creation, ImportBatch, ImportItem, Imported, Sameness, StoreResult};

/// What an interaction from elsewhere is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// Its id.
    pub id: String,
    /// Whether the id was made for it, of its document and its place: it came with none.
    pub is_id_made: bool,
    /// Its `href`, unless it is one of ours.
    pub foreign_href: Option<String>,
}

impl App {
    /// An interaction from elsewhere, ready to be written: `members` are canonical, without `id` and
    /// `href`. `with_events`: its create event goes with it.
    ///
    /// # Errors
    /// [`AppError::Refused`], [`AppError::TooLarge`], [`AppError::TooManyValues`].
    pub fn import_item(
        &self,
        members: Object<'_>,
        origin: Origin,
        now: &str,
        with_events: bool,
    ) -> Result<ImportItem, AppError> {
        lifecycle::check_root_type(&members)?;
        let (members, got) = lifecycle::imported(members, now);
        let Origin { id, is_id_made, foreign_href } = origin;
        let text = self.text_of(&members)?;
        let interaction = Interaction { id, version: version_after(0), foreign_href, text };
        let occasion = Occasion { time: now, correlation_id: None };
        let events = match with_events {
            true => events_of_create(&interaction, occasion, new_id),
            false => Vec::new(),
        };
        Ok(ImportItem {
            creation: Creation { record: self.record(interaction, &members), events },
            sameness: if is_id_made { Sameness::ById } else { Sameness::ByMembersBut(got) },
        })
    }

    /// Writes some of an import, see [`crate::store::contract::Store::import`].
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn import(&self, batch: ImportBatch) -> StoreResult<Vec<Imported>> {
        self.store.import(batch).await
    }

    /// Ends the work on the store: what is acknowledged is in one file.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn close(&self) -> StoreResult<()> {
        self.store.close().await
    }
}
