//! What lists ask of a database, in the words of no database.
//!
//! Interactions go by their *number*: their place in creation order, from 1. All looks at one snapshot
//! see the same.

use crate::domain::interaction::Interaction;
use crate::store::contract::StoreResult;
use crate::store::plan::Probe;
use roaring::RoaringTreemap;

/// Takes an interaction and its number; `false`: that was enough.
pub type Show<'s> = dyn FnMut(u64, Interaction) -> StoreResult<bool> + 's;

/// How much has happened up to a state of the database.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Age {
    /// Whose state it is: numbers of another origin may mean something else.
    pub origin: i64,
    /// The number of the last amendment; 0: there is none.
    pub amendments: u64,
    /// No interaction has a number above this one, and those created later have.
    pub newest: u64,
}

/// An interaction was replaced or deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Amendment {
    /// Its place in the order of commits, from 1.
    pub number: u64,
    /// The number of the interaction.
    pub of: u64,
}

/// One state of the database.
pub trait Snapshot {
    /// How old it is.
    fn age(&self) -> StoreResult<Age>;

    /// What people should know of where it is read from.
    fn provenance(&self) -> Option<&str> {
        None
    }

    /// How many interactions there are, where that is known without counting.
    fn count(&self) -> StoreResult<Option<u64>>;

    /// How many are above a number, counting no further than `limit`, and the last one counted; 0: none.
    fn count_above(&self, number: u64, limit: u64) -> StoreResult<(u64, u64)>;

    /// All amendments after one, in order; `None`: the log does not reach back so far any more.
    fn amended_after(&self, number: u64) -> StoreResult<Option<Vec<Amendment>>>;

    /// Shows the numbers above one that a probe finds, in order, until told that it is enough. From 0
    /// on, those of [`Probe::Every`] may come in any order. Neither for ranges nor for presence.
    fn each_found(
        &self,
        probe: &Probe,
        above: u64,
        show: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()>;

    /// Which of these numbers a probe finds. Neither for ranges nor for presence.
    fn found_among(&self, probe: &Probe, numbers: &[u64]) -> StoreResult<Vec<u64>>;

    /// Shows those above the first number, up to the second, in creation order.
    fn each_between(&self, above: u64, up_to: u64, show: &mut Show<'_>) -> StoreResult<()>;

    /// Shows those of these numbers, as far as they exist, in the order of `numbers`.
    fn each_of(&self, numbers: &[u64], show: &mut Show<'_>) -> StoreResult<()>;

    /// Whether the index has texts at that path, besides instants.
    fn has_texts(&self, path: u16) -> StoreResult<bool>;

    /// Those that have any entry in the index at that path.
    fn present(&self, path: u16) -> StoreResult<RoaringTreemap>;

    /// Shows the instants of the index at that path from one on, upwards or downwards, with the number
    /// of whose they are, until told that it is enough.
    fn each_instant(
        &self,
        path: u16,
        from_us: i64,
        descending: bool,
        show: &mut dyn FnMut(i64, u64) -> StoreResult<bool>,
    ) -> StoreResult<()>;
}
