//! Lowering steps for schemas: what keeps typify's types from losing what was sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Lowered;
use super::visit::{Place, each_schema};
use crate::document::{Fault, Object, Pointer};
use crate::flatten::Schemas;
use crate::rust::type_name;

type Counted = Result<usize, Fault>;

/// Bounds of values; the strict schemas keep them.
const BOUNDS: &[&str] = &[
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "uniqueItems",
];

/// Makes one object of every `allOf`, and drops what only readers of the document need.
pub(super) fn flatten(lowered: &mut Lowered) -> Counted {
    let count = lowered.document.to_string().matches("\"allOf\":").count();
    let mut schemas = Object::new();
    for (name, schema, _) in Schemas::new(&lowered.document).all()? {
        schemas.insert(name.into(), schema.into());
    }
    lowered.document["components"] = json!({ "schemas": schemas });
    each_schema(&mut lowered.document, &mut |schema, _, pointer| {
        schema.retain(|key, _| {
            !(["example", "externalDocs", "readOnly", "title", "writeOnly"].contains(&key.as_str())
                || key.starts_with("x-"))
        });
        match schema.contains_key("allOf") {
            true => Err(Fault::new(pointer, "allOf outside a component is unsupported")),
            false => Ok(()),
        }
    })?;
    Ok(count)
}

/// Drops `required`: the strict schemas know it, reading does not insist.
pub(super) fn nothing_required(lowered: &mut Lowered) -> Counted {
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, _, _| {
        let required = schema.remove("required");
        count += required.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
        Ok(())
    })?;
    Ok(count)
}

/// Makes properties that are arrays or maps nullable, so that empty and absent differ.
pub(super) fn nullable_arrays(lowered: &mut Lowered) -> Counted {
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, place, pointer| {
        let is_nullable = schema.remove("nullable") == Some(Value::Bool(true));
        let is_map = schema.get("type") == Some(&json!("object")) && !has_properties(schema);
        let is_array = schema.get("type") == Some(&json!("array"));
        if place == Place::Property && (is_array || is_map) {
            schema.insert("nullable".into(), true.into());
            count += 1;
        } else if is_nullable && place == Place::Element {
            schema.insert("nullable".into(), true.into());
        } else if is_nullable && place != Place::Property {
            return Err(Fault::new(pointer, "nullable is supported for members and elements"));
        }
        Ok(())
    })?;
    Ok(count)
}

/// Drops `default`.
pub(super) fn drop_defaults(lowered: &mut Lowered) -> Counted {
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, _, _| {
        count += usize::from(schema.remove("default").is_some());
        Ok(())
    })?;
    Ok(count)
}

/// Drops bounds of lengths, counts and values.
pub(super) fn drop_bounds(lowered: &mut Lowered) -> Counted {
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, _, _| {
        let before = schema.len();
        schema.retain(|key, _| !BOUNDS.contains(&key.as_str()));
        count += before - schema.len();
        Ok(())
    })?;
    Ok(count)
}

/// Drops every format but `date-time`, which becomes a timestamp that keeps its spelling.
pub(super) fn plain_formats(lowered: &mut Lowered) -> Counted {
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, _, _| {
        let is_text = schema.get("type") == Some(&json!("string"));
        if schema.get("format").is_some_and(|format| format != "date-time" || !is_text) {
            schema.remove("format");
            count += 1;
        }
        Ok(())
    })?;
    Ok(count)
}

/// `additionalProperties: {}` (the empty schema, not `true`) makes typify emit a flattened map.
pub(super) fn collect_unknown_members(lowered: &mut Lowered) -> Counted {
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, _, _| {
        if has_properties(schema) {
            schema.insert("type".into(), "object".into());
        }
        let is_typed_map =
            !has_properties(schema) && schema.get("additionalProperties").is_some_and(is_schema);
        if schema.get("type") == Some(&json!("object")) && !is_typed_map {
            schema.insert("additionalProperties".into(), json!({}));
            count += 1;
        }
        Ok(())
    })?;
    Ok(count)
}

/// Renames components to their Rust names, references included.
pub(super) fn rust_names(lowered: &mut Lowered) -> Counted {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut renamed = Object::new();
    let components = lowered.document["components"]["schemas"].take();
    for (name, schema) in components.as_object().into_iter().flatten() {
        let rust_name = type_name(name);
        if let Some(known) = names.insert(rust_name.clone(), name.clone()) {
            let pointer = Pointer::root().at("components").at("schemas").at(name);
            return Err(Fault::new(&pointer, format!("same Rust name as `{known}`")));
        }
        renamed.insert(rust_name, schema.clone());
    }
    lowered.document["components"]["schemas"] = renamed.into();
    rename_references(&mut lowered.document);
    let count = names.iter().filter(|(rust_name, name)| rust_name != name).count();
    lowered.names = names;
    Ok(count)
}

fn rename_references(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let name = value.as_str().and_then(|v| v.strip_prefix("#/components/schemas/"));
                match (key.as_str(), name) {
                    ("$ref", Some(name)) => {
                        *value = format!("#/components/schemas/{}", type_name(name)).into();
                    }
                    _ => rename_references(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(rename_references),
        _ => {}
    }
}

fn has_properties(schema: &Object) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|found| !found.is_empty())
}

fn is_schema(value: &Value) -> bool {
    value.as_object().is_some_and(|schema| !schema.is_empty())
}
