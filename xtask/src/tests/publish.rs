//! Publication: what the rules of `publication.yaml` add, in both kinds of document.

use serde_json::{Value, json};

use crate::publish::publish;
use crate::swagger2;

fn openapi() -> Value {
    let body = json!({ "$ref": "#/components/requestBodies/X" });
    json!({
        "openapi": "3.0.1",
        "paths": { "/x": { "patch": {
            "operationId": "patchX",
            "requestBody": body,
            "responses": {
                "200": { "$ref": "#/components/responses/X" },
                "404": { "description": "declared" },
            },
        } } },
        "components": {
            "requestBodies": { "X": { "content": {
                "application/json": { "schema": { "type": "object" } },
            } } },
            "responses": { "X": { "description": "x", "content": { "application/json": {} } } },
        },
    })
}

fn swagger() -> Value {
    json!({
        "swagger": "2.0",
        "consumes": ["application/json;charset=utf-8"],
        "paths": { "/x": { "patch": {
            "operationId": "patchX",
            "responses": { "200": { "description": "x", "schema": { "type": "object" } } },
        } } },
    })
}

fn rules() -> Value {
    json!({
        "sets": { "v1": { "all": ["patchX"] }, "v2": { "others": ["patchY"] } },
        "responses": [
            { "status": "206", "for": ["all"], "body": "200", "description": "part" },
            { "status": "404", "for": ["all"], "description": "added" },
            { "status": "304", "for": ["all", "others"], "body": "none", "description": "same" },
        ],
        "response_headers": [
            { "name": "ETag", "statuses": ["200"], "for": ["all"], "schema": { "type": "string" },
              "description": "validator" },
        ],
        "parameters": [
            { "name": "fields", "in": "query", "for": ["all"], "schema": { "type": "string" },
              "description": "some" },
        ],
        "request_media": [
            { "media_type": "application/merge-patch+json", "same_as": "application/json",
              "for": ["all"] },
        ],
    })
}

#[test]
fn openapi_gains_what_the_rules_say() {
    let published = publish(&openapi(), &rules(), "v1").unwrap();
    let operation = &published["paths"]["/x"]["patch"];
    let responses = &operation["responses"];
    assert_eq!(
        responses["206"],
        json!({ "description": "part", "content": { "application/json": {} } })
    );
    assert_eq!(responses["404"], json!({ "description": "declared" }), "the document wins");
    assert_eq!(responses["304"], json!({ "description": "same" }));
    let header = json!({ "description": "validator", "schema": { "type": "string" } });
    assert_eq!(responses["200"]["headers"], json!({ "ETag": header }));
    let parameter = json!({ "name": "fields", "in": "query", "description": "some",
                            "schema": { "type": "string" } });
    assert_eq!(operation["parameters"], json!([parameter]));
    let schema = json!({ "schema": { "type": "object" } });
    assert_eq!(
        operation["requestBody"]["content"],
        json!({ "application/json": schema, "application/merge-patch+json": schema })
    );
    assert_eq!(published["components"], openapi()["components"], "components are not changed");
}

#[test]
fn swagger_gains_the_same_in_its_own_form() {
    let published = publish(&swagger(), &rules(), "v1").unwrap();
    let operation = &published["paths"]["/x"]["patch"];
    let responses = &operation["responses"];
    assert_eq!(responses["206"], json!({ "description": "part", "schema": { "type": "object" } }));
    assert_eq!(responses["404"]["schema"], json!({ "$ref": "#/definitions/Error" }));
    let header = json!({ "description": "validator", "type": "string" });
    assert_eq!(responses["200"]["headers"], json!({ "ETag": header }));
    let parameter =
        json!({ "name": "fields", "in": "query", "description": "some", "type": "string" });
    assert_eq!(operation["parameters"], json!([parameter]));
    assert_eq!(
        operation["consumes"],
        json!(["application/json;charset=utf-8", "application/merge-patch+json"])
    );
}

/// Rules that add an operation with schemas of its own, and a second notation of a body.
fn additions(references: &str) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/{references}/{name}") });
    json!({
        "sets": { "v1": { "all": ["patchX", "addXs"], "bulk": ["addXs"], "patch": ["patchX"] } },
        "schemas": { "v1": {
            "X": { "type": "object" },
            "Xs": { "type": "array", "items": reference("X") },
        } },
        "operations": [{
            "versions": ["v1"], "path": "/xs", "method": "patch", "id": "addXs", "tag": "x",
            "summary": "Add some", "description": "All or none.",
            "body": { "media_type": "application/json-patch+json", "schema": "Xs",
                      "description": "some" },
            "success": { "status": "200", "array_of": "X", "description": "done" },
        }],
        "responses": [{ "status": "400", "for": ["bulk"], "body": "none", "description": "bad" }],
        "request_media": [{ "media_type": "a/b+json", "schema": "Xs", "for": ["patch"] }],
    })
}

#[test]
fn openapi_gains_an_operation_and_a_notation() {
    let published = publish(&openapi(), &additions("components/schemas"), "v1").unwrap();
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    assert_eq!(
        published["paths"]["/xs"]["patch"],
        json!({
            "tags": ["x"], "summary": "Add some", "description": "All or none.",
            "operationId": "addXs",
            "requestBody": { "required": true, "description": "some", "content": {
                "application/json-patch+json": { "schema": reference("Xs") },
            } },
            "responses": {
                "200": { "description": "done", "content": { "application/json": {
                    "schema": { "type": "array", "items": reference("X") },
                } } },
                "400": { "description": "bad" },
            },
        })
    );
    assert_eq!(published["components"]["schemas"]["Xs"]["items"], reference("X"));
    let content = &published["paths"]["/x"]["patch"]["requestBody"]["content"];
    assert_eq!(content["a/b+json"], json!({ "schema": reference("Xs") }));
    assert_eq!(content["application/json"], json!({ "schema": { "type": "object" } }));
}

