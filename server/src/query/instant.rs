//! Instants compared as instants: RFC 3339 date-times of any offset and precision.

use chrono::{DateTime, NaiveDate, Utc};

/// Reads an RFC 3339 date-time, or a date, which means its first moment in UTC.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let date_time = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
    date_time.ok().or_else(|| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_hms_opt(0, 0, 0)?.and_utc())
    })
}

/// Microseconds since 1970-01-01T00:00:00Z, rounded down; `None` when the text is no date-time.
pub fn instant_micros(text: &str) -> Option<i64> {
    instant(text).map(|moment| moment.timestamp_micros())
}
