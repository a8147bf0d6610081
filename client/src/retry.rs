//! When an attempt is repeated, and after how long.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::error::Error;

const FIRST_WAIT: Duration = Duration::from_millis(100);

/// What repeating a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing that doing it once does not.
    Freely,
    /// Harm, unless the server has not seen the first attempt.
    Unseen,
}

impl Repeat {
    /// Whether a call that failed with `error` may be tried again.
    pub(crate) fn allows(self, error: &Error) -> bool {
        match self {
            Self::Freely => error.is_retryable(),
            Self::Unseen => error.is_unseen(),
        }
    }
}

/// How often, and how long apart at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retries {
    /// Attempts in all, the first included.
    pub(crate) attempts: usize,
    /// Upper bound of one wait, also of a `Retry-After`.
    pub(crate) longest_wait: Duration,
}

impl Retries {
    /// The waits between the attempts of one call: doubled each time, with jitter.
    pub(crate) fn waits(self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT.min(self.longest_wait))
            .with_max_delay(self.longest_wait)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
            .build()
    }

    /// How long to wait when the schedule says `wait` and the server may have asked for more.
    pub(crate) fn wait(self, wait: Duration, asked: Option<Duration>) -> Duration {
        wait.max(asked.unwrap_or_default()).min(self.longest_wait)
    }
}

/// `Retry-After` as a duration from `now`: seconds, or an HTTP date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries = Retries { attempts: 3, longest_wait: Duration::from_secs(2) };

    #[test]
    fn retry_after_in_both_notations() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let check = |text: &str, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        };
        check("3", Some(3));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:49:47 GMT", Some(10));
        check("Sun, 06 Nov 1994 08:49:00 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(RETRIES.waits().count(), 2);
        assert_eq!(Retries { attempts: 1, ..RETRIES }.waits().count(), 0);
        assert_eq!(Retries { attempts: 0, ..RETRIES }.waits().count(), 0);
    }

    #[test]
    fn the_server_may_ask_for_more_within_bounds() {
        let (short, long) = (Duration::from_millis(100), Duration::from_secs(3600));
        assert_eq!(RETRIES.wait(short, None), short);
        assert_eq!(RETRIES.wait(short, Some(Duration::from_secs(1))), Duration::from_secs(1));
        assert_eq!(RETRIES.wait(short, Some(long)), RETRIES.longest_wait);
    }
}
