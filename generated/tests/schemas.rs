//! The strict schemas: they compile, and judge as the documents mean.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tmf683_generated::{v4, v5};

fn is_valid(schemas: &str, definition: &str, value: &Value) -> bool {
    let mut schema: Value = serde_json::from_str(schemas).unwrap();
    schema["$ref"] = format!("#/$defs/{definition}").into();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.is_valid(value)
}

#[test]
fn every_definition_compiles() {
    for schemas in [v4::operations::SCHEMAS, v5::operations::SCHEMAS] {
        let schema: Value = serde_json::from_str(schemas).unwrap();
        for name in schema["$defs"].as_object().unwrap().keys() {
            is_valid(schemas, name, &json!({}));
        }
    }
}

#[test]
fn v5_judges_by_the_document() {
    let create = |change: fn(&mut Value)| {
        let mut value = json!({
            "@type": "PartyInteraction",
            "direction": "inbound",
            "reason": "question",
            "relatedChannel": [{
                "@type": "RelatedChannel",
                "role": "origin",
                "channel": { "@type": "ChannelRef", "id": "1", "name": "web" },
            }],
        });
        change(&mut value);
        is_valid(v5::operations::SCHEMAS, "PartyInteraction_FVO", &value)
    };
    assert!(create(|_| {}));
    assert!(create(|v| v["unknown"] = json!({ "kept": 1.10 })), "unknown members are allowed");
    assert!(!create(|v| v["reason"] = Value::Null), "no null where the document has none");
    assert!(!create(|v| v["lastUpdate"] = "yesterday".into()), "formats count");
    assert!(!create(|v| drop(v.as_object_mut().unwrap().remove("direction"))), "required counts");
    let party = |party: Value| {
        let related = json!({ "@type": "RelatedPartyOrPartyRole", "role": "customer" });
        let mut related = related;
        related["partyOrPartyRole"] = party;
        let value = json!({ "@type": "PartyInteraction", "relatedParty": [related] });
        is_valid(v5::operations::SCHEMAS, "PartyInteraction_MVO", &value)
    };
    assert!(party(json!({ "@type": "PartyRef", "id": "1" })));
    assert!(!party(json!({ "@type": "PartyRef", "id": 1 })), "a known tag selects its schema");
    assert!(party(json!({ "@type": "Alien", "id": 1 })), "an unknown tag is an extension");
}

#[test]
fn v4_judges_by_the_document() {
    let patch = |value: Value| is_valid(v4::operations::SCHEMAS, "PartyInteraction_Update", &value);
    assert!(patch(json!({ "status": "anything" })));
    assert!(!patch(json!({ "relatedParty": [{ "id": "1", "href": "x" }] })), "@referredType");
}
