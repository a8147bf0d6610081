//! What publication adds whole: schemas, operations, and bodies of a schema of their own.
//!
//! Each is written here in the form of the document's version, so that the rules of the parent
//! module apply to it as to what the document declares.

use serde_json::{Value, json};

use super::{Applied, Publisher, member, only};
use crate::document::{Fault, Pointer, elements, members, object, text};
use crate::supported::METHODS;
use crate::swagger2::REQUEST_MEDIA;

impl Publisher {
    /// Adds the component schemas of this version.
    pub(super) fn schemas(&mut self, publication: &Value, version: &str) -> Applied {
        for (of_version, schemas, pointer) in members(publication, "schemas", &Pointer::root())? {
            self.sets.check_version(of_version, &pointer)?;
            for (name, schema) in object(schemas, &pointer)? {
                if of_version != version {
                    continue;
                }
                let components = match self.is_swagger2() {
                    true => &mut self.document["definitions"],
                    false => &mut self.document["components"]["schemas"],
                };
                if components.get(name).is_some() {
                    return Err(Fault::new(&pointer.at(name), "the document has this schema"));
                }
                components[name] = schema.clone();
            }
        }
        Ok(())
    }

    /// Adds an operation that the documents of some versions do not have.
    pub(super) fn operation(&mut self, rule: &Value, pointer: &Pointer, version: &str) -> Applied {
        const MEMBERS: &[&str] = &[
            "body",
            "description",
            "id",
            "method",
            "path",
            "success",
            "summary",
            "tag",
            "versions",
        ];
        only(rule, MEMBERS, pointer)?;
        let mut applies = false;
        for (of_version, pointer) in elements(rule, "versions", pointer)? {
            let of_version = text(of_version, &pointer)?;
            self.sets.check_version(of_version, &pointer)?;
            applies |= of_version == version;
        }
        if !applies {
            return Ok(());
        }
        let method = member(rule, "method", pointer)?;
        if !METHODS.contains(&method) {
            return Err(Fault::new(&pointer.at("method"), "not a method, in lower case"));
        }
        let path = member(rule, "path", pointer)?;
        if self.document["paths"][path].get(method).is_some() {
            return Err(Fault::new(pointer, format!("the document has {method} {path}")));
        }
        let mut operation = json!({
            "tags": [member(rule, "tag", pointer)?],
            "summary": member(rule, "summary", pointer)?,
            "description": member(rule, "description", pointer)?,
            "operationId": member(rule, "id", pointer)?,
        });
        if let Some(body) = rule.get("body") {
            self.body(&mut operation, body, &pointer.at("body"))?;
        }
        self.success(&mut operation, &rule["success"], &pointer.at("success"))?;
        self.document["paths"][path][method] = operation;
        Ok(())
    }

    fn body(&self, operation: &mut Value, rule: &Value, pointer: &Pointer) -> Applied {
        only(rule, &["description", "media_type", "schema"], pointer)?;
        let description = member(rule, "description", pointer)?;
        let media_type = member(rule, "media_type", pointer)?;
        let schema = self.reference(rule, "schema", pointer)?;
        if self.is_swagger2() {
            operation["consumes"] = json!([media_type]);
            operation["parameters"] = json!([{ "name": "body", "in": "body", "required": true,
                "description": description, "schema": schema }]);
        } else {
            operation["requestBody"] = json!({ "required": true, "description": description,
                "content": { media_type: { "schema": schema } } });
        }
        Ok(())
    }

    fn success(&self, operation: &mut Value, rule: &Value, pointer: &Pointer) -> Applied {
        only(rule, &["array_of", "description", "status", "text"], pointer)?;
        let status = member(rule, "status", pointer)?;
        let mut texts = Vec::new();
        for (media_type, pointer) in elements(rule, "text", pointer)? {
            texts.push(text(media_type, &pointer)?);
        }
        let mut response = json!({ "description": member(rule, "description", pointer)? });
        let schema =
            json!({ "type": "array", "items": self.reference(rule, "array_of", pointer)? });
        if self.is_swagger2() {
            response["schema"] = schema;
            if !texts.is_empty() {
                let all: Vec<&str> = ["application/json"].into_iter().chain(texts).collect();
                operation["produces"] = json!(all);
            }
        } else {
            response["content"] = json!({ "application/json": { "schema": schema } });
            for media_type in texts {
                response["content"][media_type] = json!({ "schema": { "type": "string" } });
            }
        }
        operation["responses"] = json!({ status: response });
        Ok(())
    }

    /// Has the operation at a place take `media_type` with a schema of its own. Swagger 2.0 knows
    /// one schema for all media types of a body, so there it goes into an extension.
    pub(super) fn request_schema(
        &mut self,
        place: &str,
        media_type: &str,
        schema: &Value,
    ) -> Option<()> {
        let content = if self.is_swagger2() {
            let operation = self.document.pointer_mut(place)?.as_object_mut()?;
            operation.entry(REQUEST_MEDIA).or_insert_with(|| json!({}))
        } else {
            &mut self.own(place, &["requestBody"])?["content"]
        };
        content.as_object_mut()?.entry(media_type).or_insert_with(|| json!({ "schema": schema }));
        Some(())
    }

    /// A reference to the component schema that a member of a rule names.
    pub(super) fn reference(&self, rule: &Value, name: &str, pointer: &Pointer) -> Applied<Value> {
        let schema = member(rule, name, pointer)?;
        let section = if self.is_swagger2() { "/definitions" } else { "/components/schemas" };
        let is_there = self.document.pointer(section).is_some_and(|all| all.get(schema).is_some());
        if !is_there {
            let message = format!("the document has no schema `{schema}`");
            return Err(Fault::new(&pointer.at(name), message));
        }
        Ok(json!({ "$ref": format!("#{section}/{schema}") }))
    }
}
