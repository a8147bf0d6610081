//! The query of a list: directives, and everything else a filter (TMF630 "Filtering", "Paging").
//!
//! ```text
//! query     = pair *( "&" pair )
//! pair      = directive "=" value / condition
//! directive = "fields" / "offset" / "limit" / "depth" / "expand"
//! condition = compare *( ";" ( compare / values ) )       any of them
//! compare   = path operator values
//! operator  = [ ".eq" / ".ne" / ".gt" / ".gte" / ".lt" / ".lte" / ".regex" ] "="
//!           / "==" / ">" / ">=" / "<" / "<=" / "*="       or any part of these as %XX
//! values    = value *( "," value )                        any of them
//! path      = name *( "." name )                          arrays are descended into
//! ```
//!
//! Pairs with the same path and operator are alternatives too; all others must hold together.
//! `a=x;a=y` is the same as `a=x,y`, and `a=x;b=y` holds when either does; `a.gt=1&a.lt=5` is a
//! range. Separators count before decoding, so a comma in a value is written `%2C`; a regular
//! expression takes the rest of its pair, separators and all. `a.ne=x,y` is true of exactly those
//! interactions that `a=x,y` is false of. What cannot be honoured is refused, never ignored.

use crate::query::attribute::Scope;
use crate::query::condition::{Conditions, decoded};
use crate::query::error::QueryError;
use crate::query::fields::Fields;
use crate::query::filter::{Filter, Path};
use crate::query::text::{pairs, split};
use crate::query::vocabulary::{Kind, Vocabulary};

/// A parsed list query.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Which interactions.
    pub filter: Filter,
    /// How many of them to pass over.
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
}

/// Reads the query of a list.
///
/// # Errors
/// [`QueryError`] for the first thing that cannot be honoured.
pub fn parse(raw_query: &str, context: &QueryContext<'_>) -> Result<ListQuery, QueryError> {
    let mut directives = Directives::default();
    let mut conditions = Conditions::default();
    for raw in pairs(raw_query) {
        let (raw_name, raw_value) = split(raw);
        if !directives.take(&decoded(raw_name, raw_name)?, raw_value)? {
            conditions.add(raw, context)?;
        }
    }
    let limits = &context.limits;
    if let (Some(limit), Some(most)) = (directives.limit, limits.items)
        && limit > most
    {
        return Err(QueryError::LimitTooLarge(most));
    }
    Ok(ListQuery {
        filter: Filter {
            conditions: conditions.into_all(),
            href_prefix: context.href_prefix.to_owned(),
        },
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
        let paging = matches!(name.as_str(), "offset" | "limit");
        if paging || !directives.take(&name, raw_value)? {
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
struct Directives {
    fields: Option<Fields>,
    offset: Option<u64>,
    limit: Option<u64>,
}

impl Directives {
    /// Whether the pair is a directive. `depth` and `expand` ask for less or more of what is always
    /// whole here, so they are honoured by doing nothing.
    fn take(&mut self, name: &str, raw_value: Option<&str>) -> Result<bool, QueryError> {
        match name {
            "fields" => {
                let raw = raw_value.ok_or_else(|| QueryError::NoValue(name.to_owned()))?;
                let fields = Fields::parse(&decoded(name, raw)?)?;
                once("fields", &mut self.fields, fields)?;
            }
            "offset" => once("offset", &mut self.offset, count("offset", raw_value)?)?,
            "limit" => once("limit", &mut self.limit, count("limit", raw_value)?)?,
            "depth" | "expand" => {}
            "sort" | "filter" => return Err(QueryError::Unsupported(name.to_owned())),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), QueryError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(QueryError::Repeated(name)),
    }
}

fn count(name: &'static str, raw_value: Option<&str>) -> Result<u64, QueryError> {
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
            href_prefix: "http://x/",
            limits: QueryLimits { comparisons: 4, items: Some(100), regex_bytes: 100 },
        };
        parse(raw_query, &context)
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        for (raw_query, expected) in [
            ("sort=-status", "sort: not supported"),
            ("filter=x", "filter: not supported"),
            ("offset=-1", "offset: expected a whole number from 0 on"),
            ("offset=%31", "offset: expected a whole number from 0 on"),
            ("limit=", "limit: expected a whole number from 0 on"),
            ("limit=99999999999999999999", "limit: expected a whole number from 0 on"),
            ("limit=101", "limit: at most 100 items are shown at once"),
            ("limit=1&limit=1", "limit: given more than once"),
            ("fields=id&fields=id", "fields: given more than once"),
            ("fields", "fields: expected a value"),
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
        for raw_query in ["status=open", "limit=1", "offset=0"] {
            assert!(fields_only(raw_query).is_err(), "{raw_query}");
        }
        assert_eq!(nothing("&"), Ok(()));
        assert_eq!(nothing("fields=id").unwrap_err().to_string(), "fields: not supported");
    }
}
