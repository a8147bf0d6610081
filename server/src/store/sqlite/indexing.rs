//! Bringing the tail into the index: a generation at a time, a slice of it with each transaction.
//!
//! As many entries go to the index as interactions were created lately, and a few more: so the tail stays
//! short, and no transaction takes long. Where it is long all the same, because somebody has written who does
//! not do this, a whole generation goes with each. A slice is the first thing in its transaction, of the state before
//! it. Three things always hold, whoever writes and whenever it ends:
//!
//! - All entries of interactions up to `indexed.up_to` are in the index.
//! - Of those above, some may be. Lists do not look at them there.
//! - What is in the index is what some interaction has now: who amends one takes out what it has no more,
//!   whether it is there or not.
//!
//! An interaction that is amended while its generation is on the way may miss entries of slices gone by.
//! The last slice brings all it has.

use super::change::add_keys;
use super::tail::{Entry, Generation, State, Tail, Told, signed};
use crate::domain::index::Key;
use roaring::RoaringTreemap;
use rusqlite::Connection;
use std::sync::Arc;

/// Generations that the tail has at most, where all goes as it should: one on its way, one growing, and as
/// many as an import brings at a time.
const LONG: usize = 4;

/// The tail, and how much of it is in the index.
#[derive(Debug)]
pub(super) struct Indexing {
    tail: Arc<Tail>,
    done: Done,
}

/// How far it has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    /// The newest interaction when slices were last measured.
    newest: u64,
    way: Option<Way>,
}

/// A generation on its way.
#[derive(Clone, Debug)]
struct Way {
    /// Its last number.
    up_to: u64,
    /// The last entry that is in the index.
    last: Option<Entry>,
    /// The last amendment when it began.
    amendments: u64,
}

/// What goes to the index with a transaction.
struct Slice {
    up_to: u64,
    entries: Vec<Entry>,
    /// Interactions with all they have.
    amended: Vec<(u64, Arc<[Key]>)>,
    is_last: bool,
}

impl Indexing {
    /// Has not begun.
    pub(super) fn new(tail: Arc<Tail>) -> Self {
        Self { tail, done: Done::default() }
    }

    /// Tells the tail of interactions that are about to be committed.
    pub(super) fn tell(&self, created: Vec<(u64, Told)>) {
        self.tail.tell(created);
    }

    /// Brings the tail to what is committed. To be called in a transaction that has changed nothing.
    pub(super) fn follow(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.tail.follow(connection, State::of(connection)?)
    }

    /// Writes a slice. To be called at the beginning of a transaction; once that is committed, what is
    /// returned is to be handed to [`Indexing::is_done`].
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<Done> {
        let state = State::of(connection)?;
        self.tail.follow(connection, state)?;
        let newest = state.age.newest;
        // At the start nothing is known of what was created lately.
        let created = match self.done.newest {
            0 => 0,
            before => newest.saturating_sub(before),
        };
        let created = usize::try_from(created).unwrap_or(usize::MAX);
        let mut interactions = created.saturating_add(created.div_ceil(4));
        if state.unindexed() > self.tail.length().saturating_mul(LONG) {
            interactions = interactions.max(self.tail.length());
        }
        let way = self.slices(connection, state, interactions)?;
        Ok(Done { newest, way })
    }

    /// A transaction is committed in which so much was done.
    pub(super) fn is_done(&mut self, done: Done) {
        self.done = done;
    }

    /// Writes all there is. To be called in a transaction.
    pub(super) fn write_all(&self, connection: &Connection) -> rusqlite::Result<()> {
        let state = State::of(connection)?;
        self.tail.follow(connection, state)?;
        self.tail.complete();
        self.slices(connection, state, usize::MAX).map(drop)
    }

    /// Slices of the entries of so many interactions, and where that ends.
    fn slices(
        &self,
        connection: &Connection,
        state: State,
        mut interactions: usize,
    ) -> rusqlite::Result<Option<Way>> {
        let (mut indexed, mut way) = (state.indexed, self.done.way.clone());
        while interactions > 0 {
            let after = way.as_ref().map_or(0, |way| way.amendments);
            let next = self.tail.oldest(indexed, after, |generation, amended| {
                next(generation, amended, way.take(), state, &mut interactions)
            });
            let Some((slice, next)) = next else { return Ok(None) };
            slice.write(connection)?;
            way = next;
            if slice.is_last {
                indexed = slice.up_to;
            }
        }
        Ok(way)
    }
}

/// The next slice of a generation, of `way` if it is on it, and where it is then. Takes from
/// `interactions` what it has entries of.
fn next(
    generation: &Generation,
    amended: Option<RoaringTreemap>,
    way: Option<Way>,
    state: State,
    interactions: &mut usize,
) -> (Slice, Option<Way>) {
    let up_to = generation.up_to().unwrap_or_default();
    let way = way.filter(|way| way.up_to == up_to).zip(amended);
    // Where it is not known what was amended meanwhile, it begins anew.
    let beginning = || Way { up_to, last: None, amendments: state.age.amendments };
    let (way, amended) = way.unwrap_or_else(|| (beginning(), RoaringTreemap::new()));
    let most = generation.entries_of(*interactions);
    let entries = generation.behind(way.last.as_ref(), most);
    let is_last = entries.len() < most;
    *interactions = if is_last {
        interactions.saturating_sub(generation.interactions_of(entries.len()))
    } else {
        0
    };
    let all = |number| Some((number, Arc::clone(generation.keys_of(number)?)));
    let amended = if is_last { amended.into_iter().filter_map(all).collect() } else { Vec::new() };
    let last = entries.last().cloned().or(way.last);
    let way = (!is_last).then_some(Way { last, ..way });
    (Slice { up_to, entries, amended, is_last }, way)
}

impl Slice {
    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let entries = self.entries.iter().map(|(key, number)| (key, signed(*number)));
        let amended = self
            .amended
            .iter()
            .flat_map(|(number, keys)| keys.iter().map(|key| (key, signed(*number))));
        add_keys(connection, entries.chain(amended).collect())?;
        if self.is_last {
            // Another process may have come further.
            connection
                .prepare_cached("UPDATE indexed SET up_to = max(up_to, ?) WHERE one = 1")?
                .execute([signed(self.up_to)])?;
        }
        Ok(())
    }
}
