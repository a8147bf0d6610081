//! Matches in the order of one indexed instant, by a walk through the index: the newest twenty of a
//! million take twenty steps and no document but theirs.
//!
//! The index knows instants by the microsecond, so those of the same one are a group, and the group's
//! documents put it into order. What has no value stands before the first instant, descending behind
//! the last. A walk gives up where it is no good: where it would take longer than reading all matches,
//! where a group is too large for memory, and where the attribute has values that are no instants.
//! Then [`super::sorted`] does it.

use super::selection::{Selection, members_of};
use super::session::Session;
use super::sorted::{Entry, beginning};
use super::window::{Course, Window};
use crate::domain::collation::Leading;
use crate::query::cursor::Position;
use crate::query::sort::Sort;
use crate::store::contract::{PageQuery, StoreResult};
use crate::store::plan::Probe;
use roaring::RoaringTreemap;

/// How many entries of the index are passed in the time that reading one document takes.
const ENTRIES_PER_DOCUMENT: u64 = 100;

/// Most interactions in a window that is walked: their numbers are in memory.
const MOST_NUMBERS: u64 = 1 << 20;

/// Most interactions in a group: their keys are in memory.
const MOST_IN_GROUP: usize = 1 << 14;

/// A walk on its way.
struct Walk<'a> {
    session: Session<'a>,
    selection: &'a Selection,
    path: u16,
    sort: &'a Sort,
    descending: bool,
    /// Only what stands behind this key counts.
    passed: Option<Vec<u8>>,
    /// Met before: of several values the first one met counts. Where a walk begins on the way, it
    /// meets the first one, or the interaction is not behind `passed`.
    met: RoaringTreemap,
    /// How many are still to be passed over.
    skip: u64,
    /// How many are still to be found.
    left: u64,
    numbers: Vec<u64>,
    has_next: bool,
    documents: u64,
}

/// Where a walk stands after a step.
enum Step {
    /// There may be more to find.
    On,
    /// All is found, and whether more follows is known.
    Arrived,
    /// It is no good.
    GivenUp,
}

impl Selection {
    /// The window that is asked for, in the order of the instants at `path`; `None`: not this way.
    pub(super) fn walked(
        &self,
        session: Session<'_>,
        path: u16,
        sort: &Sort,
        asked: &PageQuery,
    ) -> StoreResult<Option<Window>> {
        let Some(key) = sort.keys.first() else { return Ok(None) };
        let (skip, passed) = beginning(&asked.start)?;
        if !self.is_worth_walking(session, skip, asked.limit)?
            || session.snapshot.has_texts(path)?
        {
            return Ok(None);
        }
        let from = passed.as_ref().map(|passed| key.leading(passed));
        let mut walk = Walk {
            session,
            selection: self,
            path,
            sort,
            descending: key.descending,
            passed,
            met: RoaringTreemap::new(),
            skip,
            left: asked.limit.unwrap_or(u64::MAX),
            numbers: Vec::new(),
            has_next: false,
            documents: 0,
        };
        match walk.run(from)? {
            Step::GivenUp => Ok(None),
            Step::On | Step::Arrived => walk.window().map(Some),
        }
    }

    /// Whether the entries up to the end of the window, if the matches lie evenly among them, are
    /// passed faster than the documents of all matches are read.
    fn is_worth_walking(
        &self,
        session: Session<'_>,
        skip: u64,
        limit: Option<u64>,
    ) -> StoreResult<bool> {
        let matches = self.total();
        let window = limit.unwrap_or(matches).min(matches);
        let needed = skip.saturating_add(window).min(matches);
        let entries = session.age.newest;
        let passed = u128::from(needed) * u128::from(entries);
        let read = u128::from(matches) * u128::from(matches) * u128::from(ENTRIES_PER_DOCUMENT);
        Ok(window <= MOST_NUMBERS && passed <= read)
    }

    fn has(&self, number: u64) -> bool {
        match self {
            Self::All(_) => true,
            Self::Some(numbers) => numbers.contains(number),
        }
    }
}

