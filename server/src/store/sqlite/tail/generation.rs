//! A generation of the tail: interactions whose entries go to the index together, and these entries in the
//! order in which they do.

use crate::domain::index::{Key, KeyValue};
use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

/// Interactions of consecutive numbers, but for those that were deleted.
#[derive(Debug)]
pub(in super::super) struct Generation {
    /// All numbers in it are above.
    after: u64,
    /// The last one, where it is complete.
    up_to: Option<u64>,
    entries: BTreeMap<Key, Vec<u64>>,
    documents: BTreeMap<u64, Arc<[Key]>>,
    /// Entries ever added.
    added: usize,
}

/// An entry: what has it in the index is behind those before.
pub(in super::super) type Entry = (Key, u64);

impl Generation {
    pub(super) fn after(number: u64) -> Self {
        Self {
            after: number,
            up_to: None,
            entries: BTreeMap::new(),
            documents: BTreeMap::new(),
            added: 0,
        }
    }

    /// The numbers it is about.
    pub(super) fn numbers(&self) -> RangeInclusive<u64> {
        self.after + 1..=self.up_to.unwrap_or(u64::MAX)
    }

    /// The last number, where it is complete.
    pub(in super::super) fn up_to(&self) -> Option<u64> {
        self.up_to
    }

    pub(super) fn complete(&mut self, up_to: u64) {
        self.up_to = Some(up_to);
    }

    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    pub(super) fn insert(&mut self, number: u64, keys: Arc<[Key]>) {
        for key in keys.iter() {
            let numbers = match self.entries.get_mut(key) {
                Some(numbers) => numbers,
                None => self.entries.entry(key.clone()).or_default(),
            };
            if let Err(place) = numbers.binary_search(&number) {
                numbers.insert(place, number);
            }
        }
        self.added += keys.len();
        self.documents.insert(number, keys);
    }

    pub(super) fn remove(&mut self, number: u64) {
        for key in self.documents.remove(&number).iter().flat_map(|keys| keys.iter()) {
            let Some(numbers) = self.entries.get_mut(key) else { continue };
            if let Ok(place) = numbers.binary_search(&number) {
                numbers.remove(place);
            }
            if numbers.is_empty() {
                self.entries.remove(key);
            }
        }
    }

    /// The numbers of those with a key, in order.
    pub(super) fn with(&self, key: &Key) -> &[u64] {
        self.entries.get(key).map_or(&[], Vec::as_slice)
    }

    /// The entries of a range of keys, in order.
    pub(super) fn range(
        &self,
        keys: RangeInclusive<Key>,
    ) -> impl DoubleEndedIterator<Item = (&Key, u64)> {
        let entries = self.entries.range(keys);
        entries.flat_map(|(key, numbers)| numbers.iter().map(move |number| (key, *number)))
    }

    /// What an interaction has.
    pub(in super::super) fn keys_of(&self, number: u64) -> Option<&Arc<[Key]>> {
        self.documents.get(&number)
    }

    /// So many entries behind one, or from the first on, in order.
    pub(in super::super) fn behind(&self, last: Option<&Entry>, most: usize) -> Vec<Entry> {
        let from = last.map_or(Bound::Unbounded, |(key, _)| Bound::Included(key));
        self.entries
            .range((from, Bound::Unbounded))
            .flat_map(|(key, numbers)| numbers.iter().map(move |number| (key, *number)))
            .filter(|(key, number)| {
                last.is_none_or(|(last, passed)| *key > last || number > passed)
            })
            .take(most)
            .map(|(key, number)| (key.clone(), number))
            .collect()
    }

    /// As many entries as so many of its interactions have, rounded up; never none.
    pub(in super::super) fn entries_of(&self, interactions: usize) -> usize {
        let entries = self.added.max(1).saturating_mul(interactions);
        entries.div_ceil(self.documents.len().max(1))
    }

    /// How many of its interactions have so many entries, rounded up; never none.
    pub(in super::super) fn interactions_of(&self, entries: usize) -> usize {
        let interactions = self.documents.len().saturating_mul(entries);
        interactions.div_ceil(self.added.max(1)).max(1)
    }
}

/// All keys of texts at a path.
pub(super) fn texts(path: u16) -> RangeInclusive<Key> {
    let first = KeyValue::Text(String::new());
    // Texts are before all instants in the order of keys.
    Key { path, value: first }..=Key { path, value: KeyValue::Instant(i64::MIN) }
}

/// All keys of instants at a path, from one on, up to another.
pub(super) fn instants(path: u16, from_us: i64, to_us: i64) -> RangeInclusive<Key> {
    let key = |us| Key { path, value: KeyValue::Instant(us) };
    key(from_us)..=key(to_us)
}

/// All keys at a path.
pub(super) fn all(path: u16) -> RangeInclusive<Key> {
    Key { path, value: KeyValue::Text(String::new()) }..=Key {
        path,
        value: KeyValue::Instant(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: u16, text: &str) -> Key {
        Key { path, value: KeyValue::Text(text.to_owned()) }
    }

    fn instant(path: u16, us: i64) -> Key {
        Key { path, value: KeyValue::Instant(us) }
    }

    #[test]
    fn entries_are_in_order_and_go_with_their_interaction() {
        let mut generation = Generation::after(4);
        generation.insert(5, [text(3, "b"), instant(6, 7)].into());
        generation.insert(7, [text(3, "a"), instant(6, -1)].into());
        generation.insert(6, [text(3, "b")].into());
        let all = generation.behind(None, 9);
        let expected = [
            (text(3, "a"), 7),
            (text(3, "b"), 5),
            (text(3, "b"), 6),
            (instant(6, -1), 7),
            (instant(6, 7), 5),
        ];
        assert_eq!(all, expected);
        for at in 0..all.len() {
            assert_eq!(
                generation.behind(Some(&all[at]), 2),
                all[at + 1..].iter().take(2).cloned().collect::<Vec<_>>()
            );
        }
        assert_eq!(generation.with(&text(3, "b")), [5, 6]);
        assert_eq!(generation.entries_of(3), 5);
        assert_eq!(generation.entries_of(1), 2);
        generation.remove(5);
        generation.remove(5);
        assert_eq!(generation.behind(None, 9), [all[0].clone(), all[2].clone(), all[3].clone()]);
    }

    #[test]
    fn ranges() {
        let mut generation = Generation::after(0);
        generation.insert(1, [text(5, ""), text(5, "z"), instant(5, i64::MIN), text(6, "")].into());
        generation.insert(2, [instant(5, i64::MAX), instant(5, 3)].into());
        let found = |keys| generation.range(keys).map(|(_, number)| number).collect::<Vec<_>>();
        assert_eq!(found(all(5)), [1, 1, 1, 2, 2]);
        assert_eq!(found(instants(5, 0, i64::MAX)), [2, 2]);
        assert_eq!(found(texts(6)), [1]);
    }
}
