//! The judge: whether an answer is one its document promises.
//!
//! Judged are the status, the media types (that of the request too), the headers declared for that status, the body against
//! its schema, and the shape of errors. What the answer should *say* is the scenario's business.
//! A scenario may tolerate that certain required members are absent, and must say which.

use crate::answer::Answer;
use crate::document::{Document, Operation, essence};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use reqwest::Method;
use serde_json::Value;

/// Declared headers that not every answer of their status has.
const SOMETIMES: [&str; 2] = ["Idempotency-Replayed", "X-Query-Plan"];

/// Answers the guard gives before it looks at the method.
const BEFORE_THE_METHOD: [u16; 3] = [401, 406, 414];

/// What is asked, in the terms of the document.
pub struct Question<'a> {
    /// HTTP method.
    pub method: &'a Method,
    /// Path below the base.
    pub path: &'a str,
    /// Query, as it was sent.
    pub query: &'a str,
    /// What the body says it is; `None` where it says nothing, or there is none.
    pub media_type: Option<&'a str>,
    /// Members the answer may lack though they are required.
    pub tolerated: &'a [&'a str],
}

/// Judges an answer, and says which operation gave it.
///
/// # Errors
/// What the document does not promise.
pub fn judge(
    document: &Document,
    question: &Question<'_>,
    answer: &Answer,
) -> Result<Option<String>, String> {
    let methods = document.methods(question.path);
    if methods.is_empty() {
        // Nobody serves it, so nobody of ours answers: the words are dropshot's.
        return insist(answer.status == 404, "nobody serves this path").map(|()| None);
    }
    if answer.status >= 400 && question.method != Method::HEAD {
        error_shape(answer)?;
    }
    if let Some(operation) = document.operation(question.method, question.path) {
        by_declaration(document, operation, question, answer)?;
        return Ok(Some(operation.id.clone()));
    }
    if !BEFORE_THE_METHOD.contains(&answer.status) {
        insist(answer.status == 405, "the document does not declare this method")?;
        let allowed = answer.maybe_header("allow").unwrap_or_default();
        let mut allowed: Vec<_> = allowed.split(", ").collect();
        allowed.sort_unstable();
        insist(allowed == methods, &format!("Allow is not {methods:?}"))?;
    }
    Ok(None)
}

fn by_declaration(
    document: &Document,
    operation: &Operation,
    question: &Question<'_>,
    answer: &Answer,
) -> Result<(), String> {
    if let Some(sent) = question.media_type.filter(|_| !operation.takes.is_empty()) {
        let is_declared = operation.takes.contains(&essence(sent));
        insist(is_declared || answer.status >= 400, "takes a media type that is not declared")?;
        insist(!is_declared || answer.status != 415, "refuses a media type that is declared")?;
    }
    let response = document.response(operation, answer.status);
    let response =
        response.ok_or_else(|| format!("{} does not declare this status", operation.id))?;
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let Some(value) = answer.maybe_header(name) else {
            if SOMETIMES.contains(&name.as_str()) {
                continue;
            }
            return Err(format!("no {name}"));
        };
        let schema = &document.resolved(header)["schema"];
        let fits = match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("integer"), _) => value.parse::<u64>().is_ok(),
            (_, Some("uri")) => url::Url::parse(value).is_ok(),
            _ => !value.is_empty(),
        };
        insist(fits, &format!("{name} is not what it is declared to be"))?;
    }
    let Some(declared) = response["content"].as_object() else {
        return insist(answer.text.is_empty(), "a body where none is declared");
    };
    let sent = essence(answer.maybe_header("content-type").unwrap_or_default());
    let content = declared.iter().find(|(media_type, _)| essence(media_type) == sent);
    let (_, content) = content.ok_or_else(|| format!("the media type {sent:?} is not declared"))?;
    if document.resolved(&content["schema"])["format"] == "binary" {
        // A stream: what is in it is the scenario's business.
        return Ok(());
    }
    // A selection of members may leave out what the whole must have.
    let is_part = question.query.contains("fields=");
    let counts = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Required { property } => {
            !is_part && !question.tolerated.iter().any(|name| property == name)
        }
        _ => true,
    };
    let body = json(answer)?;
    let validator = document.validator(&content["schema"]);
    match validator.iter_errors(&body).find(counts) {
        Some(error) => Err(format!("{}: {}", error.instance_path(), error.masked())),
        None => Ok(()),
    }
}

/// TMF's `Error`.
fn error_shape(answer: &Answer) -> Result<(), String> {
    let body = json(answer)?;
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    insist(text("@type") == "Error", "the @type of an error is Error")?;
    insist(text("status") == answer.status.to_string(), "status is not the HTTP status")?;
    insist(!text("code").is_empty() && !text("reason").is_empty(), "an error without a reason")
}

fn json(answer: &Answer) -> Result<Value, String> {
    serde_json::from_str(&answer.text).map_err(|error| format!("not JSON: {error}"))
}

