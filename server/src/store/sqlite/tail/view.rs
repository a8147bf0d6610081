//! The tail as it is in one state: what a list finds in it.

use super::generation::{all, instants, texts};
use super::recent::{Recent, State, keys_at};
use crate::domain::index::{Key, KeyValue};
use roaring::RoaringTreemap;
use rusqlite::Connection;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What is above the index in one state.
pub(in super::super) struct View<'a> {
    recent: &'a Recent,
    state: State,
    /// What was amended since, in order, each with what it had.
    amended: Vec<(u64, Arc<[Key]>)>,
    gone: RoaringTreemap,
}

impl<'a> View<'a> {
    /// The view of the state that `connection` shows; `None`: too much has happened since.
    pub(super) fn of(
        recent: &'a Recent,
        connection: &Connection,
        state: State,
    ) -> rusqlite::Result<Option<Self>> {
        let among = state.indexed + 1..=state.age.newest;
        let amended = recent.amended(state.age.amendments, among);
        let Some(gone) = amended.filter(|_| recent.reaches(state.indexed)) else {
            return Ok(None);
        };
        let mut amended = Vec::new();
        for number in &gone {
            amended.extend(keys_at(connection, number)?.map(|keys| (number, keys)));
        }
        Ok(Some(Self { recent, state, amended, gone }))
    }

    /// Those above a number with a key, in order.
    pub(in super::super) fn with(&self, key: &Key, above: u64) -> Vec<u64> {
        let generations = self.recent.generations().iter();
        let mut numbers: Vec<u64> = generations
            .flat_map(|one| {
                let numbers = one.with(key);
                let first = numbers.partition_point(|number| *number <= above);
                numbers.get(first..).unwrap_or_default()
            })
            .copied()
            .filter(|number| self.shows(*number))
            .collect();
        let amended = self.amended.iter().filter(|(_, keys)| keys.contains(key));
        let amended = amended.map(|(number, _)| *number).filter(|number| *number > above);
        numbers.extend(amended);
        if !self.amended.is_empty() {
            numbers.sort_unstable();
        }
        numbers
    }

    /// Those with any key at a path, some of them more than once.
    pub(in super::super) fn present(&self, path: u16) -> Vec<u64> {
        self.range(&all(path)).map(|(_, number)| number).collect()
    }

    /// Whether any text is at a path.
    pub(in super::super) fn has_texts(&self, path: u16) -> bool {
        let is_text = |(key, _): (&Key, u64)| matches!(key.value, KeyValue::Text(_));
        self.range(&texts(path)).any(is_text)
    }

    /// So many instants at a path, in order, from one on and after the first `passed`, with the numbers of
    /// whose they are.
    pub(in super::super) fn instants(
        &self,
        path: u16,
        from_us: i64,
        descending: bool,
        passed: usize,
        most: usize,
    ) -> Vec<(i64, u64)> {
        let keys = match descending {
            true => instants(path, i64::MIN, from_us),
            false => instants(path, from_us, i64::MAX),
        };
        let instant = |(key, number): (&Key, u64)| match key.value {
            KeyValue::Instant(us) => Some((us, number)),
            KeyValue::Text(_) => None,
        };
        let mut found: Vec<(i64, u64)> = self.amended_in(&keys).filter_map(instant).collect();
        let wanted = passed.saturating_add(most);
        for generation in self.recent.generations() {
            let entries = generation.range(keys.clone()).filter(|(_, n)| self.shows(*n));
            match descending {
                true => found.extend(entries.rev().take(wanted).filter_map(instant)),
                false => found.extend(entries.take(wanted).filter_map(instant)),
            }
        }
        found.sort_unstable();
        if descending {
            found.reverse();
        }
        found.into_iter().skip(passed).take(most).collect()
    }

    /// All entries of a range of keys, in no order.
    fn range<'v>(&'v self, keys: &'v RangeInclusive<Key>) -> impl Iterator<Item = (&'v Key, u64)> {
        let generations = self.recent.generations().iter();
        let entries = generations.flat_map(|one| one.range(keys.clone()));
        entries.filter(|(_, number)| self.shows(*number)).chain(self.amended_in(keys))
    }

    fn amended_in<'v>(
        &'v self,
        keys: &'v RangeInclusive<Key>,
    ) -> impl Iterator<Item = (&'v Key, u64)> {
        self.amended
            .iter()
            .flat_map(|(number, keys)| keys.iter().map(move |key| (key, *number)))
            .filter(|(key, _)| keys.contains(key))
    }

    /// Whether an interaction was then as it is in the generations, and not in the index.
    fn shows(&self, number: u64) -> bool {
        number > self.state.indexed
            && number <= self.state.age.newest
            && !self.gone.contains(number)
    }
}
