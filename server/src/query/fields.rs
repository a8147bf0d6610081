//! `fields`: which members an answer shows (TMF630 "fields").
//!
//! `id` and `href` always come. A name the resource does not have selects nothing, for resources
//! are open; only a malformed list is an error. `a.b` shows `b` of `a`, in each item of an array.

use crate::domain::json::DEEPEST;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A selection of members.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fields {
    members: BTreeMap<String, Selection>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Selection {
    Whole,
    Part(Fields),
}

/// Why a list of fields is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FieldsError {
    /// The list, or a name in it, is empty.
    #[error("fields: expected attribute names separated by commas, or none")]
    Malformed,
    /// A path of more names than any document has levels.
    #[error("fields: a path has more than {DEEPEST} names")]
    TooDeep,
}

impl Fields {
    /// Reads a decoded value.
    ///
    /// # Errors
    /// [`FieldsError`]
    pub fn parse(text: &str) -> Result<Self, FieldsError> {
        let mut fields = Self::default();
        if text.trim() == "none" {
            return Ok(fields);
        }
        for path in text.split(',') {
            let names: Vec<&str> = path.trim().split('.').collect();
            if names.iter().any(|name| name.is_empty()) {
                return Err(FieldsError::Malformed);
            }
            if names.len() > DEEPEST {
                return Err(FieldsError::TooDeep);
            }
            fields.select(&names);
        }
        Ok(fields)
    }

    fn select(&mut self, names: &[&str]) {
        let [name, rest @ ..] = names else { return };
        let whole_or_part = || match rest {
            [] => Selection::Whole,
            _ => Selection::Part(Self::default()),
        };
        let selection = self.members.entry((*name).to_owned()).or_insert_with(whole_or_part);
        match (selection, rest) {
            // The whole includes every part, whichever was named first.
            (Selection::Whole, _) => {}
            (selection, []) => *selection = Selection::Whole,
            (Selection::Part(part), _) => part.select(rest),
        }
    }

    /// The part of a representation that is shown.
    pub fn apply(&self, whole: Map<String, Value>, always_type: bool) -> Map<String, Value> {
        let always = |name: &str| matches!(name, "id" | "href") || (always_type && name == "@type");
        let shown = whole.into_iter().filter_map(|(name, value)| {
            let value = if always(&name) { Some(value) } else { self.part(&name, value) };
            value.map(|value| (name, value))
        });
        shown.collect()
    }

    fn part(&self, name: &str, value: Value) -> Option<Value> {
        match self.members.get(name)? {
            Selection::Whole => Some(value),
            Selection::Part(fields) => fields.inside(value),
        }
    }

    fn inside(&self, value: Value) -> Option<Value> {
        match value {
            Value::Object(members) => {
                let parts = members
                    .into_iter()
                    .filter_map(|(name, value)| self.part(&name, value).map(|value| (name, value)));
                Some(Value::Object(parts.collect()))
            }
            Value::Array(items) => {
                Some(items.into_iter().filter_map(|item| self.inside(item)).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_named_is_shown() {
        let whole = json!({
            "id": "1", "href": "h", "@type": "T", "reason": "r", "status": "s",
            "note": [{"id": "n", "text": "t"}, {"text": "u"}, 7], "period": {"start": 1, "end": 2},
        });
        for (fields, expected) in [
            ("none", json!({"id": "1", "href": "h", "@type": "T"})),
            ("reason", json!({"id": "1", "href": "h", "@type": "T", "reason": "r"})),
            (" reason , id", json!({"id": "1", "href": "h", "@type": "T", "reason": "r"})),
            ("nothing", json!({"id": "1", "href": "h", "@type": "T"})),
            (
                "note.text,period.end,status.x",
                json!({"id": "1", "href": "h", "@type": "T",
                       "note": [{"text": "t"}, {"text": "u"}], "period": {"end": 2}}),
            ),
            (
                "period.end,period",
                json!({"id": "1", "href": "h", "@type": "T", "period": {"start": 1, "end": 2}}),
            ),
        ] {
            let Value::Object(whole) = whole.clone() else { unreachable!() };
            let shown = Fields::parse(fields).unwrap().apply(whole, true);
            assert_eq!(Value::Object(shown), expected, "{fields}");
        }
    }

    #[test]
    fn the_type_is_a_member_like_others_before_v5() {
        let Value::Object(whole) = json!({"id": "1", "@type": "T"}) else { unreachable!() };
        let shown = Fields::parse("none").unwrap().apply(whole, false);
        assert_eq!(Value::Object(shown), json!({"id": "1"}));
    }

    #[test]
    fn a_malformed_list_is_refused() {
        for text in ["", ",", "a,,b", "a,", ".a", "a..b", " "] {
            assert_eq!(Fields::parse(text), Err(FieldsError::Malformed), "{text:?}");
        }
    }

    /// A selection as deep as a URL is long would overflow the stack when it is dropped.
    #[test]
    fn a_path_has_only_so_many_names() {
        let path = |names: usize| vec!["a"; names].join(".");
        assert!(Fields::parse(&path(DEEPEST)).is_ok());
        for names in [DEEPEST + 1, 100_000] {
            assert_eq!(Fields::parse(&path(names)), Err(FieldsError::TooDeep));
        }
    }
}
