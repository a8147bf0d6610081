//! The members each kind of object may have, and the JSON types some of them are of.
//!
//! Lists and nothing else; where they apply is `mod.rs`'s to know.

use serde_json::Value;

use super::Checked;
use crate::document::{Fault, Pointer, object};

const PROSE: &[&str] = &["description", "example", "examples", "externalDocs", "summary", "title"];

pub(super) const ROOT: &[&str] =
    &["components", "info", "openapi", "paths", "security", "servers", "tags", "externalDocs"];

pub(super) const COMPONENTS: &[&str] = &[
    "examples",
    "headers",
    "parameters",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
];

pub(crate) const METHODS: &[&str] =
    &["get", "post", "put", "patch", "delete", "head", "options", "trace"];

pub(super) const OPERATION: &[&str] =
    &["deprecated", "operationId", "parameters", "requestBody", "responses", "security", "tags"];

pub(super) const PARAMETER: &[&str] = &["deprecated", "in", "name", "required", "schema"];

pub(super) const SCHEMA: &[&str] = &[
    "additionalProperties",
    "allOf",
    "default",
    "deprecated",
    "discriminator",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "type",
    "uniqueItems",
    "writeOnly",
];

/// Schema keywords that mean something for one type only.
pub(super) const TYPED: &[&str] = &[
    "additionalProperties",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "nullable",
    "pattern",
    "required",
    "uniqueItems",
];

pub(super) const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// Every member is in the list, prose, or an `x-` extension, and of the JSON type it has to be.
pub(super) fn only(value: &Value, known: &[&str], kind: &str, pointer: &Pointer) -> Checked {
    for key in object(value, pointer)?.keys() {
        let key = key.as_str();
        if !(known.contains(&key) || PROSE.contains(&key) || key.starts_with("x-")) {
            return Err(Fault::new(&pointer.at(key), format!("`{key}` in {kind} is unsupported")));
        }
        well_formed(key, &value[key], &pointer.at(key))?;
    }
    Ok(())
}

/// Members that are of one JSON type wherever they stand.
fn well_formed(key: &str, value: &Value, pointer: &Pointer) -> Checked {
    let (is_fine, expected) = match key {
        "description" | "format" | "pattern" | "summary" | "title" => {
            (value.is_string(), "a string")
        }
        "deprecated" | "exclusiveMaximum" | "exclusiveMinimum" | "explode" | "nullable"
        | "readOnly" | "uniqueItems" | "writeOnly" => (value.is_boolean(), "true or false"),
        "maxItems" | "maxLength" | "minItems" | "minLength" => (value.is_u64(), "a count"),
        "maximum" | "minimum" | "multipleOf" => (value.is_number(), "a number"),
        "enum" => (value.as_array().is_some_and(|values| !values.is_empty()), "values"),
        "tags" => (value.is_array(), "an array"),
        _ => return Ok(()),
    };
    if is_fine {
        return Ok(());
    }
    Err(Fault::new(pointer, format!("expected {expected}")))
}

/// A member that is true, false or absent.
pub(super) fn is_flag(value: &Value, name: &str, pointer: &Pointer) -> Checked {
    match value.get(name) {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err(Fault::new(&pointer.at(name), "expected true or false")),
    }
}
