//! What the generator cannot take is refused by file and JSON pointer, whichever step notices.

use serde_json::{Value, json};

use super::emit;

fn document() -> Value {
    json!({
        "openapi": "3.0.1",
        "info": { "title": "One", "version": "1" },
        "paths": { "/x/{id}": { "patch": {
            "operationId": "patchX",
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
            ],
            "requestBody": { "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/S" } },
            } },
            "responses": {
                "200": { "description": "ok", "content": {
                    "application/json": { "schema": { "$ref": "#/components/schemas/S" } },
                } },
                "400": { "description": "no", "content": {
                    "application/json": { "schema": { "$ref": "#/components/schemas/T" } },
                } },
            },
        } } },
        "components": { "schemas": {
            "S": { "type": "object", "properties": { "a": { "type": "string" } } },
            "T": { "type": "object", "properties": { "b": { "$ref": "#/components/schemas/S" } } },
        } },
    })
}

/// What `gen` says after `pointer` is set to `value`.
fn refusal(pointer: &str, value: &Value) -> String {
    let mut document = document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).expect(parent)[key.replace("~1", "/")] = value.clone();
    match emit("one.json", &document.to_string()) {
        Ok(_) => panic!("{pointer} = {value} was accepted"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn the_document_itself_is_fine() {
    emit("one.json", &document().to_string()).unwrap();
}

#[test]
fn each_construct_is_named() {
    let s = "/components/schemas/S";
    let a = "/components/schemas/S/properties/a";
    let patch = "/paths/~1x~1{id}/patch";
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let table: Vec<(String, Value, String)> = vec![
        ("/openapi".into(), json!("3.1.0"), "/openapi".into()),
        ("/info/version".into(), json!(null), "/info/version".into()),
        ("/webhooks".into(), json!({}), "/webhooks".into()),
        ("/components/links".into(), json!({}), "/components/links".into()),
        (format!("{a}/anyOf"), json!([]), format!("{a}/anyOf")),
        (format!("{a}/not"), json!({}), format!("{a}/not")),
        (format!("{a}/const"), json!(1), format!("{a}/const")),
        (format!("{a}/type"), json!("null"), format!("{a}/type")),
        (format!("{a}/type"), json!("array"), a.into()),
        (format!("{a}/type"), json!(["string"]), format!("{a}/type")),
        (a.into(), json!({ "$ref": "#/components/schemas/None" }), format!("{a}/$ref")),
        (
            a.into(),
            json!({ "$ref": "#/components/schemas/T", "nullable": true }),
            format!("{a}/nullable"),
        ),
        (a.into(), json!({ "oneOf": [reference("T")] }), format!("{a}/oneOf")),
        (
            a.into(),
            json!({ "oneOf": [{ "type": "object" }],
                           "discriminator": { "propertyName": "t" } }),
            format!("{a}/oneOf/0"),
        ),
        (
            a.into(),
            json!({ "oneOf": [reference("T")], "discriminator": {} }),
            format!("{a}/discriminator/propertyName"),
        ),
        (
            a.into(),
            json!({ "oneOf": [reference("T")], "discriminator": { "propertyName": "t" } }),
            format!("{a}/oneOf"),
        ),
        (a.into(), json!({ "type": "string", "enum": ["x y", "x-y"] }), format!("{a}/enum")),
        (s.into(), json!({ "allOf": [reference("S")] }), format!("{s}/allOf/0")),
        (s.into(), json!({ "allOf": [{ "type": "string" }] }), format!("{s}/allOf/0")),
        (
            s.into(),
            json!({ "allOf": [{ "type": "object", "minProperties": 1 }] }),
            format!("{s}/allOf/0/minProperties"),
        ),
        (
            "/components/schemas/s".into(),
            json!({ "type": "object" }),
            "/components/schemas/s".into(),
        ),
        (format!("{patch}/callbacks"), json!({}), format!("{patch}/callbacks")),
        (format!("{patch}/operationId"), json!(null), format!("{patch}/operationId")),
        (format!("{patch}/parameters"), json!([]), patch.into()),
        (format!("{patch}/parameters/0/required"), json!(false), format!("{patch}/parameters/0")),
        (
            format!("{patch}/responses/200/description"),
            json!(null),
            format!("{patch}/responses/200/description"),
        ),
        (
            format!("{patch}/parameters/0/style"),
            json!("label"),
            format!("{patch}/parameters/0/style"),
        ),
        (
            format!("{patch}/parameters/0/schema"),
            json!({ "type": "object" }),
            format!("{patch}/parameters/0/schema"),
        ),
        (
            format!("{patch}/requestBody/content"),
            json!({ "text/plain": { "schema": reference("S") } }),
            format!("{patch}/requestBody/content"),
        ),
        (
            format!("{patch}/requestBody/content/application~1json/schema"),
            json!({ "type": "object" }),
            format!("{patch}/requestBody/content/application~1json/schema"),
        ),
        (
            format!("{patch}/responses/201"),
            json!({ "description": "" }),
            format!("{patch}/responses"),
        ),
        (
            format!("{patch}/responses/500"),
            json!({ "description": "", "content": { "application/json": { "schema": reference("S") } } }),
            format!("{patch}/responses/500"),
        ),
        (format!("{patch}/responses/200/links"), json!({}), format!("{patch}/responses/200/links")),
        (
            "/paths/~1x~1y".into(),
            json!({ "get": {
            "operationId": "getY", "responses": { "204": { "description": "" } },
        } }),
            "/paths/~1x~1y/get".into(),
        ),
        (
            "/paths/~1z".into(),
            json!({ "get": {
            "operationId": "patch_x", "responses": { "204": { "description": "" } },
        } }),
            "/paths/~1z/get/operationId".into(),
        ),
        ("/paths/~1{a}-{b}".into(), json!({}), "/paths/~1{a}-{b}".into()),
    ];
    for (pointer, value, expected) in &table {
        let refusal = refusal(pointer, value);
        let named = refusal.contains(&format!("one.json#{expected}: "));
        assert!(named, "{pointer} = {value}\nexpected {expected}\nfound    {refusal}");
    }
}
