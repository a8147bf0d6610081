//! What the tail holds of one state of the database, and how it is brought to a younger one.

use super::super::snapshot::interaction_from;
use super::Told;
use super::generation::Generation;
use crate::domain::index::{Key, keys_of};
use crate::store::list::{Age, Amendment, History};
use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

/// A state of the database.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct State {
    /// How old it is.
    pub(in super::super) age: Age,
    /// All entries of interactions up to this number are in the index, of those above some or none.
    pub(in super::super) indexed: u64,
}

impl State {
    /// The one that a connection in a transaction shows.
    pub(in super::super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        // All three are keys, and the newest entry of the log is always kept.
        let sql = "SELECT (SELECT coalesce(max(number), 0) FROM amendment),
                          (SELECT coalesce(max(seq), 0) FROM interaction),
                          (SELECT up_to FROM indexed WHERE one = 1)";
        connection.prepare_cached(sql)?.query_row([], |row| {
            let (amendments, newest) = (number_from(row, 0)?, number_from(row, 1)?);
            let age = Age { origin: 0, amendments, newest };
            Ok(Self { age, indexed: number_from(row, 2)? })
        })
    }

    /// How many interactions there can be above the index.
    pub(in super::super) fn unindexed(self) -> usize {
        usize::try_from(self.age.newest.saturating_sub(self.indexed)).unwrap_or(usize::MAX)
    }
}

/// Where keys come from: what the writer has told, or else documents as a connection shows them.
pub(super) struct Documents<'a> {
    pub(super) connection: &'a Connection,
    pub(super) told: &'a mut HashMap<u64, Told>,
    /// After how many of them a new generation begins.
    pub(super) length: usize,
}

/// The newest interactions of a state.
#[derive(Debug)]
pub(super) struct Recent {
    age: Age,
    /// Oldest first: one that is in the index, for those who look at an older state, then those that are
    /// not, the last of them growing.
    generations: VecDeque<Generation>,
    /// What was amended lately.
    history: History,
}

impl Recent {
    /// Knows nothing yet of what is not in the index.
    pub(super) fn beyond(state: State) -> Self {
        let State { age, indexed } = state;
        Self {
            age: Age { newest: indexed, ..age },
            generations: VecDeque::from([Generation::after(indexed)]),
            history: History::after(age.amendments),
        }
    }

    /// Whether less has happened than in a state.
    pub(super) fn is_behind(&self, state: State) -> bool {
        let Age { amendments, newest, .. } = state.age;
        amendments > self.age.amendments
            || (amendments == self.age.amendments && newest > self.age.newest)
    }

    /// Follows to a younger state.
    pub(super) fn follow(
        &mut self,
        mut documents: Documents<'_>,
        state: State,
    ) -> rusqlite::Result<()> {
        let amended = match state.indexed > self.age.newest {
            // Others have come far since.
            true => None,
            false => amended_after(documents.connection, self.age.amendments)?,
        };
        match amended {
            Some(amended) => self.amend(&documents, amended, state)?,
            None => *self = Self::beyond(state),
        }
        self.create(&mut documents)?;
        self.age = state.age;
        while let [first, second, ..] = self.generations.make_contiguous()
            && [first, second].iter().all(|one| one.up_to().is_some_and(|n| n <= state.indexed))
        {
            self.generations.pop_front();
        }
        Ok(())
    }

    /// Takes in what was replaced and deleted.
    fn amend(
        &mut self,
        documents: &Documents<'_>,
        amended: Vec<Amendment>,
        state: State,
    ) -> rusqlite::Result<()> {
        let numbers: BTreeSet<u64> = amended.iter().map(|amendment| amendment.of).collect();
        for number in numbers.into_iter().filter(|number| *number <= self.age.newest) {
            let holds = |one: &&mut Generation| one.numbers().contains(&number);
            if let Some(generation) = self.generations.iter_mut().find(holds) {
                generation.remove(number);
                if let Some(keys) = keys_at(documents.connection, number)? {
                    generation.insert(number, keys);
                }
            }
        }
        self.history.extend(amended, state.age.amendments);
        Ok(())
    }

