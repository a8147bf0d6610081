//! JSON Merge Patch (RFC 7396) over the members of an interaction: `null` removes, objects merge,
//! anything else replaces, arrays whole.
//!
//! Existing members keep their place and new ones follow in the order of the patch, but an `@type`
//! that stood last stands last afterwards: that is how the v4 lens knows it (see [`super::lens`]).
//! Whether the result is allowed is judged elsewhere.

use super::interaction::{Members, keeping_type_last};
use serde_json::{Map, Value};

/// Applies a patch, whose depth was bounded when it was read.
pub fn apply(members: &mut Members, patch: Members) {
    keeping_type_last(members, |members| {
        // All at once: taking out one moves all behind it, and there may be tens of thousands.
        if patch.values().any(Value::is_null) {
            members.retain(|name, _| !patch.get(name).is_some_and(Value::is_null));
        }
        for (name, value) in patch.into_iter().filter(|(_, value)| !value.is_null()) {
            apply_value(members.entry(name).or_insert(Value::Null), value);
        }
    });
}

fn apply_value(target: &mut Value, patch: Value) {
    match patch {
        Value::Object(patch) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            if let Value::Object(members) = target {
                apply(members, patch);
            }
        }
        other => *target = other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(target: &str, patch: &str, expected: &str) {
        let mut value: Value = serde_json::from_str(target).unwrap();
        apply_value(&mut value, serde_json::from_str(patch).unwrap());
        assert_eq!(value.to_string(), expected, "{target} + {patch}");
    }

    #[test]
    fn appendix_a_of_the_rfc() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#);
        check(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#);
        check(r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#);
        check(r#"{"a":"foo"}"#, "null", "null");
        check(r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#);
        check("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }

    #[test]
    fn order() {
        check(r#"{"a":1,"b":2,"c":3}"#, r#"{"d":4,"a":null,"b":5}"#, r#"{"b":5,"c":3,"d":4}"#);
        check(r#"{"a":1,"@type":"T"}"#, r#"{"b":2}"#, r#"{"a":1,"b":2,"@type":"T"}"#);
        check(r#"{"@type":"T","a":1}"#, r#"{"b":2}"#, r#"{"@type":"T","a":1,"b":2}"#);
        check(r#"{"a":1}"#, r#"{"@type":"T","b":2}"#, r#"{"a":1,"@type":"T","b":2}"#);
        check(r#"{"a":{"@type":"T"}}"#, r#"{"a":{"b":1}}"#, r#"{"a":{"b":1,"@type":"T"}}"#);
        check(r#"{"a":1,"@type":"T"}"#, r#"{"@type":null,"b":2}"#, r#"{"a":1,"b":2}"#);
    }

    /// One by one it would take minutes.
    #[test]
    fn as_many_members_as_a_body_can_name_are_removed() {
        let members = |value: Value| (0..100_000).map(move |n| (format!("m{n}"), value.clone()));
        let mut target: Members = members(json!(1)).collect();
        target.insert("kept".to_owned(), json!(2));
        apply(&mut target, members(Value::Null).collect());
        assert_eq!(Value::Object(target).to_string(), r#"{"kept":2}"#);
    }

    fn value() -> BoxedStrategy<Value> {
        let leaf = prop_oneof![Just(Value::Null), Just(json!(1)), Just(json!("x"))];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::vec(
                    (prop::sample::select(&["a", "b", "@type"][..]), inner),
                    0..4
                )
                .prop_map(|pairs| pairs.into_iter().collect()),
            ]
        })
        .boxed()
    }

    proptest! {
        #[test]
        fn twice_is_once(target in value(), patch in value()) {
            let mut once = target;
            apply_value(&mut once, patch.clone());
            let mut twice = once.clone();
            apply_value(&mut twice, patch);
            prop_assert_eq!(once.to_string(), twice.to_string());
        }

        #[test]
        fn an_empty_patch_changes_nothing(target in value()) {
            prop_assume!(target.is_object());
            let mut patched = target.clone();
            apply_value(&mut patched, json!({}));
            prop_assert_eq!(target.to_string(), patched.to_string());
        }
    }
}
