//! The window of a list: which of the matches are shown, and reading them in order.
//!
//! Documents are read for the window only, a chunk at a time.

use super::error::failed_because;
use super::selection::{Selection, interaction_from, number_from};
use super::session::{Session, WHAT, because};
use super::sorted::Sorted;
use crate::domain::interaction::Interaction;
use crate::query::cursor::Position;
use crate::store::contract::{PageQuery, Start, StoreResult};
use crate::store::plan::Order;
use rusqlite::{Connection, OptionalExtension, Row};

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
    Listed(Box<dyn Iterator<Item = u64>>),
    /// So many more in the order of a sort.
    Sorted(Sorted, u64),
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
                return Err(failed_because(WHAT, "a place in another order"));
            }
        };
        match self {
            Self::All(all) => range(session.snapshot, all, from, limit).map_err(because),
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
                let course = Course::Listed(Box::new(numbers.into_iter().take(shown)));
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
    snapshot: &Connection,
    all: u64,
    from: Beginning,
    limit: Option<u64>,
) -> rusqlite::Result<Window> {
    let number = |sql: &str, from: u64| {
        let mut statement = snapshot.prepare_cached(sql)?;
        statement.query_row([signed(from)], |row| number_from(row, 0)).optional()
    };
    let passed = match from {
        Beginning::Offset(0) => Some(0),
        Beginning::Offset(offset) => {
            number("SELECT seq FROM interaction ORDER BY seq LIMIT 1 OFFSET ?", offset - 1)?
        }
        Beginning::Number(number) => Some(number),
    };
    // Past the end nothing is above.
    let passed = passed.unwrap_or(u64::MAX);
    let newest =
        number("SELECT coalesce(max(seq), 0) FROM interaction WHERE seq >= ?", 0)?.unwrap_or(0);
    let (count, last) = match (from, limit) {
        (Beginning::Offset(offset), None) => (all.saturating_sub(offset), newest),
        _ => snapshot
            .prepare_cached(
                "SELECT count(*), coalesce(max(seq), 0) FROM
                     (SELECT seq FROM interaction WHERE seq > ? ORDER BY seq LIMIT ?)",
            )?
            // A negative LIMIT is none.
            .query_row([signed(passed), limit.map_or(-1, signed)], |row| {
                Ok((number_from(row, 0)?, number_from(row, 1)?))
            })?,
    };
    let has_next = newest > last.max(passed);
    let course = Course::Range(passed, last);
    let last = Some(Position::Created(last));
    Ok(Window { count, has_next, last, documents: 0, course })
}

impl Course {
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
                chunk.read_range(session.snapshot, passed, *last).map_err(because)?;
            }
            Self::Listed(numbers) => chunk.read_each(session, &mut || Ok(numbers.next()))?,
            Self::Sorted(sorted, left) => chunk.read_each(session, &mut || {
                let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
                *left = fewer;
                sorted.next(session)
            })?,
        }
        Ok(chunk.items)
    }
}

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

    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let item = interaction_from(row)?;
        self.bytes += item.text.len() + item.id.len();
        self.items.push(item);
        Ok(())
    }

    fn read_range(
        &mut self,
        snapshot: &Connection,
        passed: &mut u64,
        last: u64,
    ) -> rusqlite::Result<()> {
        let mut statement = snapshot.prepare_cached(
            "SELECT id, version, foreign_href, document, seq FROM interaction
             WHERE seq > ? AND seq <= ? ORDER BY seq",
        )?;
        let mut rows = statement.query([signed(*passed), signed(last)])?;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            *passed = number_from(row, 4)?;
            self.add(row)?;
        }
        Ok(())
    }

    fn read_each(
        &mut self,
        session: Session<'_>,
        next: &mut dyn FnMut() -> StoreResult<Option<u64>>,
    ) -> StoreResult<()> {
        let sql = "SELECT id, version, foreign_href, document FROM interaction WHERE seq = ?";
        let mut statement = session.prepare(sql)?;
        while !self.is_full()
            && let Some(number) = next()?
        {
            let added = statement.query_row([signed(number)], |row| self.add(row));
            added.map_err(because)?;
        }
        Ok(())
    }
}

/// For SQL, whose integers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
