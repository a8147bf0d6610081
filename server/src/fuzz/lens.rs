//! The laws of the lens (`domain::lens`) over any JSON: what is stored on the first line, a v4
//! document below.

use super::Target;
use super::input::two_objects;
use crate::domain::interaction::Members;
use crate::domain::lens::{get, put};
use serde_json::Value;

pub const LENS: Target = Target {
    name: "lens",
    words: &[
        "\"relatedChannel\":",
        "\"channel\":",
        "\"relatedParty\":",
        "\"partyOrPartyRole\":",
        "\"interactionItem\":",
        "\"item\":",
        "\"entity\":",
        "\"note\":",
        "\"attachment\":",
        "\"@type\":\"PartyRef\"",
        "\"@type\":\"ChannelRef\"",
        "\"@type\":\"PartyInteraction\"",
        "\"@type\":\"Mine\"",
        "\"@type\":null",
        "\"@baseType\":\"X\"",
        "\"role\":\"r\"",
        "\"id\":\"1\"",
        "\"url\":\"u\"",
        "\"x\":1e3",
        "{",
        "}",
        "[",
        "]",
        ",",
        "null",
        "{},",
        "[[]]",
        "\n",
    ],
    judge,
};

fn judge(bytes: &[u8]) {
    let Some((stored, view)) = two_objects(bytes) else { return };
    let again = put(Some(&stored), get(&stored)).map(text);
    assert_eq!(again, Ok(text(stored.clone())), "put(s, get(s)) == s");
    for stored in [None, Some(&stored)] {
        match put(stored, view.clone()) {
            Ok(canonical) => assert_eq!(get(&canonical), view, "get(put(s, v)) == v"),
            Err(refused) => assert!(refused.to_string().contains("relatedChannel"), "{refused}"),
        }
    }
}

fn text(members: Members) -> String {
    Value::Object(members).to_string()
}
