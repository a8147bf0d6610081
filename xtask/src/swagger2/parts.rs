//! Parameters, answers and schemas on their way from Swagger 2.0 to OpenAPI 3.0.
//!
//! Each function converts one object and knows nothing of the document around it.

use serde_json::{Value, json};

use super::Converted;
use crate::document::{Fault, Object, Pointer, array, object, text};

/// Where Swagger 2.0 keeps reusable things, and where OpenAPI 3.0 does.
const MOVED: &[(&str, &str)] = &[
    ("#/definitions/", "#/components/schemas/"),
    ("#/parameters/", "#/components/parameters/"),
    ("#/responses/", "#/components/responses/"),
];

/// Members a parameter or header keeps in its `schema` in OpenAPI 3.0.
const TYPE_KEYWORDS: &[&str] = &[
    "default",
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
    "pattern",
    "type",
    "uniqueItems",
];

/// A parameter or header: its type keywords move into `schema`.
pub(super) fn typed(value: &Value, pointer: &Pointer) -> Converted {
    let mut out = Object::new();
    let mut inner = Object::new();
    for (key, value) in object(value, pointer)? {
        let pointer = pointer.at(key);
        match key.as_str() {
            "collectionFormat" => match text(value, &pointer)? {
                "csv" => {
                    out.insert("explode".into(), false.into());
                }
                "multi" => {
                    out.insert("explode".into(), true.into());
                }
                other => {
                    let message = format!("collection format `{other}` is not supported");
                    return Err(Fault::new(&pointer, message));
                }
            },
            keyword if TYPE_KEYWORDS.contains(&keyword) => {
                inner.insert(key.clone(), value.clone());
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    out.insert("schema".into(), schema(&inner.into(), pointer)?);
    Ok(out.into())
}

pub(super) fn response(value: &Value, produces: &[String], pointer: &Pointer) -> Converted {
    let mut out = Object::new();
    let examples = value.get("examples");
    for (key, value) in object(value, pointer)? {
        let here = pointer.at(key);
        match key.as_str() {
            "examples" => {}
            "schema" => {
                out.insert("content".into(), content(produces, &schema(value, &here)?, examples));
            }
            "headers" => {
                let mut headers = Object::new();
                for (name, value) in object(value, &here)? {
                    headers.insert(name.clone(), typed(value, &here.at(name))?);
                }
                out.insert(key.clone(), headers.into());
            }
            "$ref" => {
                out.insert(key.clone(), moved(value, &here)?);
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(out.into())
}

/// One entry per media type; a document that names none means JSON. A text is not made of members:
/// the schema, which Swagger 2.0 says once for all of them, does not describe it.
pub(super) fn content(media_types: &[String], schema: &Value, examples: Option<&Value>) -> Value {
    let json = ["application/json".to_owned()];
    let media_types = if media_types.is_empty() { &json } else { media_types };
    let mut content = Object::new();
    for media_type in media_types {
        let mut entry = match media_type.starts_with("text/") {
            true => json!({ "schema": { "type": "string" } }),
            false => json!({ "schema": schema }),
        };
        if let Some(example) = examples.and_then(|examples| examples.get(media_type)) {
            entry["example"] = example.clone();
        }
        content.insert(media_type.clone(), entry);
    }
    content.into()
}

/// A schema: references move, `x-nullable` and the discriminator take their OpenAPI 3.0 form.
pub(super) fn schema(value: &Value, pointer: &Pointer) -> Converted {
    let mut out = Object::new();
    for (key, value) in object(value, pointer)? {
        let here = pointer.at(key);
        let converted = match key.as_str() {
            "$ref" => moved(value, &here)?,
            "items" | "not" => schema(value, &here)?,
            "additionalProperties" if value.is_object() => schema(value, &here)?,
            "allOf" | "anyOf" | "oneOf" => {
                let each = array(value, &here)?.iter().enumerate();
                each.map(|(i, value)| schema(value, &here.index(i))).collect::<Result<_, _>>()?
            }
            "properties" => {
                let mut properties = Object::new();
                for (name, value) in object(value, &here)? {
                    properties.insert(name.clone(), schema(value, &here.at(name))?);
                }
                properties.into()
            }
            "discriminator" => json!({ "propertyName": text(value, &here)? }),
            "x-nullable" => {
                out.insert("nullable".into(), value.clone());
                continue;
            }
            "type" if value == "file" => {
                return Err(Fault::new(&here, "type `file` is not supported"));
            }
            _ => value.clone(),
        };
        out.insert(key.clone(), converted);
    }
    Ok(out.into())
}

fn moved(reference: &Value, pointer: &Pointer) -> Converted {
    let reference = text(reference, pointer)?;
    for (from, to) in MOVED {
        if let Some(name) = reference.strip_prefix(from) {
            return Ok(format!("{to}{name}").into());
        }
    }
    Err(Fault::new(pointer, format!("reference {reference} points outside the document")))
}
