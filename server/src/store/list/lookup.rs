//! What a probe finds in a snapshot: at hand, by a walk through the index, or by asking about a few.

use super::postings::{Numbers, Posting, Slot, lock};
use super::selection::{TOGETHER, members_of};
use super::session::Session;
use super::snapshot::Age;
use crate::domain::index::{self, Key, KeyValue, Lookup};
use crate::store::contract::StoreResult;
use crate::store::plan::Probe;
use roaring::RoaringTreemap;
use std::sync::Arc;

/// How many entries are walked in the time that asking the index about one interaction takes.
const ENTRIES_PER_QUESTION: u64 = 30;

/// The same for asking its document.
const ENTRIES_PER_DOCUMENT: u64 = 150;

/// What takes no longer than so many entries is not weighed against a walk.
const SHORT: u64 = 5000;

/// How many entries are walked until it is looked whether the lists are still open.
const BETWEEN_LOOKS: u64 = 1024;

impl Session<'_> {
    /// All interactions.
    pub(super) fn every(self) -> StoreResult<Numbers> {
        self.whole(&Probe::Every)
    }

    /// All that a probe finds, kept for those who come later.
    pub(super) fn whole(self, probe: &Probe) -> StoreResult<Numbers> {
        self.kept(probe, &self.postings.slot_or_new(self.age.origin, probe))
    }

    /// The same where it is kept or few; `None`: that takes a long walk.
    pub(super) fn at_hand(self, probe: &Probe) -> StoreResult<Option<Numbers>> {
        if let Some(slot) = self.postings.slot(self.age.origin, probe) {
            return self.kept(probe, &slot).map(Some);
        }
        let mut few = RoaringTreemap::new();
        let mut left = self.postings.few();
        let mut is_all = true;
        self.walk(probe, &mut |number| {
            is_all = left > 0;
            left = left.saturating_sub(1);
            few.insert(number);
            is_all
        })?;
        Ok(is_all.then(|| Arc::new(few)))
    }

    /// Which of these numbers a probe finds.
    pub(super) fn among(
        self,
        probe: &Probe,
        numbers: &RoaringTreemap,
    ) -> StoreResult<RoaringTreemap> {
        if let Some(slot) = self.postings.slot(self.age.origin, probe) {
            return Ok(&*self.kept(probe, &slot)? & numbers);
        }
        if numbers.len() <= self.postings.few() {
            return self.ask(probe, numbers);
        }
        match self.at_hand(probe)? {
            Some(found) => Ok(&*found & numbers),
            None => Ok(&*self.whole(probe)? & numbers),
        }
    }

    /// The posting in a slot, as it is in this snapshot.
    fn kept(self, probe: &Probe, slot: &Slot) -> StoreResult<Numbers> {
        let mut kept = lock(slot);
        // Taken out: what a failure leaves half done is gone.
        let now = match kept.take() {
            Some(posting) if posting.age == self.age => posting,
            Some(posting) if self.age.is_before(posting.age) => {
                *kept = Some(posting.clone());
                drop(kept);
                // Those who come later have younger snapshots: the posting stays as young as it is.
                return Ok(self.brought(probe, posting)?.numbers);
            }
            Some(posting) => self.brought(probe, posting)?,
            None => self.found(probe)?,
        };
        let numbers = Arc::clone(&now.numbers);
        *kept = Some(now);
        drop(kept);
        self.postings.weigh(self.age.origin, probe, &numbers);
        Ok(numbers)
    }

    /// By a walk, from the beginning. Of tens of millions that takes a while, of a file that is not in memory
    /// minutes: a server that stops does not wait for it.
    fn found(self, probe: &Probe) -> StoreResult<Posting> {
        let (mut numbers, mut walked, mut is_open) = (RoaringTreemap::new(), 0_u64, Ok(()));
        self.walk(probe, &mut |number| {
            numbers.insert(number);
            walked += 1;
            if walked.is_multiple_of(BETWEEN_LOOKS) {
                is_open = self.check_open();
            }
            is_open.is_ok()
        })?;
        is_open?;
        Ok(Posting { age: self.age, numbers: Arc::new(numbers) })
    }

    /// A posting of another age, brought to that of this snapshot, or found anew where that is less work.
    ///
    /// Up to the newest interaction that both states have seen, only what was amended in between can
    /// differ. What is above is there now or it is not.
    fn brought(self, probe: &Probe, posting: Posting) -> StoreResult<Posting> {
        let Posting { age, mut numbers } = posting;
        let common = age.newest.min(self.age.newest);
        let Some(mut amended) = self.postings.amended(self.snapshot, self.age, age)? else {
            return self.found(probe);
        };
        amended.remove_range(common.saturating_add(1)..);
        let effort = if is_told_by_documents(probe) {
            (amended.len() + self.age.newest - common).saturating_mul(ENTRIES_PER_DOCUMENT)
        } else {
            amended.len().saturating_mul(ENTRIES_PER_QUESTION)
        };
        if effort > numbers.len().saturating_add(SHORT) {
            return self.found(probe);
        }
        let still = self.ask(probe, &amended)?;
        let above = self.above(probe, common)?;
        let is_same = &*numbers & &amended == still
            && above.is_empty()
            && numbers.max().is_none_or(|max| max <= common);
        if !is_same {
            let numbers = Arc::make_mut(&mut numbers);
            numbers.remove_range(common.saturating_add(1)..);
            *numbers -= amended;
            *numbers |= still;
            *numbers |= above;
        }
        Ok(Posting { age: self.age, numbers })
    }

    /// Shows all that a probe finds, until told that it is enough.
    fn walk(self, probe: &Probe, show: &mut dyn FnMut(u64) -> bool) -> StoreResult<()> {
        match probe {
            Probe::Index(Lookup::Instants { path, from_us, to_us }) => {
                let mut show = |us, number| Ok(us <= *to_us && show(number));
                self.snapshot.each_instant(*path, *from_us, false, &mut show)
            }
            Probe::Present(path) => {
                let mut present = self.snapshot.present(*path)?.into_iter();
                while present.next().is_some_and(&mut *show) {}
                Ok(())
            }
            probe => self.snapshot.each_found(probe, 0, show),
        }
    }

    /// What a probe finds above a number.
    fn above(self, probe: &Probe, number: u64) -> StoreResult<RoaringTreemap> {
        let mut found = RoaringTreemap::new();
        if number >= self.age.newest {
            return Ok(found);
        }
        if is_told_by_documents(probe) {
            self.snapshot.each_between(number, u64::MAX, &mut |number, interaction| {
                if has(probe, &index::keys(&members_of(&interaction)?)) {
                    found.insert(number);
                }
                Ok(true)
            })?;
        } else {
            self.snapshot.each_found(probe, number, &mut |number| {
                found.insert(number);
                true
            })?;
        }
        Ok(found)
    }

    /// Which of a few numbers a probe finds, one by one.
    fn ask(self, probe: &Probe, numbers: &RoaringTreemap) -> StoreResult<RoaringTreemap> {
        if numbers.is_empty() {
            return Ok(RoaringTreemap::new());
        }
        let asked: Vec<u64> = numbers.iter().collect();
        if !is_told_by_documents(probe) {
            return Ok(self.snapshot.found_among(probe, &asked)?.into_iter().collect());
        }
        let mut found = RoaringTreemap::new();
        for some in asked.chunks(TOGETHER) {
            self.snapshot.each_of(some, &mut |number, interaction| {
                if has(probe, &index::keys(&members_of(&interaction)?)) {
                    found.insert(number);
                }
                Ok(true)
            })?;
        }
        Ok(found)
    }
}

impl Age {
    /// Whether less has happened. Both are of one origin.
    fn is_before(self, other: Self) -> bool {
        (self.amendments, self.newest) < (other.amendments, other.newest)
    }
}

/// Whether entries are not in creation order, so that neither the newest nor those of one interaction
/// lie together: documents tell of their own.
fn is_told_by_documents(probe: &Probe) -> bool {
    matches!(probe, Probe::Index(Lookup::Instants { .. }) | Probe::Present(_))
}

/// Whether such a probe finds what has these keys.
fn has(probe: &Probe, keys: &[Key]) -> bool {
    keys.iter().any(|key| match (probe, &key.value) {
        (Probe::Index(Lookup::Instants { path, from_us, to_us }), KeyValue::Instant(instant)) => {
            key.path == *path && (from_us..=to_us).contains(&instant)
        }
        (Probe::Present(path), _) => key.path == *path,
        _ => false,
    })
}
