//! Matches in the order of a [`Sort`], without a place to put them all.
//!
//! A pass over the matches keeps the keys that come next, as many as fit in memory and as the window
//! needs: a run. A window with an ordinary limit takes one pass. What is longer than a run takes one
//! more for each further run: time grows, memory does not. Temporary files would make that one pass,
//! and would leave what parties said on disks nobody thinks of.

use super::selection::{Selection, members_of};
use super::session::{Session, failed_because};
use super::window::{Ahead, Course, Window};
use crate::query::cursor::Position;
use crate::query::sort::Sort;
use crate::store::contract::{PageQuery, Start, StoreResult};
use std::vec::IntoIter;

/// What an entry takes beside its key.
const ENTRY_BYTES: usize = 64;

/// A key and the number of its interaction.
pub(super) type Entry = (Vec<u8>, u64);

/// The way through the matches in order.
pub(super) struct Sorted {
    selection: Selection,
    sort: Sort,
    run: IntoIter<Entry>,
    /// Key of the last one that was in a run, or where the way begins.
    passed: Option<Vec<u8>>,
}

impl Sorted {
    /// The window that is asked for.
    pub(super) fn window(
        session: Session<'_>,
        selection: Selection,
        sort: &Sort,
        asked: &PageQuery,
    ) -> StoreResult<Window> {
        let (offset, passed) = beginning(&asked.start)?;
        let limit = asked.limit;
        let documents = selection.total();
        session.scan(documents, || vec![format!("sort={sort}")])?;
        let sort = sort.clone();
        let mut sorted = Self { selection, sort, run: Vec::new().into_iter(), passed };
        let needed = limit.map_or(u64::MAX, |limit| limit.saturating_add(offset));
        let behind = sorted.pass(session, needed)?.saturating_sub(offset);
        let count = limit.map_or(behind, |limit| limit.min(behind));
        if count > 0 {
            for _ in 0..offset {
                sorted.next(session)?;
            }
            sorted.fill(session, count)?;
        }
        // Known where the window ends within this run; longer ones are turned by offsets.
        let last = usize::try_from(count).ok().and_then(|count| count.checked_sub(1));
        let last = last.and_then(|last| sorted.run.as_slice().get(last));
        let last = last.map(|(key, _)| Position::Sorted(key.clone()));
        let has_next = count < behind;
        let course = Course::Sorted(Ahead::default(), sorted, count);
        Ok(Window { count, has_next, last, documents, course })
    }

    /// The number of the next one. A new run is made as long as it must be.
    pub(super) fn next(&mut self, session: Session<'_>) -> StoreResult<Option<u64>> {
        self.fill(session, u64::MAX)?;
        Ok(self.run.next().map(|(_, number)| number))
    }

    /// Makes the next run where the last one has come to its end.
    fn fill(&mut self, session: Session<'_>, most: u64) -> StoreResult<()> {
        if self.run.as_slice().is_empty() {
            self.pass(session, most)?;
        }
        Ok(())
    }

    /// Makes the next run, which takes up to twice its bytes meanwhile, of so many entries at most, and says how many matches are not passed.
    fn pass(&mut self, session: Session<'_>, most: u64) -> StoreResult<u64> {
        let Self { selection, sort, passed, .. } = self;
        let mut nearest = Nearest::new(most, session.sort_bytes);
        let mut behind = 0;
        selection.each(session, &mut |number, interaction| {
            let key = sort.key(&interaction, &members_of(&interaction)?);
            if passed.as_ref().is_none_or(|passed| key > *passed) {
                behind += 1;
                nearest.offer((key, number));
            }
            Ok(())
        })?;
        let run = nearest.finish();
        if let Some((key, _)) = run.last() {
            *passed = Some(key.clone());
        }
        self.run = run.into_iter();
        Ok(behind)
    }
}

/// How many to pass over, and from where on.
pub(super) fn beginning(start: &Start) -> StoreResult<(u64, Option<Vec<u8>>)> {
    match start {
        Start::Offset(offset) => Ok((*offset, None)),
        Start::After(Position::Sorted(key)) => Ok((0, Some(key.clone()))),
        Start::After(Position::Created(_)) => Err(failed_because("a place in another order")),
    }
}

/// The smallest of the entries offered, at least one, within bounds.
struct Nearest {
    entries: Vec<Entry>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
    /// What is above is not among the smallest.
    above: Option<Vec<u8>>,
}

impl Nearest {
    fn new(most: u64, most_bytes: usize) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        Self { entries: Vec::new(), bytes: 0, most, most_bytes, above: None }
    }

    fn offer(&mut self, entry: Entry) {
        if self.above.as_ref().is_some_and(|above| entry.0 > *above) {
            return;
        }
        self.bytes += size(&entry);
        self.entries.push(entry);
        let twice = |bound: usize| bound.saturating_mul(2);
        if self.bytes > twice(self.most_bytes) || self.entries.len() > twice(self.most) {
            self.settle();
            self.above = self.entries.last().map(|(key, _)| key.clone());
        }
    }

    /// Sorts and drops what is beyond the bounds.
    fn settle(&mut self) {
        self.entries.sort_unstable();
        let mut bytes = 0;
        let fitting = self.entries.iter().take(self.most).take_while(|entry| {
            bytes += size(entry);
            bytes <= self.most_bytes
        });
        let kept = fitting.count().max(1);
        self.entries.truncate(kept);
        self.bytes = self.entries.iter().map(size).sum();
    }

    fn finish(mut self) -> Vec<Entry> {
        self.settle();
        self.entries
    }
}

fn size(entry: &Entry) -> usize {
    entry.0.len() + ENTRY_BYTES
}
