//! The query of a list: directives, and everything else a filter (TMF630 "Filtering", "Paging").
//!
//! ```text
//! query     = pair *( "&" pair )
//! pair      = directive "=" value / "filter=" JSONPath / condition
//! directive = "fields" / "sort" / "cursor" / "offset" / "limit" / "depth" / "expand"
//! condition = compare *( ";" ( compare / values ) )       any of them
//! compare   = path operator values
//! operator  = [ ".eq" / ".ne" / ".gt" / ".gte" / ".lt" / ".lte" / ".regex" ] "="
//!           / "==" / ">" / ">=" / "<" / "<=" / "*="       or any part of these as %XX
//! values    = value *( "," value )                        any of them
//! path      = name *( "." name )                          arrays are descended into
//! ```
//!
//! Some of it, and what it means; a test reads these lines:
//!
//! ```text
//! status=open,closed;void                 status=open | status=closed | status=void
//! status=open&status=closed&reason=x      status=open | status=closed & reason=x
//! status=open;reason=x                    status=open | reason=x
//! status.ne=open,closed                   !(status=open | status=closed)
//! size.amount.gt=1&size.amount%3C%3D5     size.amount>1 & size.amount<=5
//! reason=a%2Cb                            reason=a,b
//! reason*=^a,b;c$                         reason~^a,b;c$
//! relatedParty.party.id=7                 relatedParty.party.id=7
//! vip.level=3                             vip.level=3
//! ```
//!
//! Pairs with the same path and operator are alternatives too; all others must hold together.
//! `a=x;a=y` is the same as `a=x,y`, and `a=x;b=y` holds when either does; `a.gt=1&a.lt=5` is a
//! range. Separators count before decoding, so a comma in a value is written `%2C`; a regular
//! expression takes the rest of its pair, separators and all. `a.ne=x,y` is true of exactly those
//! interactions that `a=x,y` is false of. JSONPaths must hold as well, each. What cannot be honoured is refused, never ignored.

use crate::domain::shape::Shape;
use crate::query::attribute::Scope;
use crate::query::condition::{Conditions, decoded};
use crate::query::cursor::Position;
use crate::query::error::QueryError;
use crate::query::fields::Fields;
use crate::query::filter::{Filter, Path};
use crate::query::jsonpath::{Bounds, JsonPath};
use crate::query::sort::Sort;
use crate::query::text::{pairs, split};
use crate::query::vocabulary::{Kind, Vocabulary};

/// A parsed list query.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Which interactions.
    pub filter: Filter,
    /// In which order; `None`: as they were created.
    pub sort: Option<Sort>,
    /// Behind which place to begin; `None`: by `offset`.
    pub after: Option<Position>,
    /// How many of them to pass over; beside `after` only what a client counts.
    pub offset: u64,
    /// How many to show; `None`: all.
    pub limit: Option<u64>,
    /// Which members to show; `None`: all.
    pub fields: Option<Fields>,
}

/// What a query is read against.
pub struct QueryContext<'a> {
    /// The paths of the canonical document.
    pub vocabulary: &'a Vocabulary,
    /// From a path of the caller's version to canonical ones: none when it has no such path, more
    /// than one when the value may lie in either.
    pub canonical_paths: &'a dyn Fn(&[String]) -> Vec<Path>,
    /// Whether some stored interaction has this extension path.
    pub knows_extension: &'a dyn Fn(&str) -> bool,
    /// What the caller's version shows of a canonical document.
    pub shape: Shape,
    /// Collection address of the caller.
    pub href_prefix: &'a str,
    /// What the operator allows.
    pub limits: QueryLimits,
}

impl Scope for QueryContext<'_> {
    fn places(&self, path: &[String]) -> Vec<(Path, Kind)> {
        let known = |path: Path| {
            let extension = || (self.knows_extension)(&path.join(".")).then_some(Kind::Any);
            let kind = self.vocabulary.kind_of(&path).or_else(extension)?;
            Some((path, kind))
        };
        (self.canonical_paths)(path).into_iter().filter_map(known).collect()
    }

    fn limits(&self) -> &QueryLimits {
        &self.limits
    }
}

