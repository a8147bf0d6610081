//! Lists: what is asked for, and the answer, which is told before its items are read.

use crate::domain::interaction::Interaction;
use crate::query::cursor::Position;
use crate::query::filter::Filter;
use crate::query::sort::Sort;
use crate::store::contract::StoreResult;
use futures::Stream;
use std::pin::Pin;

/// A window of the matching interactions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageQuery {
    /// Which interactions.
    pub filter: Filter,
    /// In which order; `None`: as they were created.
    pub sort: Option<Sort>,
    /// Where the window begins.
    pub start: Start,
    /// How many interactions it has at most; `None`: all from its beginning on.
    pub limit: Option<u64>,
}

/// Where a window begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// After so many matches.
    Offset(u64),
    /// Behind a place in the order, whatever was written since it was given out.
    After(Position),
}

impl Default for Start {
    fn default() -> Self {
        Self::Offset(0)
    }
}

/// The answer to a [`PageQuery`], all of it from one snapshot.
pub struct Page {
    /// All that match, exactly.
    pub total: u64,
    /// How many of them are in the window.
    pub count: u64,
    /// Whether others follow behind it.
    pub has_next: bool,
    /// Place of the last one in the window, for who goes on from there; `None` where there is none,
    /// and where it is not known before the window has been read.
    pub last: Option<Position>,
    /// One line that tells how the answer was found, for people.
    pub plan: String,
    /// The window.
    pub items: Items,
}

/// Interactions in order.
pub enum Items {
    /// Few enough to be there already.
    Read(Vec<Interaction>),
    /// As many as were counted, as they are taken. Who stops taking loses the rest.
    Streamed(Chunks),
}

/// A failure is the last of it: then the list is not whole.
pub type Chunks = Pin<Box<dyn Stream<Item = StoreResult<Vec<Interaction>>> + Send + Sync>>;
