//! What the generator understands, as lists of members per kind of object.
//!
//! A document is checked against these lists before anything else looks at it, so that a construct
//! nobody thought of is named with its JSON pointer instead of being lost on the way. Rules that
//! concern one step only (a `oneOf` needs a discriminator) live in that step. `security` is let
//! through and published: who may call is the server's to decide, not the generated code's.

mod keywords;

use serde_json::Value;

use crate::document::{Fault, Pointer, elements, members, object, text};
pub(crate) use keywords::METHODS;
use keywords::{COMPONENTS, OPERATION, PARAMETER, ROOT, SCHEMA, TYPED, TYPES, is_flag, only};

type Checked = Result<(), Fault>;

/// Refuses everything in an OpenAPI 3.0 document that no step would know what to do with.
pub(crate) fn check(document: &Value) -> Checked {
    let root = Pointer::root();
    let version = document.get("openapi").and_then(Value::as_str).unwrap_or_default();
    if !version.starts_with("3.0.") {
        let message = "expected Swagger 2.0 or OpenAPI 3.0.x";
        return Err(Fault::new(&root.at("openapi"), message));
    }
    for name in ["title", "version"] {
        let pointer = root.at("info").at(name);
        text(document.pointer(&pointer.to_string()).unwrap_or(&Value::Null), &pointer)?;
    }
    let checker = Checker { document };
    only(document, ROOT, "a document", &root)?;
    for (tag, pointer) in elements(document, "tags", &root)? {
        text(tag.get("name").unwrap_or(&Value::Null), &pointer.at("name"))?;
        only(tag, &["name"], "a tag", &pointer)?;
    }
    for (_, item, pointer) in members(document, "paths", &root)? {
        checker.path_item(item, &pointer)?;
    }
    let Some(components) = document.get("components") else { return Ok(()) };
    let pointer = root.at("components");
    only(components, COMPONENTS, "components", &pointer)?;
    for (_, schema, pointer) in members(components, "schemas", &pointer)? {
        checker.schema(schema, &pointer)?;
    }
    for (_, parameter, pointer) in members(components, "parameters", &pointer)? {
        checker.parameter(parameter, &pointer)?;
    }
    for (_, body, pointer) in members(components, "requestBodies", &pointer)? {
        checker.request_body(body, &pointer)?;
    }
    for (_, response, pointer) in members(components, "responses", &pointer)? {
        checker.response(response, &pointer)?;
    }
    for (_, header, pointer) in members(components, "headers", &pointer)? {
        checker.header(header, &pointer)?;
    }
    Ok(())
}

struct Checker<'a> {
    document: &'a Value,
}

