//! The tail: the newest interactions, whose entries are not in the index yet.
//!
//! An index of many values is many places to write to: ten pages for each interaction, most of them for it
//! alone. Thousands of interactions together, in the order of the index, share them. So the entries of the
//! newest are kept in memory until there are enough of them ([`super::indexing`]), and lists look in both
//! places. Nothing is lost with the memory: what entries an interaction has follows from its document.
//!
//! A tail is of one state of the database and is brought to younger ones as somebody comes with them, by the
//! numbers of what was created and the log of what was amended. Who comes with an older one is shown the
//! same without what was created since, and with what was amended since as it was.

mod generation;
mod recent;
mod view;

pub(super) use generation::{Entry, Generation};
pub(super) use recent::{State, amended_after, number_from, signed};
pub(super) use view::View;

use crate::domain::index::Key;
use recent::{Documents, Recent};
use roaring::RoaringTreemap;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// The tail of one database, for all who write to it and read from it in this process.
#[derive(Debug)]
pub(super) struct Tail {
    /// Interactions whose entries go to the index together.
    length: usize,
    /// `None`: nobody has asked yet, or following has failed.
    recent: RwLock<Option<Recent>>,
    /// Of what this process writes, so that documents need not be read for it.
    told: Mutex<HashMap<u64, Told>>,
}

/// What the writer knows of an interaction it has written.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) keys: Arc<[Key]>,
}

impl Tail {
    /// Knows nothing yet.
    pub(super) fn new(length: usize) -> Self {
        Self { length: length.max(1), recent: RwLock::default(), told: Mutex::default() }
    }

    /// Interactions whose entries go to the index together.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Tells of interactions that are about to be committed. If that fails nobody asks for them: who has
    /// their number later has another id or version.
    pub(super) fn tell(&self, created: impl IntoIterator<Item = (u64, Told)>) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).extend(created);
    }

    /// Brings the tail to a state, if it is not of a younger one. `connection` shows that state.
    pub(super) fn follow(&self, connection: &Connection, state: State) -> rusqlite::Result<()> {
        let mut kept = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|recent| !recent.is_behind(state)) {
            return Ok(());
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: what a failure leaves half done is gone.
        let mut recent = kept.take().unwrap_or_else(|| Recent::beyond(state));
        let documents = Documents { connection, told: &mut told, length: self.length };
        recent.follow(documents, state)?;
        told.retain(|number, _| *number > state.age.newest);
        *kept = Some(recent);
        Ok(())
    }

    /// Looks at the tail as it is in a state. `connection` shows that state.
    pub(super) fn look<T>(
        &self,
        connection: &Connection,
        state: State,
        look: impl FnOnce(&View<'_>) -> T,
    ) -> rusqlite::Result<T> {
        if self.read().as_ref().is_none_or(|recent| recent.is_behind(state)) {
            self.follow(connection, state)?;
        }
        if let Some(recent) = self.read().as_ref()
            && let Some(view) = View::of(recent, connection, state)?
        {
            return Ok(look(&view));
        }
        // The state is so old that what has become of it is not known any more.
        let mut recent = Recent::beyond(state);
        let documents = Documents { connection, told: &mut HashMap::new(), length: self.length };
        recent.follow(documents, state)?;
        match View::of(&recent, connection, state)? {
            Some(view) => Ok(look(&view)),
            None => Err(rusqlite::Error::QueryReturnedNoRows),
        }
    }

    /// Shows the oldest generation that is complete and not in the index up to `indexed`, and the
    /// interactions of it that were amended after an amendment; `None` of these: that is not known.
    /// `None`: there is no such generation.
    pub(super) fn oldest<T>(
        &self,
        indexed: u64,
        amended_after: u64,
        look: impl FnOnce(&Generation, Option<RoaringTreemap>) -> T,
    ) -> Option<T> {
        let kept = self.read();
        let recent = kept.as_ref()?;
        let oldest = recent.oldest(indexed)?;
        Some(look(oldest, recent.amended(amended_after, oldest.numbers())))
    }

    /// Lets the newest generation be complete, however short it is.
    pub(super) fn complete(&self) {
        let mut kept = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(recent) = kept.as_mut() {
            recent.complete();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Recent>> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }
}
