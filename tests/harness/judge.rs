//! The judge: whether an answer is one its document promises. Panics with the whole answer if not.
//!
//! Judged are the status, the media type, the headers declared for that status, the body against
//! its schema, and the shape of errors. What the answer should *say* is the scenario's business.
//! A scenario may tolerate that certain required members are absent, and must say which.

use crate::answer::Answer;
use crate::document::{Document, Operation};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use reqwest::Method;

/// Answers the guard gives before it looks at the method.
const BEFORE_THE_METHOD: [u16; 3] = [401, 406, 414];

/// Judges the answer of a request to `path` below the base, and says which operation it was.
pub fn judge(
    document: &Document,
    method: &Method,
    path: &str,
    query: Option<&str>,
    tolerated: &[&str],
    answer: &Answer,
) -> Option<String> {
    let methods = document.methods(path);
    if methods.is_empty() {
        // Nobody serves it, so nobody of ours answers: the words are dropshot's.
        assert_eq!(answer.status, 404, "{answer}");
        return None;
    }
    if answer.status >= 400 && *method != Method::HEAD {
        error_shape(answer);
    }
    if let Some(operation) = document.operation(method, path) {
        // A selection of members may leave out what the whole must have.
        let is_part = query.is_some_and(|query| query.contains("fields="));
        let may_lack = |name: &str| is_part || tolerated.contains(&name);
        by_declaration(document, operation, &may_lack, answer);
        return Some(operation.id.clone());
    }
    if !BEFORE_THE_METHOD.contains(&answer.status) {
        assert_eq!(answer.status, 405, "{answer}");
        assert_eq!(allowed(answer), methods, "Allow: {answer}");
    }
    None
}

/// The methods an answer allows, in alphabetical order.
fn allowed(answer: &Answer) -> Vec<String> {
    let mut methods: Vec<_> = answer.header("allow").split(", ").map(str::to_owned).collect();
    methods.sort();
    methods
}

fn by_declaration(
    document: &Document,
    operation: &Operation,
    may_lack: &dyn Fn(&str) -> bool,
    answer: &Answer,
) {
    let id = &operation.id;
    let Some(response) = document.response(operation, answer.status) else {
        panic!("{id} does not declare this status: {answer}");
    };
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let value = answer.header(name);
        let schema = &document.resolved(header)["schema"];
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("integer"), _) => assert!(value.parse::<u64>().is_ok(), "{name}: {answer}"),
            (_, Some("uri")) => assert!(url::Url::parse(value).is_ok(), "{name}: {answer}"),
            _ => assert!(!value.is_empty(), "{name}: {answer}"),
        }
    }
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{id} declares no body: {answer}");
        return;
    };
    let sent = essence(answer.header("content-type"));
    let Some((_, content)) = content.iter().find(|(declared, _)| essence(declared) == sent) else {
        panic!("{id} does not declare {sent}: {answer}");
    };
    let validator = document.validator(&content["schema"]);
    let body = answer.json();
    let counts = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Required { property } => !property.as_str().is_some_and(may_lack),
        _ => true,
    };
    let complaint =
        |error: ValidationError<'_>| format!("{}: {}", error.instance_path(), error.masked());
    let complaints: Vec<_> = validator.iter_errors(&body).filter(counts).map(complaint).collect();
    assert!(complaints.is_empty(), "{id}: {complaints:#?}\n{answer}");
}

/// `application/json; charset=utf-8` is `application/json`.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// TMF's `Error`.
fn error_shape(answer: &Answer) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    assert_eq!(text("@type"), "Error", "{answer}");
    assert_eq!(text("status"), answer.status.to_string(), "{answer}");
    assert!(!text("code").is_empty() && !text("reason").is_empty(), "{answer}");
}