impl Checker<'_> {
    fn path_item(&self, item: &Value, pointer: &Pointer) -> Checked {
        let known: Vec<&str> = METHODS.iter().copied().chain(["parameters"]).collect();
        only(item, &known, "a path", pointer)?;
        for (parameter, pointer) in elements(item, "parameters", pointer)? {
            self.parameter(parameter, &pointer)?;
        }
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let pointer = pointer.at(method);
            only(operation, OPERATION, "an operation", &pointer)?;
            for (parameter, pointer) in elements(operation, "parameters", &pointer)? {
                self.parameter(parameter, &pointer)?;
            }
            if let Some(body) = operation.get("requestBody") {
                self.request_body(body, &pointer.at("requestBody"))?;
            }
            for (_, response, pointer) in members(operation, "responses", &pointer)? {
                self.response(response, &pointer)?;
            }
        }
        Ok(())
    }

    fn parameter(&self, value: &Value, pointer: &Pointer) -> Checked {
        if self.is_reference(value, "parameters", pointer)? {
            return Ok(());
        }
        // The defaults of OpenAPI 3.0 are accepted when written out; anything else would be lost.
        let at = value.get("in").and_then(Value::as_str).unwrap_or_default();
        let style = if at == "query" { "form" } else { "simple" };
        let spelled_out = [("style", style.into()), ("explode", Value::Bool(at == "query"))];
        let quiet = [("allowReserved", false), ("allowEmptyValue", false)];
        let quiet = quiet.map(|(name, default)| (name, Value::Bool(default)));
        let defaults: Vec<_> = spelled_out.into_iter().chain(quiet).collect();
        let given = object(value, pointer)?;
        for (name, default) in &defaults {
            if given.get(*name).is_some_and(|given| given != default) {
                let message = format!("only `{name}: {default}` is supported");
                return Err(Fault::new(&pointer.at(name), message));
            }
        }
        let known: Vec<&str> =
            PARAMETER.iter().copied().chain(defaults.iter().map(|(name, _)| *name)).collect();
        only(value, &known, "a parameter", pointer)?;
        is_flag(value, "required", pointer)?;
        self.optional_schema(value, pointer)
    }

    fn request_body(&self, value: &Value, pointer: &Pointer) -> Checked {
        if self.is_reference(value, "requestBodies", pointer)? {
            return Ok(());
        }
        only(value, &["content", "required"], "a request body", pointer)?;
        is_flag(value, "required", pointer)?;
        self.content(value, pointer)
    }

    fn response(&self, value: &Value, pointer: &Pointer) -> Checked {
        if self.is_reference(value, "responses", pointer)? {
            return Ok(());
        }
        only(value, &["content", "headers"], "a response", pointer)?;
        text(value.get("description").unwrap_or(&Value::Null), &pointer.at("description"))?;
        for (_, header, pointer) in members(value, "headers", pointer)? {
            self.header(header, &pointer)?;
        }
        self.content(value, pointer)
    }

    fn header(&self, value: &Value, pointer: &Pointer) -> Checked {
        if self.is_reference(value, "headers", pointer)? {
            return Ok(());
        }
        only(value, &["deprecated", "required", "schema"], "a header", pointer)?;
        is_flag(value, "required", pointer)?;
        self.optional_schema(value, pointer)
    }

    fn content(&self, value: &Value, pointer: &Pointer) -> Checked {
        for (_, media_type, pointer) in members(value, "content", pointer)? {
            only(media_type, &["schema"], "a media type", &pointer)?;
            self.optional_schema(media_type, &pointer)?;
        }
        Ok(())
    }

    fn optional_schema(&self, holder: &Value, pointer: &Pointer) -> Checked {
        match holder.get("schema") {
            Some(schema) => self.schema(schema, &pointer.at("schema")),
            None => Ok(()),
        }
    }

    fn schema(&self, value: &Value, pointer: &Pointer) -> Checked {
        if self.is_reference(value, "schemas", pointer)? {
            return Ok(());
        }
        only(value, SCHEMA, "a schema", pointer)?;
        if let Some(name) = value.get("type") {
            let pointer = pointer.at("type");
            if !TYPES.contains(&text(name, &pointer)?) {
                return Err(Fault::new(&pointer, format!("type {name} is unsupported")));
            }
        }
        if value["type"] == "array" && value.get("items").is_none() {
            return Err(Fault::new(pointer, "an array needs `items`"));
        }
        let has_type =
            ["type", "properties", "allOf", "oneOf"].iter().any(|key| value.get(key).is_some());
        let typed = object(value, pointer)?.keys().find(|key| TYPED.contains(&key.as_str()));
        if let (false, Some(key)) = (has_type, typed) {
            return Err(Fault::new(pointer, format!("`{key}` needs a `type` beside it")));
        }
        for (name, pointer) in elements(value, "required", pointer)? {
            text(name, &pointer)?;
        }
        for (_, property, pointer) in members(value, "properties", pointer)? {
            self.schema(property, &pointer)?;
        }
        for list in ["allOf", "oneOf"] {
            for (branch, pointer) in elements(value, list, pointer)? {
                self.schema(branch, &pointer)?;
            }
        }
        if let Some(items) = value.get("items") {
            self.schema(items, &pointer.at("items"))?;
        }
        match value.get("additionalProperties") {
            None | Some(Value::Bool(_)) => {}
            Some(schema) => self.schema(schema, &pointer.at("additionalProperties"))?,
        }
        let Some(discriminator) = value.get("discriminator") else { return Ok(()) };
        let pointer = pointer.at("discriminator");
        only(discriminator, &["mapping", "propertyName"], "a discriminator", &pointer)?;
        for (_, target, pointer) in members(discriminator, "mapping", &pointer)? {
            self.target(text(target, &pointer)?, "schemas", &pointer)?;
        }
        Ok(())
    }

    /// Whether the value is a reference; if so, it stands alone and its target is there.
    fn is_reference(&self, value: &Value, section: &str, pointer: &Pointer) -> Result<bool, Fault> {
        let Some(reference) = value.get("$ref") else {
            object(value, pointer)?;
            return Ok(false);
        };
        only(value, &["$ref"], "a reference (which may have no siblings)", pointer)?;
        let pointer = pointer.at("$ref");
        self.target(text(reference, &pointer)?, section, &pointer)?;
        Ok(true)
    }

    fn target(&self, reference: &str, section: &str, pointer: &Pointer) -> Checked {
        let place = format!("#/components/{section}/");
        let name = reference.strip_prefix(&place).unwrap_or_default();
        let found = self.document["components"][section].get(name).is_some();
        if found {
            return Ok(());
        }
        Err(Fault::new(pointer, format!("{reference} is not a name in {place}")))
    }
}
