//! Bodies judged by the API document: required members, types, formats, discriminators (D5).
//!
//! The schemas come from the generator and are compiled once. Every complaint names its member by
//! JSON Pointer (RFC 6901) and never repeats the client's value.

mod looked_at;

use crate::domain::tree::Tree;
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use looked_at::Trees;
use serde_json::{Value, json};
use std::collections::HashSet;

/// One place where a body does not fit the document.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Violation {
    /// JSON Pointer of the member; of the absent member when it is required.
    pub pointer: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Violation {
    /// The member `name` of the object at `pointer` is not there.
    pub fn required(pointer: &str, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self { pointer: format!("{pointer}/{name}"), problem: "is required".into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "the body" } else { &self.pointer };
        write!(f, "{place} {}", self.problem)
    }
}

/// A body that does not fit; at least one violation.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Violations(pub Vec<Violation>);

/// Most violations told at once: enough to mend a body by, too few to fill a log.
const MOST_TOLD: usize = 10;

/// One definition of the document, compiled.
#[derive(Debug)]
pub struct Schema(Validator<Trees>);

impl Schema {
    /// Compiles the definition `name` of a generated `schemas.json`.
    ///
    /// # Errors
    /// The text is not the JSON Schema the generator emits.
    pub fn compile(schemas: &str, name: &str) -> anyhow::Result<Self> {
        let mut root: Value = serde_json::from_str(schemas)?;
        root["$ref"] = json!(format!("#/$defs/{name}"));
        let validator = jsonschema::options_for::<Trees>()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_format("base64", is_base64)
            // These say how a reader may hold a number; its bounds are keywords of their own.
            .with_format("float", |_| true)
            .with_format("int32", |_| true)
            .build(&root)
            .map_err(|error| anyhow::anyhow!("schema {name}: {error}"))?;
        Ok(Self(validator))
    }

    /// Judges a body.
    ///
    /// # Errors
    /// Where it does not fit.
    pub fn judge(&self, body: &Tree<'_>) -> Result<(), Violations> {
        if self.0.is_valid(body) { Ok(()) } else { Err(Violations(self.violations(body))) }
    }

    /// Judges a changed document by what the change made worse: a document written through another
    /// version may lack members this version wants, and that is not the fault of who patches it.
    ///
    /// # Errors
    /// Where `after` does not fit and `before` did.
    pub fn judge_change(&self, before: &Tree<'_>, after: &Tree<'_>) -> Result<(), Violations> {
        if self.0.is_valid(after) {
            return Ok(());
        }
        let known: HashSet<Violation> = self.0.iter_errors(before).map(told).collect();
        let fresh = self.0.iter_errors(after).map(told).filter(|v| !known.contains(v));
        let fresh: Vec<Violation> = fresh.take(MOST_TOLD).collect();
        if fresh.is_empty() { Ok(()) } else { Err(Violations(fresh)) }
    }

    /// Judges only the types of the members that are there.
    ///
    /// # Errors
    /// Where a member has another type than the document gives it.
    pub fn judge_types(&self, body: &Tree<'_>) -> Result<(), Violations> {
        if self.0.is_valid(body) {
            return Ok(());
        }
        let errors = self.0.iter_errors(body);
        let of_type = errors.filter(|e| matches!(e.kind(), ValidationErrorKind::Type { .. }));
        let found: Vec<Violation> = of_type.take(MOST_TOLD).map(told).collect();
        if found.is_empty() { Ok(()) } else { Err(Violations(found)) }
    }

    fn violations(&self, body: &Tree<'_>) -> Vec<Violation> {
        self.0.iter_errors(body).take(MOST_TOLD).map(told).collect()
    }
}

fn told(error: ValidationError<'_>) -> Violation {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            Violation::required(&pointer, property.as_str().unwrap_or_default())
        }
        _ => {
            let problem = error.masked_with("").to_string();
            Violation { pointer, problem: problem.trim().to_owned() }
        }
    }
}

