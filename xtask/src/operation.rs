//! The operations of a resolved document, as Rust needs to know them.
//!
//! Everything the emitters ask about an operation is decided here once: its names, which answer is
//! the success, which bodies it takes. What no emitter can express is a fault here.

use heck::{ToPascalCase, ToSnakeCase};
use serde_json::Value;

use crate::document::{Fault, Object, Pointer, elements, members, text};
use crate::supported::METHODS;

pub(crate) const JSON: &str = "application/json";

/// TM Forum documents state the contract of event consumers below this path. It is theirs to serve.
const LISTENER_PREFIX: &str = "/listener/";

/// One operation.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) pointer: Pointer,
    /// Summary and description, as one doc comment.
    pub(crate) docs: String,
    pub(crate) tags: Vec<String>,
    pub(crate) path_parameters: Vec<Parameter>,
    pub(crate) query_parameters: Vec<Parameter>,
    /// Request headers: documented and offered by the client, read by the server as it needs them.
    pub(crate) header_parameters: Vec<Parameter>,
    /// Accepted bodies: media type and schema, JSON first, then what is JSON by another name; or streams.
    pub(crate) bodies: Vec<(String, Value)>,
    pub(crate) success: Success,
}

/// A path, query or header parameter, or a header of an answer.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) required: bool,
    /// `string`, `integer`, `number` or `boolean`: what fits a URL.
    pub(crate) kind: String,
}

/// The answer an operation gives when it worked.
pub(crate) struct Success {
    pub(crate) status: u16,
    /// Media types of the body, JSON first; none where there is no body.
    pub(crate) media_types: Vec<String>,
    /// Schema of the JSON body, if there is one; a body without is a stream.
    pub(crate) schema: Option<Value>,
    pub(crate) headers: Vec<Parameter>,
}

impl Operation {
    /// Whether what is sent has no model: bytes of any number.
    pub(crate) fn takes_a_stream(&self) -> bool {
        self.bodies.first().is_some_and(|(_, schema)| is_stream(schema))
    }

    /// Whether the side that receives events serves this, not the server.
    pub(crate) fn is_listener(&self) -> bool {
        self.path.starts_with(LISTENER_PREFIX)
    }

    /// The trait's and the client's method name.
    pub(crate) fn method_name(&self) -> String {
        self.id.to_snake_case()
    }

    /// The stem of type names that belong to the operation.
    pub(crate) fn type_name(&self) -> String {
        self.id.to_pascal_case()
    }
}

/// The name of the component a schema refers to.
pub(crate) fn component(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

/// Every operation, sorted by path, then in the order of [`METHODS`].
pub(crate) fn operations(document: &Value) -> Result<Vec<Operation>, Fault> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut paths = members(document, "paths", &Pointer::root())?;
    paths.sort_by_key(|(path, ..)| *path);
    for (path, item, pointer) in paths {
        routable(path, &pointer)?;
        for method in METHODS {
            let Some(value) = item.get(method) else { continue };
            let pointer = pointer.at(method);
            let operation = operation(path, method, value, &pointer)?;
            let same = |known: &&Operation| known.method_name() == operation.method_name();
            if let Some(known) = operations.iter().find(same) {
                let message = format!("same method name as operation `{}`", known.id);
                return Err(Fault::new(&pointer.at("operationId"), message));
            }
            operations.push(operation);
        }
    }
    no_literal_beside_a_variable(&operations)?;
    Ok(operations)
}

/// dropshot's router takes whole segments only, literal or `{name}`.
fn routable(path: &str, pointer: &Pointer) -> Result<(), Fault> {
    let plain = |segment: &str| !segment.is_empty() && !segment.contains(['{', '}', '%', '?', '#']);
    let variable = |segment: &str| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        name.is_some_and(|name| plain(name) && !name.contains(':'))
    };
    let segments = path.strip_prefix('/').unwrap_or("{");
    if segments.split('/').all(|segment| plain(segment) || variable(segment)) {
        return Ok(());
    }
    Err(Fault::new(pointer, "only paths of literal and `{name}` segments can be routed"))
}

