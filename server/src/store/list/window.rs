//! The window of a list: which of the matches are shown, and reading them in order.
//!
//! Documents are read for the window only, a chunk at a time.

use super::selection::{Selection, TOGETHER};
use super::session::{Session, failed_because};
use super::snapshot::Snapshot;
use super::sorted::Sorted;
use crate::domain::interaction::Interaction;
use crate::query::cursor::Position;
use crate::store::contract::{PageQuery, Start, StoreResult};
use crate::store::plan::Order;
use std::collections::VecDeque;

/// A window, counted before it is read.
pub(super) struct Window {
    /// How many interactions it has.
    pub(super) count: u64,
    /// Whether others follow.
    pub(super) has_next: bool,
    /// Place of the last one, as far as it is known.
    pub(super) last: Option<Position>,
    /// How many documents were read to bring it into order.
    pub(super) documents: u64,
    /// The way through it.
    pub(super) course: Course,
}

/// What of a window is still to be read.
pub(super) enum Course {
    /// All interactions with numbers above the first and up to the last.
    Range(u64, u64),
    /// Those of these numbers, in this order.
    Listed(Ahead, Box<dyn Iterator<Item = u64>>),
    /// So many more in the order of a sort.
    Sorted(Ahead, Sorted, u64),
}

impl Selection {
    /// The window that is asked for.
    pub(super) fn window(
        self,
        session: Session<'_>,
        order: &Order,
        asked: &PageQuery,
    ) -> StoreResult<Window> {
        match order {
            Order::Creation => self.in_creation_order(session, &asked.start, asked.limit),
            Order::Documents(sort) => Sorted::window(session, self, sort, asked),
            Order::Index { path, sort } => match self.walked(session, *path, sort, asked)? {
                Some(window) => Ok(window),
                None => Sorted::window(session, self, sort, asked),
            },
        }
    }

    fn in_creation_order(
        self,
        session: Session<'_>,
        start: &Start,
        limit: Option<u64>,
    ) -> StoreResult<Window> {
        let from = match start {
            Start::Offset(offset) => Beginning::Offset(*offset),
            Start::After(Position::Created(number)) => Beginning::Number(*number),
            Start::After(Position::Sorted(_)) => {
                return Err(failed_because("a place in another order"));
            }
        };
        match self {
            Self::All(all) => range(session.snapshot, all, from, limit),
            Self::Some(mut numbers) => {
                let passed = match from {
                    Beginning::Offset(0) => None,
                    Beginning::Offset(offset) => {
                        Some(numbers.select(offset - 1).unwrap_or(u64::MAX))
                    }
                    Beginning::Number(number) => Some(number),
                };
                if let Some(passed) = passed {
                    numbers.remove_range(..=passed);
                }
                let count = limit.map_or(numbers.len(), |limit| limit.min(numbers.len()));
                let last = count.checked_sub(1).and_then(|last| numbers.select(last));
                let last = last.map(Position::Created);
                let has_next = count < numbers.len();
                let shown = usize::try_from(count).unwrap_or(usize::MAX);
                let course = Course::listed(numbers.into_iter().take(shown));
                Ok(Window { count, has_next, last, documents: 0, course })
            }
        }
    }
}

/// Where a window in creation order begins.
#[derive(Clone, Copy)]
enum Beginning {
    /// After so many.
    Offset(u64),
    /// Above this number.
    Number(u64),
}

/// The window of all interactions, by their numbers. It is counted as far as it reaches: the numbers
/// have gaps.
fn range(
    snapshot: &dyn Snapshot,
    all: u64,
    from: Beginning,
    limit: Option<u64>,
) -> StoreResult<Window> {
    let passed = match from {
        Beginning::Offset(0) => Some(0),
        Beginning::Offset(offset) => snapshot.number_at(offset - 1)?,
        Beginning::Number(number) => Some(number),
    };
    // Past the end nothing is above.
    let passed = passed.unwrap_or(u64::MAX);
    let newest = snapshot.newest()?;
    let (count, last) = match (from, limit) {
        (Beginning::Offset(offset), None) => (all.saturating_sub(offset), newest),
        _ => snapshot.count_above(passed, limit)?,
    };
    let has_next = newest > last.max(passed);
    let course = Course::Range(passed, last);
    let last = Some(Position::Created(last));
    Ok(Window { count, has_next, last, documents: 0, course })
}

impl Course {
    /// Those of these numbers, in this order.
    pub(super) fn listed(numbers: impl Iterator<Item = u64> + 'static) -> Self {
        Self::Listed(Ahead::default(), Box::new(numbers))
    }

    /// Reads on, up to the document that exceeds so many bytes; nothing at the end.
    pub(super) fn read(
        &mut self,
        session: Session<'_>,
        most_bytes: usize,
    ) -> StoreResult<Vec<Interaction>> {
        session.check()?;
        let mut chunk = Chunk { items: Vec::new(), bytes: 0, most_bytes };
        match self {
            Self::Range(passed, last) => {
                session.snapshot.each_between(*passed, *last, &mut |number, item| {
                    *passed = number;
                    chunk.add(item);
                    Ok(!chunk.is_full())
                })?;
            }
            Self::Listed(ahead, numbers) => {
                chunk.read_each(session, ahead, &mut || Ok(numbers.next()))?;
            }
            Self::Sorted(ahead, sorted, left) => chunk.read_each(session, ahead, &mut || {
                let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
                *left = fewer;
                sorted.next(session)
            })?,
        }
        Ok(chunk.items)
    }
}

/// Documents that were asked for together with one of the last chunk.
#[derive(Default)]
pub(super) struct Ahead(VecDeque<Interaction>);

/// A chunk being read.
struct Chunk {
    items: Vec<Interaction>,
    bytes: usize,
    most_bytes: usize,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.bytes >= self.most_bytes
    }

    fn add(&mut self, item: Interaction) {
        self.bytes += item.text.len() + item.id.len();
        self.items.push(item);
    }

    fn read_each(
        &mut self,
        session: Session<'_>,
        Ahead(ahead): &mut Ahead,
        next: &mut dyn FnMut() -> StoreResult<Option<u64>>,
    ) -> StoreResult<()> {
        while !self.is_full() {
            if let Some(item) = ahead.pop_front() {
                self.add(item);
                continue;
            }
            let mut numbers = Vec::with_capacity(TOGETHER);
            while numbers.len() < TOGETHER
                && let Some(number) = next()?
            {
                numbers.push(number);
            }
            if numbers.is_empty() {
                return Ok(());
            }
            session.snapshot.each_of(&numbers, &mut |_, item| {
                ahead.push_back(item);
                Ok(true)
            })?;
            if ahead.len() < numbers.len() {
                return Err(failed_because("a match is gone from its snapshot"));
            }
        }
        Ok(())
    }
}
