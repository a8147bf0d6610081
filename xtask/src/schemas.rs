//! The document's schemas as JSON Schema 2020-12, as strict as the document: what requests are
//! judged by.
//!
//! Nothing is relaxed here (lowering does that, for the types). Unions are open by their
//! discriminator: a known `@type` selects its schema, an unknown one is an extension and passes.
//! Unknown members are allowed wherever the document allows them.

use serde_json::{Value, json};

use crate::discriminator::Discriminator;
use crate::document::{Fault, Object, Pointer, object};
use crate::flatten::Schemas;
use crate::operation::component;

/// Keywords that mean the same in both dialects.
const KEPT: &[&str] = &[
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "minItems",
    "minLength",
    "multipleOf",
    "pattern",
    "required",
    "uniqueItems",
];

/// Keywords that do not constrain a request.
const SILENT: &[&str] = &[
    "default",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "externalDocs",
    "nullable",
    "readOnly",
    "title",
    "type",
    "writeOnly",
];

/// `$defs` for every component schema.
pub(crate) fn strict(document: &Value, comment: &str) -> Result<Value, Fault> {
    let mut defs = Object::new();
    let flat: Vec<(&str, Object, Pointer)> = Schemas::new(document).all()?;
    for (name, schema, pointer) in &flat {
        let value = Value::Object(schema.clone());
        let mut converted = convert(&value, pointer)?;
        if let Some(cases) = cases(&flat, name, schema, pointer)? {
            converted.extend(cases);
        }
        defs.insert((*name).into(), converted.into());
    }
    Ok(json!({
        "$comment": comment,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": defs,
    }))
}

fn convert(schema: &Value, pointer: &Pointer) -> Result<Object, Fault> {
    let mut out = Object::new();
    if let Some(name) = component(schema) {
        out.insert("$ref".into(), local(name).into());
        return Ok(out);
    }
    for (key, value) in object(schema, pointer)? {
        let here = pointer.at(key);
        match key.as_str() {
            keyword if SILENT.contains(&keyword) => continue,
            keyword if KEPT.contains(&keyword) => {
                out.insert(key.clone(), value.clone());
            }
            "minimum" | "maximum" => {
                let exclusive = format!("exclusive{}{}", key[..1].to_uppercase(), &key[1..]);
                let is_exclusive = schema.get(&exclusive) == Some(&Value::Bool(true));
                let keyword = if is_exclusive { exclusive } else { key.clone() };
                out.insert(keyword, value.clone());
            }
            "exclusiveMinimum" | "exclusiveMaximum" => {}
            "properties" => {
                let mut properties = Object::new();
                for (name, property) in object(value, &here)? {
                    let property = convert(property, &here.at(name))?;
                    properties.insert(name.clone(), property.into());
                }
                out.insert(key.clone(), properties.into());
            }
            "items" | "additionalProperties" if value.is_object() => {
                out.insert(key.clone(), convert(value, &here)?.into());
            }
            "additionalProperties" => {
                out.insert(key.clone(), value.clone());
            }
            "oneOf" => {
                if schema.get("discriminator").is_none() {
                    return Err(Fault::new(&here, "oneOf without a discriminator is unsupported"));
                }
            }
            extension if extension.starts_with("x-") => {}
            _ => return Err(Fault::new(&here, format!("`{key}` has no strict form"))),
        }
    }
    if schema.get("discriminator").is_some() && schema.get("type").is_none() {
        out.insert("type".into(), "object".into());
    }
    if let Some(name) = schema.get("type") {
        out.insert("type".into(), name.clone());
    }
    if schema.get("format").is_some_and(|format| format == "int32") {
        out.entry("minimum").or_insert(i32::MIN.into());
        out.entry("maximum").or_insert(i32::MAX.into());
    }
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        accept_null(&mut out);
    }
    Ok(out)
}

fn accept_null(schema: &mut Object) {
    if let Some(name) = schema.remove("type") {
        schema.insert("type".into(), json!([name, "null"]));
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

fn local(name: &str) -> String {
    format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The discriminator as conditions: one per tag that selects another schema than this one.
fn cases(
    all: &[(&str, Object, Pointer)],
    name: &str,
    schema: &Object,
    pointer: &Pointer,
) -> Result<Option<Object>, Fault> {
    let Some(Discriminator { tag, mut mapping }) = Discriminator::of(schema, pointer)? else {
        return Ok(None);
    };
    mapping.retain(|(_, target)| target != name);
    if mapping.is_empty() {
        return Ok(None);
    }
    let mut out = Object::new();
    if schema.contains_key("oneOf") {
        out.insert("type".into(), "object".into());
        out.insert("properties".into(), json!({ &tag: { "type": "string" } }));
        let requires = |target: &str| {
            let found = all.iter().find(|(name, ..)| *name == target);
            let required = found.and_then(|(_, schema, _)| schema.get("required"));
            required.and_then(Value::as_array).is_some_and(|names| names.contains(&json!(tag)))
        };
        if mapping.iter().all(|(_, target)| requires(target)) {
            out.insert("required".into(), json!([tag]));
        }
    }
    let names: Object =
        mapping.iter().map(|(value, target)| (value.clone(), target.clone().into())).collect();
    let condition = |(value, target): &(String, String)| {
        json!({
            "if": { "properties": { &tag: { "const": value } }, "required": [tag] },
            "then": { "$ref": local(target) },
        })
    };
    out.insert("allOf".into(), mapping.iter().map(condition).collect());
    out.insert("x-discriminator".into(), names.into());
    Ok(Some(out))
}
