//! TM Forum's own v5 notifications are taken as they are.
//!
//! The examples are TM Forum's and not part of this repository; where they are not at hand the test
//! says so and passes.

use std::path::Path;

use serde_json::Value;

use crate::{Listening, hearing};

fn notifications() -> Vec<Value> {
    let file = "../../shared/official-spec/TMF683-Party_Interaction-v5.0.0.oas.yaml";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not at hand", path.display());
        return Vec::new();
    };
    let document: Value = serde_yaml_ng::from_str(&text).unwrap();
    let examples = document["components"]["examples"].as_object().unwrap();
    let bodies = examples.values().map(|example| example["value"].clone());
    let found: Vec<Value> = bodies.filter(|body| body.get("eventType").is_some()).collect();
    assert_eq!(found.len(), 4);
    found
}

#[tokio::test]
async fn the_examples_of_the_document() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    for body in notifications() {
        let response = listening.post(&body).await;
        assert_eq!(response.status(), 204, "{}", response.text().await.unwrap());
        let [event] = &heard.take()[..] else { panic!("{body}") };
        assert_eq!(event.kind().name(), body["eventType"]);
        assert_eq!(event.id(), body["eventId"].as_str());
        let id = event.interaction().and_then(|interaction| interaction.id.as_deref());
        assert_eq!(id, body["event"]["partyInteraction"]["id"].as_str());
        assert_eq!(event.text, body.to_string());
    }
    listening.stop().await;
}
