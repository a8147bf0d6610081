//! The laws of the lens over random documents, and the table of D4 by example.

use super::{LensError, get, paths_to_canonical, put};
use crate::domain::interaction::Members;
use crate::domain::json;
use proptest::prelude::*;
use serde_json::Value;

/// Which documents are drawn: v4 ones must not use v5's name of a v4 member.
#[derive(Clone, Copy)]
enum Version {
    V4,
    Canonical,
}

static ARRAYS: [&str; 6] =
    ["relatedChannel", "channel", "relatedParty", "interactionItem", "note", "attachment"];
static OBJECTS: [&str; 4] = ["item", "entity", "partyOrPartyRole", "channel"];
static OTHERS: [&str; 12] = [
    "id",
    "href",
    "name",
    "role",
    "@baseType",
    "@schemaLocation",
    "@referredType",
    "content",
    "vip",
    "lastUpdate",
    "externalIdentifier",
    "interactionRelationship",
];
static TYPES: [&str; 10] = [
    "PartyInteraction",
    "InteractionItem",
    "ChannelRef",
    "PartyRef",
    "EntityRef",
    "Entity",
    "Note",
    "Attachment",
    "AttachmentRef",
    "Mine",
];
static SPELLINGS: [&str; 8] =
    ["0", "-0", "1", "1.0", "1.00", "1e3", "1E3", "12345678901234567890123"];

fn scalar() -> BoxedStrategy<Value> {
    let parse = |text: &str| json::parse(text.as_bytes(), json::Limits::default()).unwrap();
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(&SPELLINGS[..]).prop_map(parse),
        prop::sample::select(&["", "a", "b"][..]).prop_map(Value::from),
    ]
    .boxed()
}

/// Objects whose members mostly have the shape their name promises, and collide often. Mostly the
/// `@type`s are defaults of some place, and stand anywhere.
fn document(version: Version, depth: u32) -> BoxedStrategy<Members> {
    let arrays = match version {
        Version::V4 => &ARRAYS[1..],
        Version::Canonical => &ARRAYS[..],
    };
    let inner = if depth == 0 {
        scalar()
    } else {
        prop_oneof![1 => scalar(), 9 => document(version, depth - 1).prop_map(Value::Object)]
            .boxed()
    };
    let any = prop_oneof![4 => scalar(), 1 => inner.clone()];
    let many = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array);
    let several = prop_oneof![9 => many.clone(), 1 => any.clone()];
    let types = prop::sample::select(&TYPES[..]).prop_map(Value::from);
    let types = prop_oneof![9 => types, 1 => any.clone()];
    let other = prop_oneof![4 => any, 1 => many];
    let member = prop_oneof![
        3 => (prop::sample::select(arrays), several),
        2 => (prop::sample::select(&OBJECTS[..]), inner),
        2 => (Just("@type"), types),
        4 => (prop::sample::select(&OTHERS[..]), other),
    ];
    prop::collection::vec(member, 0..6)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        .boxed()
}

/// What an editor makes of `one` who has seen `other`: members and elements of both, by the dice.
fn edited(one: Value, other: &Value, dice: &mut impl Iterator<Item = bool>) -> Value {
    let mut toss = || dice.next().unwrap_or(false);
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut mixed = Members::new();
            for (name, value) in one {
                let value = match other.get(&name) {
                    Some(changed) => edited(value, changed, dice),
                    None => value,
                };
                if dice.next().unwrap_or(true) {
                    mixed.insert(name, value);
                }
            }
            for (name, value) in other {
                if dice.next().unwrap_or(false) {
                    mixed.entry(name).or_insert(value.clone());
                }
            }
            Value::Object(mixed)
        }
        (Value::Array(mut one), Value::Array(other)) => {
            if toss() {
                one.reverse();
            }
            let kept = one.into_iter().enumerate().map(|(at, element)| match other.get(at) {
                Some(changed) => edited(element, changed, dice),
                None => element,
            });
            let mut kept: Vec<Value> = kept.collect();
            if dice.next().unwrap_or(false) {
                kept.extend(other.iter().cloned());
            }
            Value::Array(kept)
        }
        (one, other) => {
            if toss() {
                other.clone()
            } else {
                one
            }
        }
    }
}

proptest! {
    #[test]
    fn put_then_get(view in document(Version::V4, 3)) {
        let canonical = put(None, view.clone()).unwrap();
        prop_assert_eq!(get(&canonical), view, "through {}", Value::from(canonical));
    }

    #[test]
    fn put_over_anything_then_get(stored in document(Version::Canonical, 4), view in document(Version::V4, 3)) {
        let canonical = put(Some(&stored), view.clone()).unwrap();
        prop_assert_eq!(get(&canonical), view, "through {}", Value::from(canonical));
    }

    #[test]
    fn put_an_edited_view_then_get(
        stored in document(Version::Canonical, 4),
        other in document(Version::V4, 3),
        dice in prop::collection::vec(any::<bool>(), 0..80),
    ) {
        let view = edited(get(&stored).into(), &other.into(), &mut dice.into_iter());
        let view = view.as_object().cloned().unwrap_or_default();
        let canonical = put(Some(&stored), view.clone()).unwrap();
        prop_assert_eq!(get(&canonical), view, "through {}", Value::from(canonical));
    }

    #[test]
    fn get_then_put(stored in document(Version::Canonical, 4)) {
        let again = put(Some(&stored), get(&stored)).unwrap();
        prop_assert_eq!(Value::from(again).to_string(), Value::from(stored).to_string());
    }
}