#[test]
fn swagger_says_the_same_once_converted() {
    let mut swagger = swagger();
    swagger["paths"]["/x"]["patch"]["parameters"] =
        json!([{ "name": "x", "in": "body", "schema": { "type": "object" } }]);
    let published = publish(&swagger, &additions("definitions"), "v1").unwrap();
    let (added, patch) = (&published["paths"]["/xs"]["patch"], &published["paths"]["/x"]["patch"]);
    assert_eq!(added["consumes"], json!(["application/json-patch+json"]));
    assert_eq!(patch.get("consumes"), None, "one schema for all of them would be a lie");
    let second = json!({ "a/b+json": { "schema": { "$ref": "#/definitions/Xs" } } });
    assert_eq!(patch["x-request-media"], second);

    let converted = swagger2::convert(&published).unwrap();
    let wanted = publish(&openapi(), &additions("components/schemas"), "v1").unwrap();
    let (converted, wanted) = (&converted["paths"], &wanted["paths"]);
    let (added, patch) = (&converted["/xs"]["patch"], &converted["/x"]["patch"]);
    assert_eq!(added["requestBody"], wanted["/xs"]["patch"]["requestBody"]);
    assert_eq!(added["responses"], wanted["/xs"]["patch"]["responses"]);
    assert_eq!(patch.get("x-request-media"), None);
    let content = |operation: &Value| operation["requestBody"]["content"]["a/b+json"].clone();
    assert_eq!(content(patch), content(&wanted["/x"]["patch"]));
}

#[test]
fn an_operation_without_a_body_may_answer_with_a_text() {
    let rules = |section| {
        let mut rules = additions(section);
        rules["operations"][0].as_object_mut().unwrap().remove("body");
        with(rules, "/operations/0/success/text", json!(["text/x"]))
    };
    let wanted = publish(&openapi(), &rules("components/schemas"), "v1").unwrap();
    let wanted = &wanted["paths"]["/xs"]["patch"];
    assert_eq!(wanted.get("requestBody"), None);
    let success = wanted["responses"].as_object().unwrap().iter().find(|(s, _)| s.starts_with('2'));
    let content = &success.unwrap().1["content"];
    assert_eq!(content["text/x"], json!({ "schema": { "type": "string" } }));
    assert_eq!(content["application/json"]["schema"]["type"], "array");

    let mut swagger = swagger();
    swagger["paths"]["/x"]["patch"]["parameters"] =
        json!([{ "name": "x", "in": "body", "schema": { "type": "object" } }]);
    let published = publish(&swagger, &rules("definitions"), "v1").unwrap();
    let converted = swagger2::convert(&published).unwrap();
    assert_eq!(converted["paths"]["/xs"]["patch"]["responses"], wanted["responses"]);
}

#[test]
fn additions_that_cannot_be_meant_are_refused() {
    for (pointer, value, expected) in [
        ("/operations/0/versions/0", json!("v9"), "#/operations/0/versions/0"),
        ("/operations/0/method", json!("PATCH"), "#/operations/0/method"),
        ("/operations/0/path", json!("/x"), "#/operations/0"),
        ("/operations/0/id", json!("addYs"), "#/sets/v1/all/1"),
        ("/operations/0/body/schema", json!("Y"), "#/operations/0/body/schema"),
        ("/operations/0/success/array_of", json!("Y"), "#/operations/0/success/array_of"),
        ("/operations/0/success/schema", json!("X"), "#/operations/0/success/schema"),
        ("/schemas/v1/Known", json!({}), "#/schemas/v1/Known"),
        ("/schemas/v9", json!({}), "#/schemas/v9"),
        ("/request_media/0/schema", json!("Y"), "#/request_media/0/schema"),
    ] {
        let mut document = openapi();
        document["components"]["schemas"]["Known"] = json!({});
        let fault =
            publish(&document, &with(additions("components/schemas"), pointer, value), "v1");
        let fault = fault.unwrap_err().to_string();
        assert!(fault.starts_with(&format!("{expected}: ")), "{pointer}: {fault}");
    }
}

/// The rules with another value at the pointer.
fn with(mut rules: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match rules.pointer_mut(parent).unwrap() {
        Value::Array(elements) => elements[key.parse::<usize>().unwrap()] = value,
        other => other[key] = value,
    }
    rules
}

#[test]
fn a_version_without_sets_is_published_as_it_is() {
    assert_eq!(publish(&openapi(), &rules(), "v3").unwrap(), openapi());
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    for (pointer, value, expected) in [
        ("/sets/v1/all/0", json!("nobody"), "#/sets/v1/all/0"),
        ("/responses/0/for/0", json!("nobody"), "#/responses/0/for/0"),
        ("/responses/0/body", json!("299"), "#/responses/0/body"),
        ("/responses/0/extra", json!(1), "#/responses/0/extra"),
        ("/response_headers/0/statuses/0", json!("299"), "#/response_headers/0/statuses/0"),
        ("/request_media/0/same_as", json!("a/b"), "#/request_media/0/same_as"),
        ("/removals", json!([]), "#/removals"),
    ] {
        let rules = with(rules(), pointer, value);
        let fault = publish(&openapi(), &rules, "v1").unwrap_err().to_string();
        assert!(fault.starts_with(&format!("{expected}: ")), "{pointer}: {fault}");
    }
}