/// dropshot's router panics on `/a/{id}` beside `/a/b`, and on two names in one place.
fn no_literal_beside_a_variable(operations: &[Operation]) -> Result<(), Fault> {
    for one in operations {
        for other in operations {
            let pairs = one.path.split('/').zip(other.path.split('/'));
            let differing = pairs.into_iter().find(|(one, other)| one != other);
            if differing.is_some_and(|(one, other)| one.starts_with('{') || other.starts_with('{'))
            {
                let message = format!("{} and {} cannot be routed together", one.path, other.path);
                return Err(Fault::new(&one.pointer, message));
            }
        }
    }
    Ok(())
}

fn operation(
    path: &str,
    method: &str,
    value: &Value,
    pointer: &Pointer,
) -> Result<Operation, Fault> {
    let id = value.get("operationId").unwrap_or(&Value::Null);
    let id = text(id, &pointer.at("operationId"))?.to_owned();
    let mut path_parameters = Vec::new();
    let mut query_parameters = Vec::new();
    let mut header_parameters = Vec::new();
    for (value, pointer) in elements(value, "parameters", pointer)? {
        let parameter = parameter(value, &pointer)?;
        match value.get("in").and_then(Value::as_str) {
            Some("path") if !parameter.required => {
                return Err(Fault::new(&pointer, "a path parameter has to be required"));
            }
            Some("path") => path_parameters.push(parameter),
            Some("query") => query_parameters.push(parameter),
            Some("header") => header_parameters.push(parameter),
            _ => {
                let message = "only path, query and header parameters are supported";
                return Err(Fault::new(&pointer.at("in"), message));
            }
        }
    }
    for parameters in [&mut path_parameters, &mut query_parameters, &mut header_parameters] {
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let in_path = |parameter: &&Parameter| path.contains(&format!("{{{}}}", parameter.name));
    if path_parameters.iter().filter(in_path).count() != path.matches('{').count() {
        return Err(Fault::new(pointer, "the path's variables and its parameters differ"));
    }
    let mut tags = Vec::new();
    for (tag, pointer) in elements(value, "tags", pointer)? {
        tags.push(text(tag, &pointer)?.to_owned());
    }
    Ok(Operation {
        id,
        method: method.to_owned(),
        path: path.to_owned(),
        pointer: pointer.clone(),
        docs: prose(value, &["summary", "description"]),
        tags,
        path_parameters,
        query_parameters,
        header_parameters,
        bodies: bodies(value, pointer)?,
        success: success(value, pointer)?,
    })
}

fn parameter(value: &Value, pointer: &Pointer) -> Result<Parameter, Fault> {
    no_reference(value, pointer)?;
    let name = value.get("name").unwrap_or(&Value::Null);
    Ok(Parameter {
        name: text(name, &pointer.at("name"))?.to_owned(),
        docs: prose(value, &["description"]),
        required: value.get("required") == Some(&Value::Bool(true)),
        kind: scalar(value, pointer)?,
    })
}

/// The type of a parameter or header; it has to fit one line of text.
fn scalar(value: &Value, pointer: &Pointer) -> Result<String, Fault> {
    let kind = value["schema"].get("type").and_then(Value::as_str);
    match kind {
        Some(kind @ ("string" | "integer" | "number" | "boolean")) => Ok(kind.to_owned()),
        _ => Err(Fault::new(&pointer.at("schema"), "only scalar types are supported here")),
    }
}

fn bodies(operation: &Value, pointer: &Pointer) -> Result<Vec<(String, Value)>, Fault> {
    let Some(body) = operation.get("requestBody") else { return Ok(Vec::new()) };
    let pointer = pointer.at("requestBody");
    no_reference(body, &pointer)?;
    let mut bodies = Vec::new();
    for (media_type, content, pointer) in members(body, "content", &pointer)? {
        let schema = content.get("schema").unwrap_or(&Value::Null);
        if component(schema).is_none() && !is_stream(schema) {
            let message = "a request body has to refer to a component schema, or be a stream";
            return Err(Fault::new(&pointer.at("schema"), message));
        }
        bodies.push((media_type.to_owned(), schema.clone()));
    }
    bodies.sort_by_key(|(media_type, _)| by_preference(media_type));
    let is_json = bodies.first().is_some_and(|(media_type, _)| is_json(media_type));
    match bodies.iter().filter(|(_, schema)| is_stream(schema)).count() {
        0 if is_json => Ok(bodies),
        streams if streams > 0 && streams == bodies.len() => Ok(bodies),
        _ => {
            let message = "a request body has to offer JSON, or streams and nothing else";
            Err(Fault::new(&pointer.at("content"), message))
        }
    }
}

/// Bytes of any number, for which there is no model: `type: string, format: binary`.
pub(crate) fn is_stream(schema: &Value) -> bool {
    schema["type"] == "string" && schema["format"] == "binary"
}

/// Sorts media types of a body: JSON, what is JSON by another name (RFC 6839), anything else.
pub(crate) fn by_preference(media_type: &str) -> (bool, bool, String) {
    (media_type != JSON, !is_json(media_type), media_type.to_owned())
}

fn is_json(media_type: &str) -> bool {
    media_type == JSON || media_type.ends_with("+json")
}

/// The success is the one 2xx answer that says the work is done, and whole: 202 (later) and 206 (a
/// part) count only when alone.
fn success(operation: &Value, pointer: &Pointer) -> Result<Success, Fault> {
    let mut found: Vec<(u16, &Value, Pointer)> = Vec::new();
    for (status, response, pointer) in members(operation, "responses", pointer)? {
        no_reference(response, &pointer)?;
        if let Ok(status @ 200..=299) = status.parse() {
            found.push((status, response, pointer));
        }
    }
    if found.len() > 1 {
        found.retain(|(status, ..)| ![202, 206].contains(status));
    }
    let [(status @ (200 | 201 | 202 | 204), response, pointer)] = found.as_slice() else {
        let message = "exactly one success answer (beside 202 and 206) of 200 to 204 is supported";
        return Err(Fault::new(&pointer.at("responses"), message));
    };
    let content = members(response, "content", pointer)?;
    let json = content.iter().find(|(media_type, ..)| *media_type == JSON);
    if json.is_none() && !content.iter().all(|(_, content, _)| is_stream_of(content)) {
        let message = "a success has to offer JSON, or streams and nothing else";
        return Err(Fault::new(&pointer.at("content"), message));
    }
    let mut headers = Vec::new();
    for (name, header, pointer) in members(response, "headers", pointer)? {
        headers.push(Parameter {
            name: name.to_owned(),
            docs: prose(header, &["description"]),
            required: header.get("required") == Some(&Value::Bool(true)),
            kind: scalar(header, &pointer)?,
        });
    }
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    let schema = match json {
        None => None,
        Some((_, media_type, pointer)) => Some(answer(media_type, &pointer.at("schema"))?),
    };
    if content.is_empty() && !headers.is_empty() {
        return Err(Fault::new(&pointer.at("headers"), "headers without a body are unsupported"));
    }
    let mut media_types: Vec<String> =
        content.iter().map(|(name, ..)| (*name).to_owned()).collect();
    media_types.sort_by_key(|media_type| by_preference(media_type));
    Ok(Success { status: *status, media_types, schema, headers })
}

fn is_stream_of(content: &Value) -> bool {
    is_stream(content.get("schema").unwrap_or(&Value::Null))
}

/// The schema of an answer's body: a component, or an array of one.
fn answer(media_type: &Value, pointer: &Pointer) -> Result<Value, Fault> {
    let schema = media_type.get("schema").unwrap_or(&Value::Null);
    let element = schema.get("items").filter(|_| schema["type"] == "array").unwrap_or(schema);
    if component(element).is_none() {
        let message = "an answer has to be a component schema or an array of one";
        return Err(Fault::new(pointer, message));
    }
    Ok(schema.clone())
}

fn no_reference(value: &Value, pointer: &Pointer) -> Result<(), Fault> {
    match value.get("$ref") {
        None => Ok(()),
        Some(_) => Err(Fault::new(&pointer.at("$ref"), "a reference to a reference")),
    }
}

/// The named members joined as paragraphs; a repeated sentence is said once.
fn prose(value: &Value, names: &[&str]) -> String {
    let mut paragraphs: Vec<&str> = Vec::new();
    let object: Option<&Object> = value.as_object();
    for name in names {
        let text = object.and_then(|object| object.get(*name)).and_then(Value::as_str);
        if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty())
            && !paragraphs.contains(&text)
        {
            paragraphs.push(text);
        }
    }
    paragraphs.join("\n\n")
}
