//! Lowering steps for operations: progenitor takes one body type, one success, one error.
//!
//! Nothing is lost to the project: other media types come back as methods of the client and as the
//! server's operation table, both emitted from the document as it was before these steps.

use serde_json::{Value, json};

use super::Lowered;
use super::visit::each_operation;
use crate::document::{Fault, Object, Pointer};
use crate::operation::{JSON, by_preference, is_stream};

/// Drops operations that take a stream, or answer with nothing else.
pub(super) fn no_streams(lowered: &mut Lowered) -> Result<usize, Fault> {
    let mut count = 0;
    let paths = lowered.document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Object::values_mut).filter_map(Value::as_object_mut) {
        let before = item.len();
        item.retain(|_, operation| !is_streamed(operation));
        count += before - item.len();
    }
    Ok(count)
}

/// Whether a body of the operation has but schemas of bytes.
fn is_streamed(operation: &Value) -> bool {
    let successes = operation["responses"].as_object().into_iter().flatten();
    let successes = successes.filter(|(status, _)| status.starts_with('2')).map(|(_, body)| body);
    let mut bodies = successes.chain(operation.get("requestBody"));
    bodies.any(|body| {
        let content = body["content"].as_object().filter(|content| !content.is_empty());
        content.is_some_and(|content| content.values().all(|media| is_stream(&media["schema"])))
    })
}

/// Keeps the JSON form of request and response bodies.
pub(super) fn only_json(lowered: &mut Lowered) -> Result<usize, Fault> {
    let mut count = 0;
    let mut keep_json = |content: &mut Object| {
        let before = content.len();
        content.retain(|media_type, _| media_type == JSON);
        count += before - content.len();
        for media_type in content.values_mut().filter_map(Value::as_object_mut) {
            media_type.retain(|key, _| key == "schema");
        }
    };
    each_operation(&mut lowered.document, &mut |operation, _| {
        if let Some(content) = operation.get_mut("requestBody").and_then(content) {
            call_it_json(content);
            keep_json(content);
        }
        let responses = responses(operation).into_iter().flat_map(Object::values_mut);
        responses.filter_map(content).for_each(&mut keep_json);
        Ok(())
    })?;
    Ok(count)
}

/// A request body that is JSON by other names only keeps the first, under the name progenitor knows:
/// the client gives it back its own.
fn call_it_json(content: &mut Object) {
    let first = content.keys().min_by_key(|media_type| by_preference(media_type)).cloned();
    if let Some(media_type) = first.and_then(|first| content.remove(&first)) {
        content.insert(JSON.into(), media_type);
    }
}

fn content(holder: &mut Value) -> Option<&mut Object> {
    holder.get_mut("content").and_then(Value::as_object_mut)
}

/// Drops 202 without a body where another success has one.
pub(super) fn one_success(lowered: &mut Lowered) -> Result<usize, Fault> {
    let mut count = 0;
    each_operation(&mut lowered.document, &mut |operation, _| {
        let Some(responses) = responses(operation) else { return Ok(()) };
        let has_body = |response: &Value| response.get("content").is_some();
        let is_success = |status: &str| status.starts_with('2') && status != "202";
        let typed = responses.iter().any(|(s, response)| is_success(s) && has_body(response));
        if typed && responses.get("202").is_some_and(|response| !has_body(response)) {
            responses.remove("202");
            count += 1;
        }
        Ok(())
    })?;
    Ok(count)
}

/// Drops answers to conditional requests and redirects: they have no type of their own.
pub(super) fn no_redirects(lowered: &mut Lowered) -> Result<usize, Fault> {
    let mut count = 0;
    each_operation(&mut lowered.document, &mut |operation, _| {
        let Some(responses) = responses(operation) else { return Ok(()) };
        let before = responses.len();
        responses.retain(|status, _| !status.starts_with('3'));
        count += before - responses.len();
        Ok(())
    })?;
    Ok(count)
}

/// Replaces the error answers, `default` included, by one for 4XX and one for 5XX.
pub(super) fn error_ranges(lowered: &mut Lowered) -> Result<usize, Fault> {
    let mut count = 0;
    each_operation(&mut lowered.document, &mut |operation, pointer| {
        let pointer = pointer.at("responses");
        let Some(responses) = responses(operation) else { return Ok(()) };
        let mut error: Option<Value> = None;
        for (status, response) in responses.iter() {
            match status.as_bytes().first() {
                Some(b'2') => continue,
                Some(b'4' | b'5' | b'd') => {}
                _ => return Err(Fault::new(&pointer.at(status), "unsupported status")),
            }
            let schema = response.pointer("/content/application~1json/schema");
            same_error(&mut error, schema, &pointer.at(status))?;
            count += 1;
        }
        responses.retain(|status, _| status.starts_with('2'));
        if let Some(schema) = error {
            let response = json!({
                "description": "",
                "content": { JSON: { "schema": schema } },
            });
            responses.insert("4XX".into(), response.clone());
            responses.insert("5XX".into(), response);
        }
        Ok(())
    })?;
    Ok(count)
}

fn same_error(
    known: &mut Option<Value>,
    schema: Option<&Value>,
    pointer: &Pointer,
) -> Result<(), Fault> {
    match (known.as_ref(), schema) {
        (Some(known), Some(schema)) if known != schema => {
            Err(Fault::new(pointer, "another error type than the operation's other errors"))
        }
        (None, Some(schema)) => {
            *known = Some(schema.clone());
            Ok(())
        }
        _ => Ok(()),
    }
}

fn responses(operation: &mut Object) -> Option<&mut Object> {
    operation.get_mut("responses").and_then(Value::as_object_mut)
}
