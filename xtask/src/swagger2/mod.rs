//! Swagger 2.0 → OpenAPI 3.0, on plain JSON values.
//!
//! Only what moved between the two versions is rewritten; everything else is carried over as it
//! stands. What has no place here (form data, security definitions, …) is a fault, not a loss.

mod parts;

use serde_json::{Value, json};

use crate::document::{Fault, Object, Pointer, elements, members, object, text};
use parts::{content, response, schema, typed};

type Converted<T = Value> = Result<T, Fault>;

/// Extension of an operation: further media types of its body, each with `schema`. Swagger 2.0 itself
/// has one schema for all of them.
pub(crate) const REQUEST_MEDIA: &str = "x-request-media";

const METHODS: &[&str] = &["delete", "get", "head", "options", "patch", "post", "put"];

/// Whether the document says it is Swagger 2.0.
pub(crate) fn is_swagger2(document: &Value) -> bool {
    document.get("swagger").is_some_and(|version| version == "2.0")
}

/// The same API as an OpenAPI 3.0 document.
pub(crate) fn convert(document: &Value) -> Converted {
    let root = Pointer::root();
    let converter = Converter {
        document,
        consumes: media_types(document, "consumes", &root)?,
        produces: media_types(document, "produces", &root)?,
    };
    let mut out = Object::new();
    out.insert("openapi".into(), "3.0.3".into());
    for (key, value) in object(document, &root)? {
        match key.as_str() {
            "swagger" | "host" | "schemes" | "consumes" | "produces" | "parameters" => {}
            "basePath" => {
                out.insert("servers".into(), servers(document)?);
            }
            "info" | "tags" | "externalDocs" | "security" => {
                out.insert(key.clone(), value.clone());
            }
            "paths" => {
                out.insert(key.clone(), converter.paths()?);
            }
            "definitions" | "responses" => {}
            extension if extension.starts_with("x-") => {
                out.insert(key.clone(), value.clone());
            }
            other => {
                let message = format!("`{other}` of Swagger 2.0 is not supported");
                return Err(Fault::new(&root.at(other), message));
            }
        }
    }
    out.insert("components".into(), converter.components()?);
    Ok(Value::Object(out))
}

/// `schemes` × `host` + `basePath` as URLs; without a host, the path alone.
fn servers(document: &Value) -> Converted {
    let root = Pointer::root();
    let part = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    let path = part("basePath").trim_end_matches('/');
    if part("host").is_empty() {
        return Ok(json!([{ "url": path }]));
    }
    let mut schemes = Vec::new();
    for (scheme, pointer) in elements(document, "schemes", &root)? {
        schemes.push(text(scheme, &pointer)?);
    }
    if schemes.is_empty() {
        schemes.push("https");
    }
    let url = |scheme: &str| json!({ "url": format!("{scheme}://{}{path}", part("host")) });
    Ok(schemes.into_iter().map(url).collect())
}

fn media_types(value: &Value, name: &str, pointer: &Pointer) -> Converted<Vec<String>> {
    let mut types = Vec::new();
    for (media_type, pointer) in elements(value, name, pointer)? {
        types.push(text(media_type, &pointer)?.to_owned());
    }
    Ok(types)
}

struct Converter<'a> {
    document: &'a Value,
    consumes: Vec<String>,
    produces: Vec<String>,
}