/// Bounds on a query.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    /// Most comparisons.
    pub comparisons: usize,
    /// Largest `limit`, and the one that counts when none is given; `None`: any.
    pub items: Option<u64>,
    /// Longest regular expression.
    pub regex_bytes: usize,
    /// Longest JSONPath, all in one query taken together.
    pub jsonpath_bytes: usize,
}

/// Reads the query of a list.
///
/// # Errors
/// [`QueryError`] for the first thing that cannot be honoured.
pub fn parse(raw_query: &str, context: &QueryContext<'_>) -> Result<ListQuery, QueryError> {
    let mut directives = Directives::default();
    let mut conditions = Conditions::default();
    let limits = &context.limits;
    let mut paths = Vec::new();
    let mut bounds = Bounds { bytes: limits.jsonpath_bytes, regex_bytes: limits.regex_bytes };
    for raw in pairs(raw_query) {
        let (raw_name, raw_value) = split(raw);
        let name = decoded(raw_name, raw_name)?;
        if name == "filter" {
            let raw_path = raw_value.ok_or(QueryError::NoValue(name))?;
            let path = decoded("filter", raw_path)?;
            paths.push(JsonPath::parse(&path, context.shape, bounds)?);
            bounds.bytes -= path.len();
        } else if !directives.take(&name, raw_value)? {
            conditions.add(raw, context)?;
        }
    }
    let limits = &context.limits;
    if let (Some(limit), Some(most)) = (directives.limit, limits.items)
        && limit > most
    {
        return Err(QueryError::LimitTooLarge(most));
    }
    let sort = directives.raw_sort.map(|raw| Sort::parse(raw, context)).transpose()?;
    let place = |text: String| Position::of_cursor(&text, sort.as_ref());
    let after = directives.cursor.map(place).transpose()?;
    Ok(ListQuery {
        after,
        filter: Filter {
            conditions: conditions.into_all(),
            paths,
            href_prefix: context.href_prefix.to_owned(),
        },
        sort,
        offset: directives.offset.unwrap_or(0),
        limit: directives.limit.or(limits.items),
        fields: directives.fields,
    })
}

/// Reads the query of an operation on one resource, which takes only `fields`.
///
/// # Errors
/// [`QueryError`], also for every other parameter.
pub fn fields_only(raw_query: &str) -> Result<Option<Fields>, QueryError> {
    let mut directives = Directives::default();
    for (raw_name, raw_value) in pairs(raw_query).map(split) {
        let name = decoded(raw_name, raw_name)?;
        let of_lists = matches!(name.as_str(), "sort" | "cursor" | "offset" | "limit");
        if of_lists || !directives.take(&name, raw_value)? {
            return Err(QueryError::Unsupported(name));
        }
    }
    Ok(directives.fields)
}

/// Reads the query of an operation that takes no parameters.
///
/// # Errors
/// [`QueryError::Unsupported`] naming the first.
pub fn nothing(raw_query: &str) -> Result<(), QueryError> {
    match pairs(raw_query).map(split).next() {
        None => Ok(()),
        Some((raw_name, _)) => Err(QueryError::Unsupported(decoded(raw_name, raw_name)?)),
    }
}

#[derive(Default)]
struct Directives<'q> {
    /// Read once all pairs have been looked at.
    raw_sort: Option<&'q str>,
    cursor: Option<String>,
    fields: Option<Fields>,
    offset: Option<u64>,
    limit: Option<u64>,
}