fn members(text: &str) -> Members {
    json::reread(text).unwrap()
}

/// A fresh v4 document, and what is stored.
#[track_caller]
fn check(v4: &str, canonical: &str) {
    let stored = put(None, members(v4)).unwrap();
    assert_eq!(Value::from(stored.clone()).to_string(), canonical);
    assert_eq!(get(&stored), members(v4));
}

#[test]
fn wrappers() {
    check(
        r#"{"channel":[{"id":"c","name":"Shop","role":"origin"}]}"#,
        r#"{"relatedChannel":[{"channel":{"id":"c","name":"Shop","@type":"ChannelRef"},"role":"origin","@type":"RelatedChannel"}],"@type":"PartyInteraction"}"#,
    );
    check(
        r#"{"relatedParty":[{"@type":"PartyRef","role":"x"},{"role":"y"},{}]}"#,
        r#"{"relatedParty":[{"partyOrPartyRole":{"@type":"PartyRef"},"role":"x","@type":"RelatedPartyOrPartyRole"},{"role":"y","@type":"RelatedPartyOrPartyRole"},{"@type":"RelatedPartyOrPartyRole"}],"@type":"PartyInteraction"}"#,
    );
    check(
        r#"{"interactionItem":[{"item":{"id":"1","@type":"EntityRef"},"relatedParty":[{"id":"p"}]}]}"#,
        r#"{"interactionItem":[{"item":{"entity":{"@type":"EntityRef","id":"1"},"@type":"RelatedEntityRefOrValue"},"relatedParty":[{"partyOrPartyRole":{"id":"p","@type":"PartyRef"},"@type":"RelatedPartyRefOrPartyRoleRef"}],"@type":"InteractionItem"}],"@type":"PartyInteraction"}"#,
    );
}

#[test]
fn attachments_by_value_and_by_reference() {
    check(
        r#"{"attachment":[{"id":"1"},{"id":"1","url":"u"},{"url":"u","@referredType":"A"},{}],"note":[{"text":"n"}]}"#,
        r#"{"attachment":[{"id":"1","@type":"AttachmentRef"},{"id":"1","url":"u","@type":"Attachment"},{"url":"u","@referredType":"A","@type":"AttachmentRef"},{}],"note":[{"text":"n","@type":"Note"}],"@type":"PartyInteraction"}"#,
    );
}

#[test]
fn what_v4_cannot_show_stays() {
    let stored = members(
        r#"{"@type":"PartyInteraction","channel":"hidden","relatedParty":[
            {"@type":"Mine","vip":true,"role":"a","partyOrPartyRole":{"@type":"PartyRef","id":"1","role":"inner"}},
            {"partyOrPartyRole":{"id":"2","name":"in"},"name":"out"}]}"#,
    );
    let mut view = get(&stored);
    let parties =
        r#"[{"id":"2","name":"in!"},{"vip":false,"role":"b","@type":"PartyRef","id":"1"}]"#;
    view["relatedParty"] = serde_json::from_str(parties).unwrap();
    let expected = members(
        r#"{"@type":"PartyInteraction","channel":"hidden","relatedParty":[
            {"@type":"RelatedPartyOrPartyRole","name":"out",
             "partyOrPartyRole":{"id":"2","name":"in!","@type":"PartyRef"}},
            {"@type":"Mine","vip":false,"role":"b",
             "partyOrPartyRole":{"@type":"PartyRef","id":"1","role":"inner"}}]}"#,
    );
    assert_eq!(put(Some(&stored), view), Ok(expected));
}

#[test]
fn names_v4_has_no_use_for() {
    let refused = |text| put(None, members(text)).unwrap_err();
    let taken = |pointer: &str| LensError::NameTaken { pointer: pointer.to_owned(), v4: "channel" };
    assert_eq!(refused(r#"{"relatedChannel":[]}"#), taken("/relatedChannel"));
    assert_eq!(
        refused(r#"{"interactionItem":[{},{"relatedChannel":1}]}"#),
        taken("/interactionItem/1/relatedChannel")
    );
}

#[test]
fn paths() {
    for (v4, canonical) in [
        ("status", "status"),
        ("channel", "relatedChannel"),
        ("channel.role", "relatedChannel.role"),
        ("channel.id", "relatedChannel.channel.id relatedChannel.id"),
        ("channel.channel", "relatedChannel.channel.channel"),
        ("relatedParty.@type", "relatedParty.partyOrPartyRole.@type"),
        ("relatedParty.a.b", "relatedParty.partyOrPartyRole.a.b relatedParty.a.b"),
        ("interactionItem.item.id", "interactionItem.item.entity.id interactionItem.item.id"),
        ("interactionItem.channel.role", "interactionItem.relatedChannel.role"),
        ("note.channel", "note.channel"),
        ("relatedChannel.role", ""),
        ("interactionItem.relatedChannel.role", ""),
    ] {
        let path: Vec<String> = v4.split('.').map(str::to_owned).collect();
        let got: Vec<String> = paths_to_canonical(&path).iter().map(|p| p.join(".")).collect();
        assert_eq!(got.join(" "), canonical, "{v4}");
    }
}
