//! What lists ask of a database, in the words of no database.
//!
//! Interactions go by their *number*: their place in creation order, from 1. All looks at one snapshot
//! see the same.

use crate::domain::interaction::Interaction;
use crate::store::contract::StoreResult;
use crate::store::plan::AnyOf;
use roaring::RoaringTreemap;

/// Takes an interaction and its number; `false`: that was enough.
pub type Show<'s> = dyn FnMut(u64, Interaction) -> StoreResult<bool> + 's;

/// One state of the database.
pub trait Snapshot {
    /// What people should know of where it is read from.
    fn origin(&self) -> Option<&str> {
        None
    }

    /// How many interactions there are.
    fn count(&self) -> StoreResult<u64>;

    /// The number of the newest; 0: there is none.
    fn newest(&self) -> StoreResult<u64>;

    /// The number of the one that has so many in front of it.
    fn number_at(&self, offset: u64) -> StoreResult<Option<u64>>;

    /// How many are above a number, counting no further than `limit`, and the last one counted; 0: none.
    fn count_above(&self, number: u64, limit: Option<u64>) -> StoreResult<(u64, u64)>;

    /// The intersection of `sets`, by the index alone.
    fn matching(&self, sets: &[AnyOf]) -> StoreResult<RoaringTreemap>;

    /// How large the intersection is, counting no further than `most`; all interactions if there are
    /// no sets.
    fn count_matching(&self, sets: &[AnyOf], most: u64) -> StoreResult<u64>;

    /// Shows the intersection in creation order; all interactions if there are no sets.
    fn each_matching(&self, sets: &[AnyOf], show: &mut Show<'_>) -> StoreResult<()>;

    /// Shows those above the first number, up to the second, in creation order.
    fn each_between(&self, above: u64, up_to: u64, show: &mut Show<'_>) -> StoreResult<()>;

    /// Shows those of these numbers, as far as they exist, in the order of `numbers`.
    fn each_of(&self, numbers: &[u64], show: &mut Show<'_>) -> StoreResult<()>;

    /// Shows all numbers, until told that it is enough.
    fn each_number(&self, show: &mut dyn FnMut(u64) -> bool) -> StoreResult<()>;

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
