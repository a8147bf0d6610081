//! The sets of a plan, put together: what may match, and what of it is in doubt.
//!
//! What is at hand goes first, the smallest leading; what would take a long walk is asked about the few
//! that are left then, or walked once and kept where they are many.

use super::postings::Numbers;
use super::session::Session;
use crate::store::contract::StoreResult;
use crate::store::plan::{Probe, Set};
use roaring::RoaringTreemap;
use std::sync::Arc;

impl Session<'_> {
    /// What may be in all of the sets.
    pub(super) fn possible(self, sets: &[Set]) -> StoreResult<Numbers> {
        let (negated, sets): (Vec<&Set>, Vec<&Set>) = sets.iter().partition(|set| set.negated);
        let (mut at_hand, mut long) = (Vec::new(), Vec::new());
        for set in sets {
            let probes: Vec<&Probe> = set.sure.iter().chain(&set.doubtful).collect();
            match self.any_at_hand(&probes)? {
                Some(numbers) => at_hand.push(numbers),
                None => long.push(probes),
            }
        }
        at_hand.sort_by_key(|numbers| numbers.len());
        let mut left: Option<Numbers> = None;
        for numbers in at_hand {
            left = Some(left.map_or(Arc::clone(&numbers), |left| Arc::new(&*left & &*numbers)));
        }
        for probes in long {
            left = Some(match left {
                Some(left) => Arc::new(self.any_among(&probes, &left)?),
                None => self.any_whole(&probes)?,
            });
        }
        for set in negated {
            let from = left.map_or_else(|| self.every(), Ok)?;
            let probes: Vec<&Probe> = set.sure.iter().collect();
            let without = self.any_among(&probes, &from)?;
            left = Some(Arc::new(&*from - without));
        }
        left.map_or_else(|| self.every(), Ok)
    }

    /// What of the possible is not surely in all of the sets.
    pub(super) fn unsure(
        self,
        sets: &[Set],
        possible: &RoaringTreemap,
    ) -> StoreResult<RoaringTreemap> {
        let mut unsure = RoaringTreemap::new();
        for set in sets {
            let doubtful: Vec<&Probe> = set.doubtful.iter().collect();
            let mut part = self.any_among(&doubtful, possible)?;
            // What a negated set is sure of is not among the possible.
            if !set.negated {
                let sure: Vec<&Probe> = set.sure.iter().collect();
                part -= self.any_among(&sure, &part)?;
            }
            unsure |= part;
        }
        Ok(unsure)
    }

    /// What one of the probes finds, where all of that is at hand.
    fn any_at_hand(self, probes: &[&Probe]) -> StoreResult<Option<Numbers>> {
        let mut any = Any::default();
        for probe in probes {
            match self.at_hand(probe)? {
                Some(numbers) => any.add(numbers),
                None => return Ok(None),
            }
        }
        Ok(Some(any.numbers))
    }

    fn any_whole(self, probes: &[&Probe]) -> StoreResult<Numbers> {
        let mut any = Any::default();
        for probe in probes {
            any.add(match self.at_hand(probe)? {
                Some(numbers) => numbers,
                None => self.whole(probe)?,
            });
        }
        Ok(any.numbers)
    }

    fn any_among(self, probes: &[&Probe], numbers: &RoaringTreemap) -> StoreResult<RoaringTreemap> {
        let mut any = RoaringTreemap::new();
        if !numbers.is_empty() {
            for probe in probes {
                any |= self.among(probe, numbers)?;
            }
        }
        Ok(any)
    }
}

/// A union that copies nothing while it has one part.
#[derive(Default)]
struct Any {
    numbers: Numbers,
}

impl Any {
    fn add(&mut self, numbers: Numbers) {
        if self.numbers.is_empty() {
            self.numbers = numbers;
        } else {
            *Arc::make_mut(&mut self.numbers) |= &*numbers;
        }
    }
}
