//! Swagger 2.0 → OpenAPI 3.0, one thing that moved at a time.

use serde_json::{Value, json};

use crate::swagger2::convert;

fn document(operation: Value) -> Value {
    json!({
        "swagger": "2.0",
        "info": { "title": "One", "version": "1" },
        "host": "example.org",
        "basePath": "/one/",
        "schemes": ["https", "http"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": { "/x": { "post": operation } },
        "parameters": { "Body": { "name": "b", "in": "body", "schema": { "$ref": "#/definitions/S" } } },
        "definitions": { "S": {
            "type": "object",
            "discriminator": "kind",
            "properties": { "properties": { "type": "string", "format": "uri", "x-nullable": true } },
        } },
    })
}

fn converted(operation: Value) -> Value {
    convert(&document(operation)).unwrap()["paths"]["/x"]["post"].clone()
}

#[test]
fn the_frame() {
    let converted = convert(&document(json!({ "responses": {} }))).unwrap();
    assert_eq!(converted["openapi"], "3.0.3");
    assert_eq!(
        converted["servers"],
        json!([{ "url": "https://example.org/one" }, { "url": "http://example.org/one" }])
    );
    assert_eq!(
        converted["components"]["schemas"]["S"],
        json!({
            "type": "object",
            "discriminator": { "propertyName": "kind" },
            "properties": { "properties": { "type": "string", "format": "uri", "nullable": true } },
        })
    );
}

#[test]
fn a_body_parameter_is_a_request_body() {
    let schema = json!({ "$ref": "#/components/schemas/S" });
    let expected = json!({ "content": { "application/json": { "schema": schema } } });
    let by_reference = json!({ "parameters": [{ "$ref": "#/parameters/Body" }] });
    assert_eq!(converted(by_reference)["requestBody"], expected);
    let required = json!({ "parameters": [
        { "name": "b", "in": "body", "required": true, "schema": { "$ref": "#/definitions/S" } },
    ] });
    assert_eq!(converted(required)["requestBody"]["required"], true);
    let own =
        json!({ "consumes": ["a/b", "c/d"], "parameters": [{ "$ref": "#/parameters/Body" }] });
    let own = converted(own);
    let types: Vec<_> = own["requestBody"]["content"].as_object().unwrap().keys().collect();
    assert_eq!(types, ["a/b", "c/d"]);
}

#[test]
fn types_of_parameters_and_headers_move_into_schemas() {
    let operation = converted(json!({
        "parameters": [
            { "name": "n", "in": "query", "type": "integer", "format": "int32", "minimum": 1 },
            { "name": "m", "in": "query", "type": "array", "items": { "type": "string" },
              "collectionFormat": "multi" },
        ],
        "responses": { "200": {
            "description": "ok",
            "headers": { "X-Count": { "type": "integer", "description": "how many" } },
            "schema": { "$ref": "#/definitions/S" },
        } },
    }));
    assert_eq!(
        operation["parameters"],
        json!([
            { "name": "n", "in": "query",
              "schema": { "type": "integer", "format": "int32", "minimum": 1 } },
            { "name": "m", "in": "query", "explode": true,
              "schema": { "type": "array", "items": { "type": "string" } } },
        ])
    );
    assert_eq!(
        operation["responses"]["200"],
        json!({
            "description": "ok",
            "headers": { "X-Count": { "description": "how many", "schema": { "type": "integer" } } },
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/S" } } },
        })
    );
}

#[test]
fn what_has_no_place_is_refused() {
    for (operation, pointer) in [
        (
            json!({ "parameters": [{ "name": "f", "in": "formData", "type": "file" }] }),
            "#/paths/~1x/post/parameters/0/in",
        ),
        (
            json!({ "parameters": [{ "name": "p", "in": "query", "type": "array",
                                  "collectionFormat": "pipes" }] }),
            "#/paths/~1x/post/parameters/0/collectionFormat",
        ),
        (
            json!({ "parameters": [{ "$ref": "#/parameters/Nobody" }] }),
            "#/paths/~1x/post/parameters/0/$ref",
        ),
        (
            json!({ "x-request-media": { "a/b": { "schema": {} } } }),
            "#/paths/~1x/post/x-request-media/a~1b",
        ),
        (
            json!({ "responses": { "200": { "schema": { "type": "file" } } } }),
            "#/paths/~1x/post/responses/200/schema/type",
        ),
    ] {
        let fault = convert(&document(operation)).unwrap_err().to_string();
        assert!(fault.starts_with(pointer), "{fault}");
    }
}
