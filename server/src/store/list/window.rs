//! The window of a list: which of the matches are shown, and reading them in order.
//!
//! Documents are read for the window only, a chunk at a time.

use super::postings::Numbers;
use super::selection::{Selection, TOGETHER};
use super::session::{Session, failed_because};
use super::sorted::Sorted;
use crate::domain::interaction::Interaction;
use crate::query::cursor::Position;
use crate::store::contract::{PageQuery, Start, StoreResult};
use crate::store::plan::Order;
use roaring::RoaringTreemap;
use std::collections::VecDeque;
use std::iter;

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
            Self::All(all) => range(session, all, from, limit),
            Self::Some(numbers) => {
                let part = Part::of(&numbers, from, limit);
                let course = Course::listed(part.numbers(numbers));
                Ok(part.window(course))
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

/// A part of a set of numbers, by arithmetic alone.
struct Part {
    /// It is above this number.
    passed: u64,
    count: u64,
    last: Option<u64>,
    has_next: bool,
}

impl Part {
    fn of(numbers: &RoaringTreemap, from: Beginning, limit: Option<u64>) -> Self {
        let passed = match from {
            Beginning::Offset(0) => 0,
            // Past the end nothing is above.
            Beginning::Offset(offset) => numbers.select(offset - 1).unwrap_or(u64::MAX),
            Beginning::Number(number) => number,
        };
        let before = numbers.rank(passed);
        let behind = numbers.len() - before;
        let count = limit.map_or(behind, |limit| limit.min(behind));
        let last = count.checked_sub(1).and_then(|last| numbers.select(before + last));
        Self { passed, count, last, has_next: count < behind }
    }

    /// Its numbers, in order. They are looked up as they are taken: somebody may take his time.
    fn numbers(&self, numbers: Numbers) -> impl Iterator<Item = u64> + use<> {
        let (mut passed, mut left) = (self.passed, self.count);
        let mut ahead = VecDeque::new();
        iter::from_fn(move || {
            if ahead.is_empty() {
                let some = usize::try_from(left).unwrap_or(usize::MAX).min(TOGETHER);
                let mut behind = numbers.iter();
                behind.advance_to(passed.saturating_add(1));
                ahead.extend(behind.take(some));
            }
            left = left.checked_sub(1)?;
            passed = ahead.pop_front()?;
            Some(passed)
        })
    }

    fn window(&self, course: Course) -> Window {
        let last = self.last.filter(|_| self.count > 0).map(Position::Created);
        Window { count: self.count, has_next: self.has_next, last, documents: 0, course }
    }
}

/// A window of all interactions no larger than this is counted by reading it.
const FEW: u64 = 1000;

/// The window of all interactions, by their numbers, which have gaps. Where it begins in front and is
/// short, nothing needs to be known of the others.
fn range(
    session: Session<'_>,
    all: u64,
    from: Beginning,
    limit: Option<u64>,
) -> StoreResult<Window> {
    let short = limit.filter(|limit| *limit <= FEW);
    let part = match (from, limit, short) {
        (Beginning::Offset(0), None, _) => {
            Part { passed: 0, count: all, last: Some(session.age.newest), has_next: false }
        }
        (Beginning::Offset(0), _, Some(limit)) => {
            let (count, last) = session.snapshot.count_above(0, limit)?;
            Part { passed: 0, count, last: Some(last), has_next: count < all }
        }
        (Beginning::Number(passed), _, Some(limit)) => {
            let (count, last) = session.snapshot.count_above(passed, limit)?;
            let (more, _) = session.snapshot.count_above(last.max(passed), 1)?;
            Part { passed, count, last: Some(last), has_next: more > 0 }
        }
        _ => Part::of(&*session.every()?, from, limit),
    };
    let course = Course::Range(part.passed, part.last.unwrap_or(0));
    Ok(part.window(course))
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
