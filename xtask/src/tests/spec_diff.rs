//! `spec-diff`: what counts as a difference, and where it is said to be.

use serde_json::{Value, json};

use crate::diff::differences;

fn document() -> Value {
    json!({
        "openapi": "3.0.1",
        "info": { "title": "One" },
        "servers": [{ "url": "http://one" }],
        "tags": [{ "name": "a" }, { "name": "b" }],
        "paths": { "/x": { "get": {
            "summary": "one",
            "parameters": [
                { "name": "p", "in": "query", "schema": { "type": "string" } },
                { "name": "q", "in": "query", "schema": { "type": "string" } },
            ],
            "responses": { "200": { "description": "one" }, "default": { "description": "one" } },
        } } },
        "components": { "schemas": { "S": {
            "type": "object",
            "required": ["title", "b"],
            "properties": {
                "title": { "type": "string", "description": "one", "example": "one" },
                "b": { "type": "string", "enum": ["x", "y"], "default": "x" },
            },
        } } },
    })
}

/// Pointers of the differences after a change of theirs.
fn changed(pointer: &str, value: Value) -> Vec<String> {
    let mut theirs = document();
    *theirs.pointer_mut(pointer).expect(pointer) = value;
    let found = differences(&document(), &theirs);
    found.into_iter().map(|difference| difference.pointer.to_string()).collect()
}

#[test]
fn prose_and_order_do_not_count() {
    let schema = "/components/schemas/S";
    for (pointer, value) in [
        ("/info".to_owned(), json!({ "title": "Two" })),
        ("/servers".to_owned(), json!([])),
        ("/tags".to_owned(), json!([{ "name": "b", "description": "two" }, { "name": "a" }])),
        ("/paths/~1x/get/summary".to_owned(), json!("two")),
        ("/paths/~1x/get/responses/200/description".to_owned(), json!("two")),
        (format!("{schema}/required"), json!(["b", "title"])),
        (format!("{schema}/properties/title/description"), json!("two")),
        (format!("{schema}/properties/title/example"), json!(2)),
        (format!("{schema}/properties/b/enum"), json!(["y", "x"])),
        (
            "/paths/~1x/get/parameters".to_owned(),
            json!([
                { "name": "q", "in": "query", "schema": { "type": "string" } },
                { "name": "p", "in": "query", "schema": { "type": "string" } },
            ]),
        ),
    ] {
        assert_eq!(changed(&pointer, value), Vec::<String>::new(), "{pointer}");
    }
}

#[test]
fn statements_count() {
    let schema = "/components/schemas/S";
    for (change, value, expected) in [
        ("/openapi", json!("3.0.3"), "/openapi"),
        ("/paths", json!({}), "/paths/~1x"),
        (
            "/paths/~1x/get/responses/default",
            json!({ "content": {} }),
            "/paths/~1x/get/responses/default/content",
        ),
        ("/paths/~1x/get/parameters/1/name", json!("r"), "/paths/~1x/get/parameters/1"),
        ("/components/schemas/S/type", json!("array"), "/components/schemas/S/type"),
        (
            "/components/schemas/S/properties/title",
            json!({}),
            "/components/schemas/S/properties/title/type",
        ),
        (
            "/components/schemas/S/properties/b/default",
            json!("y"),
            "/components/schemas/S/properties/b/default",
        ),
        ("/components/schemas/S/required", json!(["title"]), "/components/schemas/S/required/0"),
    ] {
        let found = changed(change, value);
        assert!(found.iter().any(|pointer| pointer == expected), "{schema} {change}: {found:?}");
    }
}