impl Walk<'_> {
    fn run(&mut self, from: Option<Leading>) -> StoreResult<Step> {
        let instants_from = match (from, self.descending) {
            (Some(Leading::Other), _) => return Ok(Step::GivenUp),
            (Some(Leading::Instant(us)), _) => Some(us),
            (Some(Leading::Absent), true) => None,
            (Some(Leading::Absent) | None, false) => Some(i64::MIN),
            (None, true) => Some(i64::MAX),
        };
        let absent_are_first = !self.descending;
        let absent_first = absent_are_first && !matches!(from, Some(Leading::Instant(_)));
        let mut step = Step::On;
        if absent_first {
            step = self.absent()?;
        }
        if let (Step::On, Some(us)) = (&step, instants_from) {
            step = self.instants(us)?;
        }
        if let (Step::On, false) = (&step, absent_are_first) {
            step = self.absent()?;
        }
        Ok(step)
    }

    /// The groups of the index, from an instant on.
    fn instants(&mut self, from_us: i64) -> StoreResult<Step> {
        let (session, path, descending) = (self.session, self.path, self.descending);
        let (mut group, mut group_us, mut step) = (Vec::new(), from_us, Step::On);
        session.snapshot.each_instant(path, from_us, descending, &mut |us, number| {
            if us != group_us {
                step = self.take(std::mem::take(&mut group))?;
                group_us = us;
            }
            if self.selection.has(number) && self.met.insert(number) {
                group.push(number);
            }
            if group.len() > MOST_IN_GROUP {
                step = Step::GivenUp;
            }
            Ok(matches!(step, Step::On))
        })?;
        match step {
            Step::On => self.take(group),
            end => Ok(end),
        }
    }

    /// The group of those without a value.
    fn absent(&mut self) -> StoreResult<Step> {
        let session = self.session;
        let present = session.whole(&Probe::Present(self.path))?;
        let absent = match self.selection {
            Selection::All(all) if present.len() == *all => RoaringTreemap::new(),
            Selection::All(_) => &*session.every()? - &*present,
            Selection::Some(numbers) => &**numbers - &*present,
        };
        let group: Vec<u64> = absent.into_iter().take(MOST_IN_GROUP + 1).collect();
        if group.len() > MOST_IN_GROUP {
            return Ok(Step::GivenUp);
        }
        self.take(group)
    }

    /// Goes through a group.
    fn take(&mut self, group: Vec<u64>) -> StoreResult<Step> {
        self.session.check()?;
        let size = group.len() as u64;
        // Which of them comes first does not matter where all are passed over or there is but one.
        if self.passed.is_none() && size <= self.skip {
            self.skip -= size;
            return Ok(Step::On);
        }
        if self.passed.is_none() && size == 1 {
            return Ok(self.add(group));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(group.len());
        let group: Selection = group.into_iter().collect();
        group.each(self.session, &mut |number, interaction| {
            self.documents += 1;
            let key = self.sort.key(&interaction, &members_of(&interaction)?);
            if self.passed.as_ref().is_none_or(|passed| key > *passed) {
                entries.push((key, number));
            }
            Ok(())
        })?;
        entries.sort_unstable();
        Ok(self.add(entries.into_iter().map(|(_, number)| number).collect()))
    }

    /// The next ones, in order.
    fn add(&mut self, numbers: Vec<u64>) -> Step {
        for number in numbers {
            if self.skip > 0 {
                self.skip -= 1;
            } else if self.left > 0 {
                self.left -= 1;
                self.numbers.push(number);
            } else {
                self.has_next = true;
                return Step::Arrived;
            }
        }
        Step::On
    }

    fn window(self) -> StoreResult<Window> {
        let Self { session, sort, numbers, has_next, documents, .. } = self;
        let mut last = None;
        let last_number: Selection = numbers.last().copied().into_iter().collect();
        last_number.each(session, &mut |_, interaction| {
            let key = sort.key(&interaction, &members_of(&interaction)?);
            last = Some(Position::Sorted(key));
            Ok(())
        })?;
        let count = numbers.len() as u64;
        let course = Course::listed(numbers.into_iter());
        Ok(Window { count, has_next, last, documents, course })
    }
}
