//! How far the primary had got, and when: by which the age of a replica is told.
//!
//! No clock but our own is asked. Whoever looks at the primary knows that at the moment before, it had
//! changed no more than what was found. So a state that has all of that is not older than that moment.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// So many moments are kept, about evenly over the time that matters. What is left out makes a state
/// seem older than it is, never younger.
const MOMENTS: u32 = 64;

/// What was found by looking at the primary.
#[derive(Debug)]
pub(super) struct Heads {
    /// Moments and the most changes there were then, in the order they were found.
    found: VecDeque<(Instant, i64)>,
    oldest: Duration,
}

impl Heads {
    /// Nothing is kept that is older than `oldest`.
    pub(super) fn new(oldest: Duration) -> Self {
        Self { found: VecDeque::new(), oldest }
    }

    /// At that moment there were no more than so many changes.
    pub(super) fn note(&mut self, at: Instant, changes: i64) {
        while self.found.front().is_some_and(|(then, _)| *then + self.oldest < at) {
            self.found.pop_front();
        }
        match self.found.back_mut() {
            Some((then, same)) if *same == changes => *then = at.max(*then),
            Some((then, _)) if at < *then + self.oldest / MOMENTS => {}
            _ => self.found.push_back((at, changes)),
        }
    }

    /// The most time that may have passed since a state with so many changes was the primary's; `None`:
    /// longer than matters.
    pub(super) fn age(&self, now: Instant, changes: i64) -> Option<Duration> {
        let fresh = self.found.iter().rev().find(|(_, head)| *head <= changes);
        let age = now.saturating_duration_since(fresh?.0);
        (age <= self.oldest).then_some(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_state_is_as_old_as_the_last_moment_it_has_all_of() {
        let start = Instant::now();
        let at = |tenths| start + SECOND / 10 * tenths;
        let mut heads = Heads::new(SECOND);
        assert_eq!(heads.age(start, 7), None, "nothing is known");
        for (tenths, changes) in [(0, 5), (1, 5), (2, 6), (3, 9), (4, 9)] {
            heads.note(at(tenths), changes);
        }
        let age = |now, changes| heads.age(at(now), changes).map(|age| age.as_millis());
        assert_eq!(age(4, 9), Some(0));
        assert_eq!(age(6, 10), Some(200), "it may be ahead of what was seen, and is not younger");
        assert_eq!(age(6, 9), Some(200), "nobody has looked at the primary since");
        assert_eq!(age(6, 8), Some(400), "at 2 the primary had 6, at 3 it had more");
        assert_eq!(age(6, 5), Some(500));
        assert_eq!(age(6, 4), None);
        assert_eq!(age(13, 8), None, "too long ago");
    }

    #[test]
    fn no_more_is_kept_than_matters() {
        let start = Instant::now();
        let mut heads = Heads::new(SECOND);
        for n in 0..10_000 {
            heads.note(start + SECOND / 1000 * n, i64::from(n));
        }
        assert!(heads.found.len() <= MOMENTS as usize + 1, "{}", heads.found.len());
        let age = heads.age(start + SECOND / 1000 * 9_999, 9_999).unwrap();
        assert!(age <= SECOND / MOMENTS, "{age:?}");
    }
}
