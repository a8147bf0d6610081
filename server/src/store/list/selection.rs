//! Which interactions match: a [`Plan`] carried out, before anything is read for an answer.
//!
//! The matches are a set of creation numbers, compressed: a bit for each where they lie close, two
//! bytes where they do not. Totals, offsets and places in the order are arithmetic on it.

use super::session::Session;
use crate::domain::interaction::{Interaction, Members};
use crate::query::filter::Filter;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::{AnyOf, Matching, Plan};
use roaring::RoaringTreemap;

/// Documents that are asked for together.
pub(super) const TOGETHER: usize = 32;

/// The interactions that match.
#[derive(Debug)]
pub(super) enum Selection {
    /// All there are: so many.
    All(u64),
    /// Those of these numbers.
    Some(RoaringTreemap),
}

impl Selection {
    /// Finds the matches of `filter`, and says how many documents were read for it. Stops when
    /// nobody wants them any more.
    pub(super) fn of(
        session: Session<'_>,
        plan: &Plan,
        filter: &Filter,
    ) -> StoreResult<(Self, u64)> {
        match &plan.matching {
            Matching::Nothing => Ok((Self::Some(RoaringTreemap::new()), 0)),
            Matching::Everything => Ok((Self::All(session.snapshot.count()?), 0)),
            Matching::Exact(sets) => Ok((Self::Some(session.snapshot.matching(sets)?), 0)),
            Matching::Evaluate(sets) => {
                session.scan(candidates(session, sets)?, || plan.unindexed())?;
                let (numbers, documents) = evaluate(session, sets, filter)?;
                Ok((Self::Some(numbers), documents))
            }
        }
    }

    /// How many match.
    pub(super) fn total(&self) -> u64 {
        match self {
            Self::All(all) => *all,
            Self::Some(numbers) => numbers.len(),
        }
    }

    /// Shows each match, in creation order. Stops when nobody wants them any more.
    pub(super) fn each(
        &self,
        session: Session<'_>,
        show: &mut dyn FnMut(u64, Interaction) -> StoreResult<()>,
    ) -> StoreResult<()> {
        let mut show_one = |number, interaction| {
            session.check()?;
            show(number, interaction)?;
            Ok(true)
        };
        match self {
            Self::All(_) => session.snapshot.each_between(0, u64::MAX, &mut show_one),
            Self::Some(numbers) => {
                let mut numbers = numbers.iter();
                loop {
                    let some: Vec<u64> = numbers.by_ref().take(TOGETHER).collect();
                    if some.is_empty() {
                        return Ok(());
                    }
                    session.snapshot.each_of(&some, &mut show_one)?;
                }
            }
        }
    }
}

/// How many documents there are to look at; 0 where that does not matter, and no more than does.
fn candidates(session: Session<'_>, sets: &[AnyOf]) -> StoreResult<u64> {
    match session.scan_documents {
        Some(most) => session.snapshot.count_matching(sets, most.saturating_add(1)),
        None => Ok(0),
    }
}

/// Looks at each candidate, once; how many there were is told too.
fn evaluate(
    session: Session<'_>,
    sets: &[AnyOf],
    filter: &Filter,
) -> StoreResult<(RoaringTreemap, u64)> {
    let (mut numbers, mut documents) = (RoaringTreemap::new(), 0);
    session.snapshot.each_matching(sets, &mut |number, interaction| {
        session.check()?;
        documents += 1;
        if filter.matches(&interaction, &members_of(&interaction)?) {
            numbers.insert(number);
        }
        Ok(true)
    })?;
    Ok((numbers, documents))
}

/// The members of a stored document.
pub(super) fn members_of(interaction: &Interaction) -> StoreResult<Members> {
    interaction
        .members()
        .map_err(|e| StoreError::Failed { what: "reading a stored document", source: Box::new(e) })
}
