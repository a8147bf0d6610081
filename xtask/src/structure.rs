//! What a document states, without how it says it.
//!
//! The normal form leaves out prose (descriptions, summaries, titles, examples), where the API is
//! deployed (info, servers, host, schemes) and the order of what has none. Two documents with the
//! same normal form generate the same code but for doc comments; `spec-diff` compares this form and
//! the header of every generated file carries its SHA-256.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::document::Object;

/// Members that speak to people, or name one deployment.
const PROSE: &[&str] = &[
    "basePath",
    "description",
    "example",
    "examples",
    "externalDocs",
    "host",
    "info",
    "schemes",
    "servers",
    "summary",
    "title",
];

/// Members whose keys are names chosen by the document, so that none of them is a keyword.
const NAMED: &[&str] = &[
    "callbacks",
    "content",
    "definitions",
    "encoding",
    "headers",
    "links",
    "mapping",
    "parameters",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "scopes",
    "security",
    "securityDefinitions",
    "securitySchemes",
];

/// Members that hold data, to be kept exactly.
const DATA: &[&str] = &["const", "default", "enum"];

/// Arrays in which order means nothing.
const SETS: &[&str] = &["consumes", "enum", "produces", "required", "schemes", "tags", "type"];

/// The normal form: prose gone, keys and sets sorted.
pub(crate) fn normal_form(document: &Value) -> Value {
    sorted(&without_prose(document))
}

/// SHA-256 of the normal form, in hexadecimal.
pub(crate) fn digest(document: &Value) -> String {
    let text = normal_form(document).to_string();
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same value without members that only people read.
pub(crate) fn without_prose(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(keyword_members(members)),
        Value::Array(elements) => Value::Array(elements.iter().map(without_prose).collect()),
        other => other.clone(),
    }
}

fn keyword_members(members: &Object) -> Object {
    let mut kept = Object::new();
    for (key, value) in members {
        let key_is = |list: &[&str]| list.contains(&key.as_str());
        if key_is(PROSE) {
            continue;
        }
        let value = match value {
            Value::Object(named) if key_is(NAMED) => {
                named.iter().map(|(name, value)| (name.clone(), without_prose(value))).collect()
            }
            data if key_is(DATA) => data.clone(),
            other => without_prose(other),
        };
        kept.insert(key.clone(), value);
    }
    kept
}

/// The same value with object keys sorted, and arrays that are sets sorted too.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut entries: Vec<_> = members.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let sort = |(key, value): (&String, &Value)| (key.clone(), sorted_member(key, value));
            entries.into_iter().map(sort).collect()
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn sorted_member(key: &str, value: &Value) -> Value {
    match value {
        Value::Array(elements) if SETS.contains(&key) => {
            let mut elements: Vec<Value> = elements.iter().map(sorted).collect();
            elements.sort_by_cached_key(Value::to_string);
            Value::Array(elements)
        }
        other => sorted(other),
    }
}
