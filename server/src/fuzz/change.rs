//! A change and its events: an interaction on the first line, a merge patch of it below.

use super::Target;
use super::input::two_objects;
use crate::domain::event::{EventKind, Occasion, events_of_change};
use crate::domain::interaction::{Interaction, Members};
use crate::domain::lifecycle::{Refusal, StatedDates, changed};
use crate::domain::{index, merge_patch};
use serde_json::Value;

const NOW: &str = "2026-01-01T00:00:00.000Z";
/// What is never changed.
const KEPT: [&str; 2] = ["direction", "creationDate"];
/// What the server keeps by itself.
const SERVERS: [&str; 3] = ["status", "statusChangeDate", "lastUpdate"];

pub const CHANGE: Target = Target {
    name: "change",
    words: &[
        "\"status\":\"b\"",
        "\"status\":null",
        "\"direction\":\"in\"",
        "\"creationDate\":\"2024-01-01\"",
        "\"statusChangeDate\":\"2024-01-01T00:00:00Z\"",
        "\"lastUpdate\":1",
        "\"@type\":\"PartyInteraction\"",
        "\"@type\":\"Mine\"",
        "\"@baseType\":\"PartyInteraction\"",
        "\"n\":1.0",
        "\"n\":1e0",
        "null",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
    ],
    judge,
};

fn judge(bytes: &[u8]) {
    let Some((before, patch)) = two_objects(bytes) else { return };
    for stated in [StatedDates::Kept, StatedDates::Overruled] {
        let mut after = before.clone();
        merge_patch::apply(&mut after, patch.clone());
        let wanted = after.clone();
        match changed(&before, after, NOW, stated) {
            Err(refusal) => {
                let Refusal::Immutable { members } = refusal else { panic!("{refusal}") };
                assert!(members.iter().any(|name| before.get(*name) != wanted.get(*name)));
            }
            Ok(None) => assert!(!differs(&before, &wanted), "a change that is not made"),
            Ok(Some(change)) => {
                for name in KEPT {
                    let instant = name == "creationDate" && wanted.get(name) != before.get(name);
                    assert!(change.members.get(name) == before.get(name) || instant, "{name}");
                }
                assert_eq!(change.members["lastUpdate"], NOW);
                assert_eq!(!change.attributes.is_empty(), differs(&before, &wanted));
                assert_eq!(change.status, before.get("status") != wanted.get("status"));
                let text = Value::Object(change.members.clone()).to_string();
                let interaction =
                    Interaction { id: "1".into(), version: 2, foreign_href: None, text };
                let occasion = Occasion { time: NOW, correlation_id: None };
                let events = events_of_change(&interaction, &change, occasion, || "e".into());
                let told = |kind| events.iter().any(|event| event.kind == kind);
                assert_eq!(told(EventKind::StatusChange), change.status);
                assert_eq!(told(EventKind::AttributeValueChange), !change.attributes.is_empty());
                assert!(events.iter().all(|event| event.document == interaction.text));
                assert_eq!(interaction.members().unwrap(), change.members);
                index::keys(&change.members);
            }
        }
    }
}

/// Whether members that are not the server's differ.
fn differs(one: &Members, other: &Members) -> bool {
    let names = one.keys().chain(other.keys()).filter(|name| !SERVERS.contains(&name.as_str()));
    let mut names = names.filter(|name| !KEPT.contains(&name.as_str()));
    names.any(|name| one.get(name) != other.get(name))
}