impl<'q> Directives<'q> {
    /// Whether the pair is a directive. `depth` and `expand` ask for less or more of what is always
    /// whole here, so they are honoured by doing nothing.
    fn take(&mut self, name: &str, raw_value: Option<&'q str>) -> Result<bool, QueryError> {
        let value = || raw_value.ok_or_else(|| QueryError::NoValue(name.to_owned()));
        match name {
            "fields" => {
                let fields = Fields::parse(&decoded(name, value()?)?)?;
                once("fields", &mut self.fields, fields)?;
            }
            "offset" => once("offset", &mut self.offset, count("offset", raw_value)?)?,
            "limit" => once("limit", &mut self.limit, count("limit", raw_value)?)?,
            "depth" | "expand" => {}
            "sort" => once("sort", &mut self.raw_sort, value()?)?,
            "cursor" => once("cursor", &mut self.cursor, decoded(name, value()?)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

pub(super) fn once<T>(
    name: &'static str,
    place: &mut Option<T>,
    value: T,
) -> Result<(), QueryError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(QueryError::Repeated(name)),
    }
}

pub(super) fn count(name: &'static str, raw_value: Option<&str>) -> Result<u64, QueryError> {
    let digits = raw_value.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or(QueryError::NotACount(name))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::query::vocabulary::tests::small;

    /// Against the small document, with one extension and the traps of a lens.
    pub fn parsed(raw_query: &str) -> Result<ListQuery, QueryError> {
        let context = QueryContext {
            vocabulary: &small(),
            canonical_paths: &|path| match path.join(".").as_str() {
                "hidden" => vec![],
                "either" => vec![vec!["status".into()], vec!["reason".into()]],
                _ => vec![path.to_vec()],
            },
            knows_extension: &|path| matches!(path, "vip.level" | "odd>name" | "odd.gt"),
            shape: Shape::V5,
            href_prefix: "http://x/",
            limits: QueryLimits {
                comparisons: 4,
                items: Some(100),
                regex_bytes: 100,
                jsonpath_bytes: 50,
            },
        };
        parse(raw_query, &context)
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        for (raw_query, expected) in [
            ("filter", "filter: expected a value"),
            ("filter=%FF", "filter: not UTF-8"),
            ("filter=status", "filter: not JSONPath (RFC 9535) at character 1: status"),
            (
                "filter=$[0]",
                "filter: at character 2: each interaction is judged by itself; \
                a path begins with [?…], [*] or a descent (..) to a name",
            ),
            (
                "filter=[?@.a]&filter=[?@.a=='123456789012345678901234567890123456']",
                "filter: longer than 44 bytes",
            ),
            ("offset=-1", "offset: expected a whole number from 0 on"),
            ("offset=%31", "offset: expected a whole number from 0 on"),
            ("limit=", "limit: expected a whole number from 0 on"),
            ("limit=99999999999999999999", "limit: expected a whole number from 0 on"),
            ("limit=101", "limit: at most 100 items are shown at once"),
            ("limit=1&limit=1", "limit: given more than once"),
            ("fields=id&fields=id", "fields: given more than once"),
            ("fields", "fields: expected a value"),
            ("cursor", "cursor: expected a value"),
            ("cursor=x", "cursor: not one that a `next` link of a list in this order has"),
        ] {
            assert_eq!(parsed(raw_query).unwrap_err().to_string(), expected, "{raw_query}");
        }
    }

    #[test]
    fn paging() {
        let window =
            |raw_query| parsed(raw_query).map(|query| (query.offset, query.limit)).unwrap();
        assert_eq!(window("offset=7&limit=0"), (7, Some(0)));
        assert_eq!(window("limit=100"), (0, Some(100)));
        assert_eq!(window(""), (0, Some(100)), "the operator's bound holds without a limit too");
    }

    #[test]
    fn one_resource_takes_only_fields() {
        assert_eq!(fields_only(""), Ok(None));
        assert!(fields_only("fields=id").unwrap().is_some());
        for raw_query in ["status=open", "limit=1", "offset=0", "sort=id", "cursor=x"] {
            assert!(fields_only(raw_query).is_err(), "{raw_query}");
        }
        assert_eq!(nothing("&"), Ok(()));
        assert_eq!(nothing("fields=id").unwrap_err().to_string(), "fields: not supported");
    }
}
