//! Walking every schema of a resolved document, wherever it stands.
//!
//! Knows where schemas can be; knows nothing about what a step does to them.

use serde_json::Value;

use crate::document::{Fault, Object, Pointer};

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Component,
    Property,
    Element,
    Parameter,
    Body,
}

pub(super) type Visitor<'a> = dyn FnMut(&mut Object, Place, &Pointer) -> Result<(), Fault> + 'a;

/// Calls `visit` for every schema that is not a reference, outer ones first.
pub(super) fn each_schema(document: &mut Value, visit: &mut Visitor<'_>) -> Result<(), Fault> {
    let root = Pointer::root();
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        let pointer = root.at("components").at("schemas");
        for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
            descend(schema, Place::Component, &pointer.at(name), visit)?;
        }
    }
    each_operation(document, &mut |operation, pointer| in_operation(operation, pointer, visit))
}

/// Calls `visit` for every operation.
pub(super) fn each_operation(
    document: &mut Value,
    visit: &mut dyn FnMut(&mut Object, &Pointer) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let pointer = Pointer::root().at("paths");
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    for (path, item) in paths {
        let pointer = pointer.at(path);
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                visit(operation, &pointer.at(method))?;
            }
        }
    }
    Ok(())
}

fn in_operation(
    operation: &mut Object,
    pointer: &Pointer,
    visit: &mut Visitor<'_>,
) -> Result<(), Fault> {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for (i, parameter) in parameters.into_iter().flatten().enumerate() {
        let pointer = pointer.at("parameters").index(i);
        in_holder(parameter, Place::Parameter, &pointer, visit)?;
    }
    if let Some(body) = operation.get_mut("requestBody") {
        in_content(body, &pointer.at("requestBody"), visit)?;
    }
    let pointer = pointer.at("responses");
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        let pointer = pointer.at(status);
        in_content(response, &pointer, visit)?;
        let headers = response.get_mut("headers").and_then(Value::as_object_mut);
        for (name, header) in headers.into_iter().flatten() {
            in_holder(header, Place::Parameter, &pointer.at("headers").at(name), visit)?;
        }
    }
    Ok(())
}

fn in_content(holder: &mut Value, pointer: &Pointer, visit: &mut Visitor<'_>) -> Result<(), Fault> {
    let content = holder.get_mut("content").and_then(Value::as_object_mut);
    for (name, media_type) in content.into_iter().flatten() {
        in_holder(media_type, Place::Body, &pointer.at("content").at(name), visit)?;
    }
    Ok(())
}

fn in_holder(
    holder: &mut Value,
    place: Place,
    pointer: &Pointer,
    visit: &mut Visitor<'_>,
) -> Result<(), Fault> {
    match holder.get_mut("schema") {
        Some(schema) => descend(schema, place, &pointer.at("schema"), visit),
        None => Ok(()),
    }
}

fn descend(
    schema: &mut Value,
    place: Place,
    pointer: &Pointer,
    visit: &mut Visitor<'_>,
) -> Result<(), Fault> {
    let Some(schema) = schema.as_object_mut().filter(|schema| !schema.contains_key("$ref")) else {
        return Ok(());
    };
    visit(schema, place, pointer)?;
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        descend(property, Place::Property, &pointer.at("properties").at(name), visit)?;
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(keyword) {
            descend(inner, Place::Element, &pointer.at(keyword), visit)?;
        }
    }
    Ok(())
}