    /// Takes in what was created.
    fn create(&mut self, documents: &mut Documents<'_>) -> rusqlite::Result<()> {
        let sql = "SELECT id, version, foreign_href, document, seq FROM interaction
                   WHERE seq > ? ORDER BY seq";
        let mut statement = documents.connection.prepare_cached(sql)?;
        let mut rows = statement.query([signed(self.age.newest)])?;
        while let Some(row) = rows.next()? {
            let number = number_from(row, 4)?;
            let keys = match documents.told.remove(&number) {
                Some(told) if told.is_of(row)? => told.keys,
                _ => keys_of(&interaction_from(row)?).into(),
            };
            self.push(number, keys, documents.length);
        }
        Ok(())
    }

    fn push(&mut self, number: u64, keys: Arc<[Key]>, length: usize) {
        let Some(last) = self.generations.back_mut() else { return };
        last.insert(number, keys);
        self.age.newest = number;
        if last.len() >= length {
            self.complete();
        }
    }

    /// Lets the newest generation be complete.
    pub(super) fn complete(&mut self) {
        let newest = self.age.newest;
        if let Some(last) = self.generations.back_mut()
            && last.len() > 0
        {
            last.complete(newest);
            self.generations.push_back(Generation::after(newest));
        }
    }

    /// The oldest one that is complete and not in the index.
    pub(super) fn oldest(&self, indexed: u64) -> Option<&Generation> {
        self.generations.iter().find(|one| one.up_to().is_some_and(|up_to| up_to > indexed))
    }

    pub(super) fn generations(&self) -> &VecDeque<Generation> {
        &self.generations
    }

    /// Whether it knows all interactions above a number.
    pub(super) fn reaches(&self, number: u64) -> bool {
        self.generations.front().is_some_and(|first| *first.numbers().start() <= number + 1)
    }

    /// Which of these were amended after an amendment; `None`: that is not known any more.
    pub(super) fn amended(&self, after: u64, among: RangeInclusive<u64>) -> Option<RoaringTreemap> {
        let mut numbers = self.history.numbers(after, self.age.amendments)?;
        numbers.remove_range(..among.start());
        numbers.remove_range((Bound::Excluded(among.end()), Bound::Unbounded));
        Some(numbers)
    }
}

impl Told {
    /// Whether it is what was written: same id and version, same content.
    fn is_of(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let id = row.get_ref(0)?.as_str()?;
        Ok(self.id == id && self.version == row.get::<_, i64>(1)?)
    }
}

/// What an interaction has for the index; `None`: there is none of that number.
pub(super) fn keys_at(
    connection: &Connection,
    number: u64,
) -> rusqlite::Result<Option<Arc<[Key]>>> {
    let sql = "SELECT id, version, foreign_href, document FROM interaction WHERE seq = ?";
    let stored = connection.prepare_cached(sql)?.query_row([signed(number)], interaction_from);
    Ok(stored.optional()?.map(|stored| keys_of(&stored).into()))
}

/// All amendments after one, in order; `None`: the log does not reach back so far any more.
pub(in super::super) fn amended_after(
    connection: &Connection,
    number: u64,
) -> rusqlite::Result<Option<Vec<Amendment>>> {
    let oldest = "SELECT coalesce(min(number), 1) FROM amendment";
    let oldest = connection.prepare_cached(oldest)?.query_row([], |row| number_from(row, 0))?;
    if oldest > number.saturating_add(1) {
        return Ok(None);
    }
    let sql = "SELECT number, seq FROM amendment WHERE number > ? ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let amendments = statement.query_map([signed(number)], |row| {
        Ok(Amendment { number: number_from(row, 0)?, of: number_from(row, 1)? })
    })?;
    amendments.collect::<rusqlite::Result<_>>().map(Some)
}

/// Reads the creation number in a column. SQLite counts from 1.
pub(in super::super) fn number_from(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

/// For SQL, whose integers have a sign.
pub(in super::super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
