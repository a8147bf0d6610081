//! Which interactions match: a [`Plan`] carried out, before anything is read for an answer.
//!
//! The matches are a set of creation numbers, compressed: a bit for each where they lie close, two
//! bytes where they do not. Totals, offsets and places in the order are arithmetic on it.

use super::postings::Numbers;
use super::session::Session;
use crate::domain::interaction::{Interaction, Members};
use crate::query::filter::Filter;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::Plan;
use roaring::RoaringTreemap;
use std::sync::Arc;

/// Documents that are asked for together.
pub(super) const TOGETHER: usize = 32;

/// The interactions that match.
#[derive(Debug)]
pub(super) enum Selection {
    /// All there are: so many.
    All(u64),
    /// Those of these numbers.
    Some(Numbers),
}

impl Selection {
    /// Finds the matches of `filter`, and says how many documents were read for it. Stops when
    /// nobody wants them any more.
    pub(super) fn of(
        session: Session<'_>,
        plan: &Plan,
        filter: &Filter,
    ) -> StoreResult<(Self, u64)> {
        if plan.sets.is_empty() {
            let all = Self::All(session.total()?);
            if plan.is_decided {
                return Ok((all, 0));
            }
            session.scan(all.total(), || plan.unindexed())?;
            let met = all.meeting(session, filter)?;
            return Ok((Self::Some(Arc::new(met)), all.total()));
        }
        let possible = session.possible(&plan.sets)?;
        let unsure = match plan.is_decided {
            true => Arc::new(session.unsure(&plan.sets, &possible)?),
            false => Arc::clone(&possible),
        };
        let documents = unsure.len();
        if documents == 0 {
            return Ok((Self::Some(possible), 0));
        }
        session.scan(documents, || plan.unindexed())?;
        let met = Self::Some(Arc::clone(&unsure)).meeting(session, filter)?;
        Ok((Self::Some(Arc::new((&*possible - &*unsure) | met)), documents))
    }

    /// How many match.
    pub(super) fn total(&self) -> u64 {
        match self {
            Self::All(all) => *all,
            Self::Some(numbers) => numbers.len(),
        }
    }

    /// Looks at each document.
    fn meeting(&self, session: Session<'_>, filter: &Filter) -> StoreResult<RoaringTreemap> {
        let mut numbers = RoaringTreemap::new();
        self.each(session, &mut |number, interaction| {
            if filter.matches(&interaction, &members_of(&interaction)?) {
                numbers.insert(number);
            }
            Ok(())
        })?;
        Ok(numbers)
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

impl FromIterator<u64> for Selection {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        Self::Some(Arc::new(numbers.into_iter().collect()))
    }
}

/// The members of a stored document.
pub(super) fn members_of(interaction: &Interaction) -> StoreResult<Members> {
    interaction
        .members()
        .map_err(|e| StoreError::Failed { what: "reading a stored document", source: Box::new(e) })
}