/// RFC 4648 §4, padding optional: what the documents mean by `format: base64`.
fn is_base64(text: &str) -> bool {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT).decode(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const SCHEMAS: &str = r##"{"$defs": {
        "Call": {"type": "object", "required": ["reason"], "properties": {
            "reason": {"type": "string"}, "at": {"type": "string", "format": "date-time"},
            "size": {"type": "number"}, "content": {"type": "string", "format": "base64"},
            "party": {"$ref": "#/$defs/Party"}}},
        "Party": {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}},
            "allOf": [{"if": {"properties": {"@type": {"const": "Ref"}}, "required": ["@type"]},
                       "then": {"$ref": "#/$defs/Ref"}}]},
        "Ref": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    }}"##;

    fn complaint(body: Value) -> String {
        let schema = Schema::compile(SCHEMAS, "Call").unwrap();
        schema.judge(&Tree::from(&body)).map_or_else(|v| v.to_string(), |()| String::new())
    }

    #[test]
    fn each_complaint_names_its_member() {
        for (body, expected) in [
            (json!({"reason": "x", "size": 0.1, "other": [1]}), ""),
            (json!([]), r#"the body is not of type "object""#),
            (json!({}), "/reason is required"),
            (json!({"reason": 1}), r#"/reason is not of type "string""#),
            (json!({"reason": "x", "at": "yesterday"}), r#"/at is not a "date-time""#),
            (json!({"reason": "x", "at": "2020-10-02T11:36:18.1+02:00"}), ""),
            (json!({"reason": "x", "content": "a$"}), r#"/content is not a "base64""#),
            (json!({"reason": "x", "content": "YQ"}), ""),
            (json!({"reason": "x", "party": {}}), "/party/@type is required"),
            (json!({"reason": "x", "party": {"@type": "Ref"}}), "/party/id is required"),
            (json!({"reason": "x", "party": {"@type": "Other"}}), ""),
        ] {
            assert_eq!(complaint(body.clone()), expected, "{body}");
        }
    }

    /// JSON of what the schema tells apart.
    fn bodies() -> impl Strategy<Value = Value> {
        let scalar = prop::sample::select(vec![
            json!(null),
            json!(true),
            json!(1e3),
            json!("Ref"),
            json!("2020-10-02T11:36:18Z"),
        ]);
        let names = vec!["reason", "at", "size", "content", "party", "@type", "id", "x"];
        let name = prop::sample::select(names);
        scalar.prop_recursive(4, 40, 8, move |inner| {
            let members = prop::collection::btree_map(name.clone(), inner.clone(), 0..8);
            let object = members.prop_map(|members| members.into_iter().collect());
            prop_oneof![5 => object, 1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array)]
        })
    }

    proptest! {
        #[test]
        fn a_tree_is_judged_as_the_value_is(body in bodies()) {
            static SCHEMA: LazyLock<Schema> =
                LazyLock::new(|| Schema::compile(SCHEMAS, "Call").unwrap());
            static OF_VALUES: LazyLock<Validator> = LazyLock::new(|| {
                let mut root: Value = serde_json::from_str(SCHEMAS).unwrap();
                root["$ref"] = json!("#/$defs/Call");
                let options = jsonschema::options().should_validate_formats(true);
                options.with_format("base64", is_base64).build(&root).unwrap()
            });
            let expected: Vec<_> = OF_VALUES.iter_errors(&body).map(told).take(MOST_TOLD).collect();
            prop_assert_eq!(OF_VALUES.is_valid(&body), SCHEMA.0.is_valid(&Tree::from(&body)));
            prop_assert_eq!(SCHEMA.violations(&Tree::from(&body)), expected);
        }
    }

    #[test]
    fn a_change_answers_only_for_what_it_made_worse() {
        let schema = Schema::compile(SCHEMAS, "Call").unwrap();
        let before = Tree::from(json!({"party": {"@type": "Ref"}}));
        let judge = |after: Value| schema.judge_change(&before, &Tree::from(after));
        assert!(judge(json!({"party": {"@type": "Ref"}, "x": 1})).is_ok());
        let worse = judge(json!({"party": {"@type": "Ref"}, "at": 1}));
        assert_eq!(worse.unwrap_err().to_string(), r#"/at is not of type "string""#);
    }
}
