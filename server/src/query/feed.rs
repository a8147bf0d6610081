//! The query of the event feed: `since` and `limit`, and for the rest the query of a subscription, see
//! [`super::subscription`].

use crate::query::condition::decoded;
use crate::query::error::QueryError;
use crate::query::parse::{QueryContext, count, once};
use crate::query::subscription::EventFilter;
use crate::query::text::{pairs, split};

/// Items of a page that does not say how many.
const USUAL: u64 = 100;
/// The longest page.
const MOST: u64 = 1000;

/// Which events, and from where.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedQuery {
    /// Which of them.
    pub filter: EventFilter,
    /// Only those after this place.
    pub since: Option<i64>,
    /// At most so many.
    pub limit: u64,
    /// All but `since`, as it was sent, with `&` after each pair.
    raw_rest: String,
}

impl FeedQuery {
    /// Reads a raw query.
    ///
    /// # Errors
    /// [`QueryError`] for the first thing that cannot be honoured.
    pub fn parse(raw_query: &str, context: &QueryContext<'_>) -> Result<Self, QueryError> {
        let (mut since, mut limit) = (None, None);
        let (mut raw_filter, mut raw_rest) = (Vec::new(), String::new());
        for raw in pairs(raw_query) {
            let (raw_name, raw_value) = split(raw);
            match decoded(raw_name, raw_name)?.as_str() {
                "since" => {
                    let text = raw_value.ok_or_else(|| QueryError::NoValue("since".to_owned()))?;
                    let place = place("since", &decoded("since", text)?)?;
                    once("since", &mut since, place)?;
                    continue;
                }
                "limit" => once("limit", &mut limit, count("limit", raw_value)?)?,
                _ => raw_filter.push(raw),
            }
            raw_rest.push_str(raw);
            raw_rest.push('&');
        }
        let limit = limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(QueryError::NoPage(MOST));
        }
        let filter = EventFilter::parse(&raw_filter.join("&"), context)?;
        Ok(Self { filter, since, limit, raw_rest })
    }

    /// The same query after another place, as text.
    pub fn after(&self, place: i64) -> String {
        format!("{}since={place}", self.raw_rest)
    }
}

/// Reads a place in the log: digits, to nobody but us.
///
/// # Errors
/// [`QueryError::NoPlace`], naming where it was written.
pub fn place(name: &'static str, text: &str) -> Result<i64, QueryError> {
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or(QueryError::NoPlace(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shape::Shape;
    use crate::query::parse::QueryLimits;
    use crate::query::vocabulary::tests::small;

    fn parsed(raw_query: &str) -> Result<FeedQuery, QueryError> {
        let context = QueryContext {
            vocabulary: &small(),
            canonical_paths: &|path| vec![path.to_vec()],
            knows_extension: &|_| false,
            shape: Shape::V5,
            href_prefix: "http://x/",
            limits: QueryLimits { comparisons: 4, items: None, regex_bytes: 9, jsonpath_bytes: 9 },
        };
        FeedQuery::parse(raw_query, &context)
    }

    #[test]
    fn the_place_is_left_out_and_put_in_anew() {
        for (raw_query, since, limit, after) in [
            ("", None, 100, "since=7"),
            ("since=0", Some(0), 100, "since=7"),
            ("since=%31&limit=1", Some(1), 1, "limit=1&since=7"),
            ("limit=1000&since=9&eventId=a%2Cb", Some(9), 1000, "limit=1000&eventId=a%2Cb&since=7"),
        ] {
            let query = parsed(raw_query).unwrap();
            let found = (query.since, query.limit, query.after(7));
            assert_eq!(found, (since, limit, after.to_owned()), "{raw_query}");
            assert_eq!(parsed(&query.after(7)).unwrap().filter, query.filter);
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        for (raw_query, culprit) in [
            ("since", "since: "),
            ("since=", "since: "),
            ("since=-1", "since: "),
            ("since=x", "since: "),
            ("since=9223372036854775808", "since: "),
            ("since=1&since=1", "since: "),
            ("limit=0", "limit: "),
            ("limit=1001", "limit: "),
            ("limit=x", "limit: "),
            ("limit=1&limit=1", "limit: "),
            ("offset=1", "offset: "),
            ("status=open", "status: "),
            ("eventType=Nothing", "eventType: "),
        ] {
            let error = parsed(raw_query).unwrap_err().to_string();
            assert!(error.starts_with(culprit), "{raw_query}: {error}");
        }
    }
}
