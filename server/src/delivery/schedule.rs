//! When a failed event is tried again. Pure.

use std::time::Duration;

/// How long to wait before each further attempt.
#[derive(Clone, Debug)]
pub struct Schedule {
    waits: Vec<Duration>,
    retry_after_most: Duration,
}

impl Schedule {
    /// `waits[n - 1]` comes after the n-th failure.
    pub fn new(waits: Vec<Duration>, retry_after_most: Duration) -> Self {
        Self { waits, retry_after_most }
    }

    /// How long to wait after that many failures; `None`: that was the last attempt.
    pub fn next(
        &self,
        attempts: u32,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        let wait = self.waits.get((attempts as usize).checked_sub(1)?)?;
        let wait = wait.mul_f64(0.8 + 0.4 * jitter);
        Some(wait.max(retry_after.unwrap_or_default().min(self.retry_after_most)))
    }
}