impl Converter<'_> {
    fn components(&self) -> Converted {
        let root = Pointer::root();
        let mut components = Object::new();
        let mut schemas = Object::new();
        for (name, definition, pointer) in members(self.document, "definitions", &root)? {
            schemas.insert(name.into(), schema(definition, &pointer)?);
        }
        components.insert("schemas".into(), schemas.into());
        let mut responses = Object::new();
        for (name, value, pointer) in members(self.document, "responses", &root)? {
            responses.insert(name.into(), response(value, &self.produces, &pointer)?);
        }
        if !responses.is_empty() {
            components.insert("responses".into(), responses.into());
        }
        Ok(components.into())
    }

    fn paths(&self) -> Converted {
        let mut paths = Object::new();
        for (path, item, pointer) in members(self.document, "paths", &Pointer::root())? {
            let mut out = Object::new();
            let shared = elements(item, "parameters", &pointer)?;
            for (key, value) in object(item, &pointer)? {
                let pointer = pointer.at(key);
                match key.as_str() {
                    "parameters" => {}
                    method if METHODS.contains(&method) => {
                        out.insert(key.clone(), self.operation(value, &shared, &pointer)?);
                    }
                    extension if extension.starts_with("x-") => {
                        out.insert(key.clone(), value.clone());
                    }
                    other => {
                        return Err(Fault::new(&pointer, format!("`{other}` is not supported")));
                    }
                }
            }
            paths.insert(path.into(), out.into());
        }
        Ok(paths.into())
    }

    /// Parameters of the whole path are handed down to each operation, so that a body among them
    /// finds its place.
    fn operation(
        &self,
        operation: &Value,
        shared: &[(&Value, Pointer)],
        pointer: &Pointer,
    ) -> Converted {
        let mut out = Object::new();
        let produces = match operation.get("produces") {
            Some(_) => media_types(operation, "produces", pointer)?,
            None => self.produces.clone(),
        };
        let own = elements(operation, "parameters", pointer)?;
        let (parameters, mut body) = self.parameters(operation, &own, shared, pointer)?;
        for (media_type, media, pointer) in members(operation, REQUEST_MEDIA, pointer)? {
            let without_body = || Fault::new(&pointer, "the operation has no body");
            let body = body.as_mut().ok_or_else(without_body)?;
            let media = schema(media.get("schema").unwrap_or(&Value::Null), &pointer.at("schema"))?;
            body["content"][media_type] = json!({ "schema": media });
        }
        for (key, value) in object(operation, pointer)? {
            match key.as_str() {
                "consumes" | "produces" | "parameters" | "schemes" | REQUEST_MEDIA => {}
                "responses" => {
                    let mut responses = Object::new();
                    for (status, value, pointer) in members(operation, "responses", pointer)? {
                        // An operation that produces something of its own has errors like others.
                        let is_success = status.starts_with('2');
                        let produces = if is_success { &produces } else { &self.produces };
                        responses.insert(status.into(), response(value, produces, &pointer)?);
                    }
                    out.insert(key.clone(), responses.into());
                }
                _ => {
                    out.insert(key.clone(), value.clone());
                }
            }
        }
        if !parameters.is_empty() {
            out.insert("parameters".into(), parameters.into());
        }
        if let Some(body) = body {
            out.insert("requestBody".into(), body);
        }
        Ok(out.into())
    }

    fn parameters(
        &self,
        operation: &Value,
        own: &[(&Value, Pointer)],
        shared: &[(&Value, Pointer)],
        pointer: &Pointer,
    ) -> Converted<(Vec<Value>, Option<Value>)> {
        let consumes = match operation.get("consumes") {
            Some(_) => media_types(operation, "consumes", pointer)?,
            None => self.consumes.clone(),
        };
        let mut parameters = Vec::new();
        let mut body = None;
        for (parameter, pointer) in own.iter().chain(shared) {
            let parameter = self.resolved(parameter, pointer)?;
            let is_set = |name: &str| parameter.get(name).is_some_and(|value| value != false);
            match parameter.get("in").and_then(Value::as_str) {
                Some("body") => {
                    let schema = schema(parameter.get("schema").unwrap_or(&Value::Null), pointer)?;
                    let mut out = Object::new();
                    if let Some(description) = parameter.get("description") {
                        out.insert("description".into(), description.clone());
                    }
                    out.insert("content".into(), content(&consumes, &schema, None));
                    if is_set("required") {
                        out.insert("required".into(), true.into());
                    }
                    body = Some(out.into());
                }
                Some("path" | "query" | "header") => {
                    let id = |p: &Value| (p.get("in").cloned(), p.get("name").cloned());
                    if !parameters.iter().any(|known: &Value| id(known) == id(parameter)) {
                        parameters.push(typed(parameter, pointer)?);
                    }
                }
                _ => {
                    let message = "only body, path, query and header parameters are supported";
                    return Err(Fault::new(&pointer.at("in"), message));
                }
            }
        }
        Ok((parameters, body))
    }

    fn resolved<'b>(&'b self, parameter: &'b Value, pointer: &Pointer) -> Converted<&'b Value> {
        let Some(reference) = parameter.get("$ref") else { return Ok(parameter) };
        let reference = text(reference, &pointer.at("$ref"))?;
        let found = reference.strip_prefix('#').and_then(|path| self.document.pointer(path));
        found.ok_or_else(|| Fault::new(&pointer.at("$ref"), format!("{reference} is not there")))
    }
}
