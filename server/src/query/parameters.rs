//! Queries of operations that filter nothing: each parameter is known by name and given once.

use crate::query::condition::decoded;
use crate::query::error::QueryError;
use crate::query::parse;
use crate::query::text::{pairs, split};

/// The values of the parameters `names`, in their order; `None` where one is not given.
///
/// # Errors
/// [`QueryError::Unsupported`] for every other name, [`QueryError::Repeated`],
/// [`QueryError::NoValue`].
pub fn named<const N: usize>(
    raw_query: &str,
    names: [&'static str; N],
) -> Result<[Option<String>; N], QueryError> {
    let mut values = [const { None }; N];
    for (raw_name, raw_value) in pairs(raw_query).map(split) {
        let name = decoded(raw_name, raw_name)?;
        let Some(at) = names.iter().position(|known| *known == name) else {
            return Err(QueryError::Unsupported(name));
        };
        let raw_value = raw_value.ok_or(QueryError::NoValue(name))?;
        if values[at].replace(decoded(names[at], raw_value)?).is_some() {
            return Err(QueryError::Repeated(names[at]));
        }
    }
    Ok(values)
}

/// A count given as a parameter.
///
/// # Errors
/// [`QueryError::NotACount`]
pub fn count(name: &'static str, value: Option<&str>) -> Result<Option<u64>, QueryError> {
    value.map(|text| parse::count(name, Some(text))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_and_nothing_else() {
        let read = |query| named(query, ["state", "limit"]).map_err(|error| error.to_string());
        assert_eq!(read(""), Ok([None, None]));
        assert_eq!(read("limit=5&state=a%20b"), Ok([Some("a b".into()), Some("5".into())]));
        for (query, complaint) in [
            ("colour=red", "colour: not supported"),
            ("limit=1&limit=1", "limit: given more than once"),
            ("state", "state: expected a value"),
            ("state=%FF", "state: not UTF-8"),
        ] {
            assert_eq!(read(query), Err(complaint.to_owned()));
        }
        assert_eq!(count("limit", Some("7")), Ok(Some(7)));
        for text in ["", "-1", "+1", "99999999999999999999"] {
            assert_eq!(count("limit", Some(text)), Err(QueryError::NotACount("limit")));
        }
    }
}