fn insist(holds: bool, complaint: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderName};
    use serde_json::json;

    fn document() -> Document {
        let thing = json!({"$ref": "#/components/schemas/Thing"});
        let error = json!({"$ref": "#/components/responses/Error"});
        let count = json!({"X-Total-Count": {"$ref": "#/components/headers/Count"}});
        Document::parse(&json!({
            "paths": {
                "/thing/{id}": {
                    "get": {"operationId": "readThing", "responses": {
                        "200": {"headers": count, "content": {"application/json;charset=utf-8": {"schema": thing}}},
                        "304": {}, "404": error}},
                    "patch": {"operationId": "changeThing", "responses": {"204": {}, "415": error},
                        "requestBody": {"content": {"application/json;charset=utf-8": {}}}},
                    "delete": {"operationId": "deleteThing", "responses": {"204": {}}}},
                "/listener/thing": {"post": {"operationId": "listen", "responses": {"204": {}}}}},
            "components": {
                "headers": {"Count": {"schema": {"type": "integer"}}},
                "responses": {"Error": {"content": {"application/json": {"schema": {"type": "object"}}}}},
                "schemas": {
                    "Thing": {"type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string"}, "part": {"$ref": "#/components/schemas/Part"}}},
                    "Part": {"oneOf": [{"$ref": "#/components/schemas/Ref"}, {"type": "object"}],
                        "discriminator": {"propertyName": "@type", "mapping": {"Ref": "#/components/schemas/Ref"}}},
                    "Ref": {"type": "object", "required": ["id"]}}}
        }).to_string())
    }

    /// `method path?query`, or `method path media-type`
    fn verdict(question: &str, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let (method, target) = question.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = method.parse().unwrap();
        let (path, media_type) = path.split_once(' ').map_or((path, None), |(p, m)| (p, Some(m)));
        let question = Question { method: &method, path, query, media_type, tolerated: &["id"] };
        let header = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        let headers: HeaderMap = headers.iter().map(header).collect();
        let answer = Answer { request: String::new(), status, headers, text: body.to_owned() };
        match judge(&document(), &question, &answer) {
            Ok(operation) => operation.unwrap_or_default(),
            Err(complaint) => format!("! {complaint}"),
        }
    }

    const JSON: (&str, &str) = ("content-type", "application/json");
    const COUNT: (&str, &str) = ("x-total-count", "1");

    #[test]
    fn what_is_declared_passes() {
        for (question, status, headers, body, expected) in [
            ("GET /thing/1", 200, &[JSON, COUNT][..], r#"{"name": "x"}"#, "readThing"),
            ("GET /thing/1?fields=x", 200, &[JSON, COUNT], "{}", "readThing"),
            ("GET /thing/1", 304, &[], "", "readThing"),
            (
                "GET /thing/1",
                200,
                &[JSON, COUNT],
                r#"{"name": "x", "part": {"@type": "Ref"}}"#,
                "readThing",
            ),
            (
                "GET /thing/1",
                200,
                &[JSON, COUNT],
                r#"{"name": "x", "part": {"@type": "?"}}"#,
                "readThing",
            ),
            ("PATCH /thing/1 application/json; charset=x", 204, &[], "", "changeThing"),
            ("DELETE /thing/1 text/plain", 204, &[], "", "deleteThing"),
            ("GET /thing/1/2", 404, &[JSON], "whatever", ""),
            ("POST /listener/thing", 404, &[JSON], "whatever", ""),
        ] {
            assert_eq!(verdict(question, status, headers, body), expected, "{question} {body}");
        }
    }

    #[test]
    fn what_is_not_declared_does_not() {
        let error = r#"{"@type": "Error", "code": "x", "reason": "y", "status": "404"}"#;
        for (question, status, headers, body, expected) in [
            (
                "GET /thing/1",
                201,
                &[JSON, COUNT][..],
                "{}",
                "! readThing does not declare this status",
            ),
            ("GET /thing/1", 200, &[JSON], "{}", "! no X-Total-Count"),
            (
                "GET /thing/1",
                200,
                &[JSON, ("x-total-count", "many")],
                "{}",
                "! X-Total-Count is not",
            ),
            ("GET /thing/1", 200, &[COUNT], "{}", "! the media type \"\" is not declared"),
            ("GET /thing/1", 200, &[JSON, COUNT], "{", "! not JSON"),
            ("GET /thing/1", 200, &[JSON, COUNT], "{}", "! : "),
            ("GET /thing/1", 200, &[JSON, COUNT], r#"{"name": 1}"#, "! /name: "),
            ("GET /thing/1", 304, &[], "x", "! a body where none is declared"),
            ("GET /thing/1", 404, &[JSON], "{}", "! the @type of an error"),
            ("DELETE /thing/1", 404, &[JSON], error, "! deleteThing does not declare this status"),
            ("GET /thing/1", 404, &[JSON], &error.replace("404", "400"), "! status is not"),
            ("PATCH /thing/1 text/plain", 204, &[], "", "! takes a media type that is not"),
            (
                "PATCH /thing/1 application/json",
                415,
                &[JSON],
                &error.replace("404", "415"),
                "! refuses a media type that is declared",
            ),
            ("GET /other", 200, &[JSON], "{}", "! nobody serves this path"),
            ("PUT /thing/1", 200, &[JSON], "{}", "! the document does not declare this method"),
            (
                "PUT /thing/1",
                405,
                &[("allow", "GET")],
                &error.replace("404", "405"),
                "! Allow is not",
            ),
        ] {
            let verdict = verdict(question, status, headers, body);
            assert!(verdict.starts_with(expected), "{question}: {verdict}");
        }
    }
}
