//! The query of a list: directives, and everything else a filter (TMF630 "Filtering", "Paging").
//!
//! ```text
//! query     = pair *( "&" pair )
//! pair      = directive "=" value / path [ ".eq" ] "=" values
//! directive = "fields" / "offset" / "limit" / "depth" / "expand"
//! values    = value *( ( "," / ";" ) value )        any of them
//! path      = name *( "." name )                    arrays are descended into
//! ```
//!
//! Pairs with the same path are alternatives too; different paths must all hold. `a=x;a=y` is the
//! same as `a=x,y`, and `a=x;b=y` holds when either does. Separators count before decoding, so a
//! comma in a value is written `%2C`. Other operators, `sort` and `filter` are refused, never
//! ignored.

use crate::domain::scalar::{self, Decimal};
use crate::query::fields::{Fields, FieldsError};
use crate::query::filter::{Condition, Filter, Operator, Path, Term};
use crate::query::text::{NotUtf8, decode, pairs};
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
    /// Most comparisons in one query.
    pub max_conditions: usize,
    /// Largest `limit`, and the one that counts when none is given; `None`: any.
    pub max_limit: Option<u64>,
}

/// Why a query is refused. The text names the parameter as the caller wrote it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// Decodes to something that is not UTF-8.
    #[error("{0}: not UTF-8")]
    NotUtf8(String),
    /// A directive twice.
    #[error("{0}: given more than once")]
    Repeated(&'static str),
    /// Not a count.
    #[error("{0}: expected a whole number from 0 on")]
    NotACount(&'static str),
    /// More than the operator allows.
    #[error("limit: at most {0} items are shown at once")]
    LimitTooLarge(u64),
    /// `fields` is malformed.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// Defined by TMF630, not by this server.
    #[error("{0}: not supported")]
    Unsupported(String),
    /// No such attribute, in the document or in any stored interaction.
    #[error("{0}: no such attribute")]
    UnknownPath(String),
    /// Objects do not compare.
    #[error("{0}: has members of its own; name one of them")]
    NotAValue(String),
    /// A name without a value.
    #[error("{0}: expected a value")]
    NoValue(String),
    /// The value cannot be of the attribute's kind.
    #[error("{path}: {expected} expected")]
    WrongKind {
        /// The attribute.
        path: String,
        /// What its values are.
        expected: &'static str,
    },
    /// More comparisons than the operator allows.
    #[error("more than {0} comparisons")]
    TooMany(usize),
}

/// Reads the query of a list.
///
/// # Errors
/// [`QueryError`] for the first thing that cannot be honoured.
pub fn parse(raw_query: &str, context: &QueryContext<'_>) -> Result<ListQuery, QueryError> {
    let mut directives = Directives::default();
    let mut conditions: Vec<(String, Condition)> = Vec::new();
    let mut comparisons = 0;
    for (raw_name, raw_value) in pairs(raw_query) {
        let name = decoded(raw_name, raw_name)?;
        if directives.take(&name, raw_value)? {
            continue;
        }
        let terms = terms(&name, raw_value, context)?;
        comparisons += terms.len();
        if comparisons > context.max_conditions {
            return Err(QueryError::TooMany(context.max_conditions));
        }
        match conditions.iter_mut().find(|(seen, _)| *seen == name) {
            Some((_, condition)) => condition.any_of.extend(terms),
            None => conditions.push((name, Condition { any_of: terms })),
        }
    }
    if let (Some(limit), Some(most)) = (directives.limit, context.max_limit)
        && limit > most
    {
        return Err(QueryError::LimitTooLarge(most));
    }
    let conditions = conditions.into_iter().map(|(_, condition)| condition).collect();
    Ok(ListQuery {
        filter: Filter { conditions, href_prefix: context.href_prefix.to_owned() },
        offset: directives.offset.unwrap_or(0),
        limit: directives.limit.or(context.max_limit),
        fields: directives.fields,
    })
}

/// Reads the query of an operation on one resource, which takes only `fields`.
///
/// # Errors
/// [`QueryError`], also for every other parameter.
pub fn fields_only(raw_query: &str) -> Result<Option<Fields>, QueryError> {
    let mut directives = Directives::default();
    for (raw_name, raw_value) in pairs(raw_query) {
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
    match pairs(raw_query).next() {
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

fn decoded(name: &str, raw: &str) -> Result<String, QueryError> {
    decode(raw).map_err(|NotUtf8| QueryError::NotUtf8(name.to_owned()))
}

/// The alternatives of one pair.
fn terms(
    name: &str,
    raw_value: Option<&str>,
    context: &QueryContext<'_>,
) -> Result<Vec<Term>, QueryError> {
    if let Some(operator) = operator_in(name) {
        return Err(QueryError::Unsupported(format!("operator {operator} in {name}")));
    }
    let raw_value = raw_value.ok_or_else(|| QueryError::NoValue(name.to_owned()))?;
    let mut target = target(name, context)?;
    let mut terms = Vec::new();
    for part in raw_value.split(';') {
        let mut values = part;
        // `a=x;b=y`: a new path starts only where there is one, so that a `;` in a URL stays text.
        if !terms.is_empty()
            && let Some((raw_path, rest)) = part.split_once('=')
            && let Ok(next) = decoded(name, raw_path).and_then(|path| self::target(&path, context))
        {
            (target, values) = (next, rest);
        }
        for raw in values.split(',') {
            target.compare(&decoded(name, raw)?, &mut terms)?;
        }
    }
    Ok(terms)
}

/// Operators TMF630 allows inside a name, once decoded.
fn operator_in(name: &str) -> Option<&'static str> {
    [">=", "<=", "==", "*=", "=~", ">", "<", "="].into_iter().find(|op| name.contains(op))
}

struct Target {
    written: String,
    /// Where the attribute is in canonical documents; a match at any of them is a match.
    places: Vec<(Path, Kind)>,
}

impl Target {
    fn compare(&self, operand: &str, terms: &mut Vec<Term>) -> Result<(), QueryError> {
        for (path, kind) in &self.places {
            let (fits, expected) = match kind {
                Kind::Text | Kind::Any | Kind::Object => (true, ""),
                Kind::Instant => (scalar::instant(operand).is_some(), "an RFC 3339 date-time"),
                Kind::Number => (Decimal::parse(operand).is_some(), "a number"),
                Kind::Boolean => (matches!(operand, "true" | "false"), "true or false"),
            };
            if !fits {
                return Err(QueryError::WrongKind { path: self.written.clone(), expected });
            }
            let (path, operand) = (path.clone(), operand.to_owned());
            terms.push(Term { path, operator: Operator::Equal, operand });
        }
        Ok(())
    }
}

/// What a name addresses: the attribute of that path or, failing that, with an operator as suffix.
fn target(name: &str, context: &QueryContext<'_>) -> Result<Target, QueryError> {
    if let Some(target) = attribute(name, context)? {
        return Ok(target);
    }
    let unknown = || QueryError::UnknownPath(name.to_owned());
    let (path, suffix) = name.rsplit_once('.').ok_or_else(unknown)?;
    let is_operator = matches!(suffix, "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "regex");
    let target = if is_operator { attribute(path, context)? } else { None };
    match (target, suffix) {
        (Some(target), "eq") => Ok(target),
        (Some(_), _) => Err(QueryError::Unsupported(format!("operator .{suffix} in {name}"))),
        (None, _) => Err(unknown()),
    }
}

fn attribute(name: &str, context: &QueryContext<'_>) -> Result<Option<Target>, QueryError> {
    let written: Path = name.split('.').map(str::to_owned).collect();
    let mut places = Vec::new();
    for path in (context.canonical_paths)(&written) {
        let extension = || (context.knows_extension)(&path.join(".")).then_some(Kind::Any);
        match context.vocabulary.kind_of(&path).or_else(extension) {
            None => {}
            Some(Kind::Object) => return Err(QueryError::NotAValue(name.to_owned())),
            Some(kind) => places.push((path, kind)),
        }
    }
    Ok((!places.is_empty()).then(|| Target { written: name.to_owned(), places }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::vocabulary::tests::small;

    fn parsed(raw_query: &str) -> Result<ListQuery, QueryError> {
        let context = QueryContext {
            vocabulary: &small(),
            canonical_paths: &|path| match path[0].as_str() {
                "hidden" => vec![],
                "either" => vec![vec!["status".into()], vec!["reason".into()]],
                _ => vec![path.to_vec()],
            },
            knows_extension: &|path| path == "vip.level",
            href_prefix: "http://x/",
            max_conditions: 4,
            max_limit: Some(100),
        };
        parse(raw_query, &context)
    }

    /// Conditions as text: AND is ` & `, OR is ` | `.
    fn conditions(raw_query: &str) -> String {
        let term = |term: &Term| format!("{}={}", term.path.join("."), term.operand);
        let condition = |c: &Condition| c.any_of.iter().map(term).collect::<Vec<_>>().join(" | ");
        let filter = parsed(raw_query).unwrap().filter;
        filter.conditions.iter().map(condition).collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn and_or_and_decoding() {
        for (raw_query, expected) in [
            ("", ""),
            ("offset=1&limit=2&fields=id&depth=1&expand=x", ""),
            ("status=open", "status=open"),
            ("status.eq=open", "status=open"),
            ("status=open&reason=a+b%2Bc%20d", "status=open & reason=a b+c d"),
            ("status=open,closed", "status=open | status=closed"),
            ("status=open&status=closed", "status=open | status=closed"),
            ("status=open;closed", "status=open | status=closed"),
            ("status=open;status=closed", "status=open | status=closed"),
            ("status=open;reason=x,y", "status=open | reason=x | reason=y"),
            ("reason=a%2Cb", "reason=a,b"),
            ("href=http://x/1?a=b", "href=http://x/1?a=b"),
            ("href=http://x/1;v=2", "href=http://x/1 | href=v=2"),
            ("status=", "status="),
            ("relatedParty.party.id=7", "relatedParty.party.id=7"),
            ("vip.level=3", "vip.level=3"),
            ("either=3", "status=3 | reason=3"),
            ("&&status=open&", "status=open"),
        ] {
            assert_eq!(conditions(raw_query), expected, "{raw_query}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        for (raw_query, expected) in [
            ("colour=red", "colour: no such attribute"),
            ("relatedParty.id=1", "relatedParty.id: no such attribute"),
            ("hidden=1", "hidden: no such attribute"),
            ("status..x=1", "status..x: no such attribute"),
            ("=1", ": no such attribute"),
            ("status", "status: expected a value"),
            ("size=1", "size: has members of its own; name one of them"),
            ("size.amount=big", "size.amount: a number expected"),
            ("urgent=yes", "urgent: true or false expected"),
            ("creationDate=soon", "creationDate: an RFC 3339 date-time expected"),
            ("status.ne=open", "operator .ne in status.ne: not supported"),
            ("creationDate%3E2020-01-01", "operator > in creationDate>2020-01-01: not supported"),
            ("status%3D%3Dopen", "operator == in status==open: not supported"),
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
            ("status=%FF", "status: not UTF-8"),
            ("status=1,2,3,4,5", "more than 4 comparisons"),
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
