//! References to parameters, request bodies, responses and headers, replaced by what they name.
//!
//! Schemas stay referenced: they become types. Media types lose their parameters here as well
//! (`application/json;charset=utf-8`), because routing, validation and the client go by the essence.

use serde_json::Value;

use crate::document::{Fault, Object, Pointer, object};
use crate::supported::METHODS;

/// The document with every operation spelled out, and without the sections that were inlined.
pub(crate) fn resolve(document: &Value) -> Result<Value, Fault> {
    let mut resolved = document.clone();
    let resolver = Resolver { components: &document["components"] };
    let paths = Pointer::root().at("paths");
    let Some(items) = resolved.get_mut("paths").and_then(Value::as_object_mut) else {
        return Err(Fault::new(&paths, "the document has no paths"));
    };
    for (path, item) in items {
        resolver.path_item(item, &paths.at(path))?;
    }
    if let Some(components) = resolved.get_mut("components").and_then(Value::as_object_mut) {
        components.retain(|section, _| section == "schemas");
    }
    Ok(resolved)
}

/// The media type without its parameters, in lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

struct Resolver<'a> {
    components: &'a Value,
}

impl Resolver<'_> {
    fn path_item(&self, item: &mut Value, pointer: &Pointer) -> Result<(), Fault> {
        let shared = item.as_object_mut().and_then(|item| item.remove("parameters"));
        let shared = shared.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        for method in METHODS {
            let Some(operation) = item.get_mut(*method).and_then(Value::as_object_mut) else {
                continue;
            };
            self.operation(operation, &shared, &pointer.at(method))?;
        }
        Ok(())
    }

    fn operation(
        &self,
        operation: &mut Object,
        shared: &[Value],
        pointer: &Pointer,
    ) -> Result<(), Fault> {
        let own = operation.get("parameters").and_then(Value::as_array).cloned();
        let mut parameters: Vec<Value> = Vec::new();
        for parameter in own.iter().flatten().chain(shared) {
            let parameter = self.target(parameter, "parameters").clone();
            let same = |known: &Value| {
                known.get("name") == parameter.get("name") && known.get("in") == parameter.get("in")
            };
            if !parameters.iter().any(same) {
                parameters.push(parameter);
            }
        }
        operation.insert("parameters".into(), parameters.into());
        if let Some(body) = operation.get_mut("requestBody") {
            *body = self.target(body, "requestBodies").clone();
            let here = pointer.at("requestBody");
            without_media_type_parameters(body, &here)?;
        }
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            let here = pointer.at("responses");
            for (status, response) in responses {
                *response = self.target(response, "responses").clone();
                without_media_type_parameters(response, &here.at(status))?;
                let headers = response.get_mut("headers").and_then(Value::as_object_mut);
                for header in headers.into_iter().flat_map(Object::values_mut) {
                    *header = self.target(header, "headers").clone();
                }
            }
        }
        Ok(())
    }

    /// What a reference names, or the value itself. That targets exist was checked before; a
    /// reference to a reference is followed one step, which is all OpenAPI 3.0 documents use.
    fn target<'b>(&'b self, value: &'b Value, section: &str) -> &'b Value {
        let place = format!("#/components/{section}/");
        let name = value.get("$ref").and_then(Value::as_str);
        name.and_then(|name| name.strip_prefix(&place))
            .and_then(|name| self.components[section].get(name))
            .unwrap_or(value)
    }
}

fn without_media_type_parameters(holder: &mut Value, pointer: &Pointer) -> Result<(), Fault> {
    let Some(content) = holder.get_mut("content") else { return Ok(()) };
    let pointer = pointer.at("content");
    let mut out = Object::new();
    for (media_type, value) in object(content, &pointer)? {
        if out.insert(essence(media_type), value.clone()).is_some() {
            let message = "two media types differ in parameters only";
            return Err(Fault::new(&pointer.at(media_type), message));
        }
    }
    *content = out.into();
    Ok(())
}
