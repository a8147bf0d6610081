//! When a failed delivery is tried again: pure, chance is an argument.
//!
//! Each failure waits for the next delay of the schedule, a fifth shorter or longer so that
//! listeners that failed together do not come back together. A listener may ask for more time
//! (`Retry-After`, RFC 9110 §10.2.3), up to a bound, but not for less.

use std::time::Duration;

/// How far a delay is moved to either side, as a part of it.
const JITTER: f64 = 0.2;

/// The delays between attempts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schedule {
    delays: Vec<Duration>,
    retry_after_most: Duration,
}

impl Schedule {
    /// One attempt more than there are delays. Of a `Retry-After` no more than `retry_after_most`
    /// counts.
    pub fn new(delays: Vec<Duration>, retry_after_most: Duration) -> Self {
        Self { delays, retry_after_most }
    }

    /// How long to wait after that many failed attempts, from 1; `None`: no more attempts.
    /// `jitter` is drawn anew each time, from 0 to 1.
    pub fn next(
        &self,
        attempts: u32,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let delay = moved(*self.delays.get(at)?, jitter);
        let asked = retry_after.unwrap_or_default().min(self.retry_after_most);
        Some(delay.max(asked))
    }
}

fn moved(delay: Duration, jitter: f64) -> Duration {
    let jitter = if jitter.is_nan() { 0.5 } else { jitter.clamp(0.0, 1.0) };
    let factor = 1.0 - JITTER + 2.0 * JITTER * jitter;
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn delays_in_their_turn() {
        let schedule = Schedule::new([1, 10, 100].map(seconds).to_vec(), seconds(50));
        for (attempts, retry_after, jitter, expected_ms) in [
            (0, None, 0.5, None),
            (1, None, 0.5, Some(1_000)),
            (1, None, 0.0, Some(800)),
            (1, None, 1.0, Some(1_200)),
            (2, None, 0.5, Some(10_000)),
            (3, None, 0.5, Some(100_000)),
            (4, None, 0.5, None),
            (u32::MAX, None, 0.5, None),
            (1, Some(0), 0.5, Some(1_000)),
            (1, Some(7), 0.5, Some(7_000)),
            (1, Some(7), 1.0, Some(7_000)),
            (1, Some(60), 0.5, Some(50_000)),
            (3, Some(60), 0.5, Some(100_000)),
            (4, Some(60), 0.5, None),
        ] {
            let next = schedule.next(attempts, retry_after.map(seconds), jitter);
            assert_eq!(next, expected_ms.map(Duration::from_millis), "{attempts} {retry_after:?}");
        }
        assert_eq!(Schedule::new(Vec::new(), seconds(1)).next(1, None, 0.5), None);
    }

    proptest! {
        #[test]
        fn never_sooner_nor_much_later_than_the_schedule_says(
            delays in prop::collection::vec(any::<u64>().prop_map(seconds), 0..5),
            most in any::<u64>().prop_map(seconds),
            attempts in 0u32..8,
            retry_after in prop::option::of(any::<u64>().prop_map(seconds)),
            jitter in prop_oneof![0.0..=1.0f64, any::<f64>()],
        ) {
            let next = Schedule::new(delays.clone(), most).next(attempts, retry_after, jitter);
            let delay = (attempts as usize).checked_sub(1).and_then(|at| delays.get(at));
            prop_assert_eq!(next.is_some(), delay.is_some());
            if let (Some(next), Some(delay)) = (next, delay) {
                let asked = retry_after.unwrap_or_default().min(most);
                prop_assert!(next >= asked);
                // Floating point gives way by a little where delays are ages.
                prop_assert!(next.as_secs_f64() >= delay.as_secs_f64() * 0.799);
                let latest = (delay.as_secs_f64() * 1.201).max(asked.as_secs_f64());
                prop_assert!(next.as_secs_f64() <= latest);
            }
        }
    }
}
