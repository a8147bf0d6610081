//! Publication: what the rules of `publication.yaml` add, in both kinds of document.

use serde_json::{Value, json};

use crate::publish::publish;

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
        let mut rules = rules();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = rules.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(elements) => elements[key.parse::<usize>().unwrap()] = value,
            other => other[key] = value,
        }
        let fault = publish(&openapi(), &rules, "v1").unwrap_err().to_string();
        assert!(fault.starts_with(&format!("{expected}: ")), "{pointer}: {fault}");
    }
}
