//! The models keep what they are given: spellings, unknown members, unknown tags and values.

use serde_json::{Value, json};
use tmf683_generated::timestamp::Timestamp;
use tmf683_generated::{v4, v5};

#[test]
fn what_is_read_is_written() {
    let text = concat!(
        r#"{"@type":"PartyInteraction","creationDate":"2024-02-29T12:00:00.10+02:00","#,
        r#""note":[],"relatedParty":[{"partyOrPartyRole":{"@type":"Alien","legs":0.10}},"#,
        r#"{"partyOrPartyRole":{"@type":"PartyRef","id":"1","legs":1e3}}],"#,
        r#""attachment":[{"@type":"Attachment","size":{"amount":12345678901234567890.50}}],"#,
        r#""ours":{"deep":[12345678901234567890123,null,""]}}"#,
    );
    let typed: v5::types::PartyInteraction = serde_json::from_str(text).unwrap();
    let written = serde_json::to_string(&typed).unwrap();
    let (sent, kept): (Value, Value) =
        (serde_json::from_str(text).unwrap(), serde_json::from_str(&written).unwrap());
    assert_eq!(sent, kept);
    for spelling in ["0.10", "12345678901234567890.50", "12345678901234567890123"] {
        assert!(written.contains(spelling), "{spelling} in {written}");
    }
}

#[test]
fn a_tag_selects_and_an_unknown_one_is_kept() {
    let read = |value: Value| serde_json::from_value::<v5::types::PartyOrPartyRole>(value);
    let known = read(json!({ "@type": "PartyRef", "id": "1" })).unwrap();
    assert!(
        matches!(known, v5::types::PartyOrPartyRole::PartyRef(party) if party.id.as_deref() == Some("1"))
    );
    for other in [json!({ "@type": "Alien" }), json!({ "id": "1" }), json!({ "@type": 1 })] {
        assert!(matches!(read(other), Ok(v5::types::PartyOrPartyRole::Other(_))));
    }
    assert!(read(json!({ "@type": "PartyRef", "id": 1 })).is_err(), "no guessing");
    assert!(read(json!("PartyRef")).is_err());
}

#[test]
fn a_new_value_knows_its_own_tag() {
    let create = v5::types::PartyInteractionFvo {
        reason: Some("question".to_owned()),
        related_party: Some(vec![v5::types::RelatedPartyOrPartyRoleFvo {
            party_or_party_role: Some(
                v5::types::PartyRefFvo { id: Some("1".to_owned()), ..Default::default() }.into(),
            ),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let expected = json!({
        "@type": "PartyInteraction",
        "reason": "question",
        "relatedParty": [{
            "@type": "RelatedPartyOrPartyRole",
            "partyOrPartyRole": { "@type": "PartyRef", "id": "1" },
        }],
    });
    assert_eq!(serde_json::to_value(&create).unwrap(), expected);
}

#[test]
fn enums_stay_open() {
    let op: v5::types::JsonPatchOp = serde_json::from_value(json!("delete")).unwrap();
    assert_eq!(op, v5::types::JsonPatchOp::Other("delete".to_owned()));
    assert_eq!(serde_json::to_value(&op).unwrap(), json!("delete"));
    assert_eq!(v5::types::JsonPatchOp::from("add"), v5::types::JsonPatchOp::Add);
}

#[test]
fn other_vendors_may_leave_members_out() {
    let lenient = json!({ "id": "1", "channel": [{ "name": "web" }] });
    let read: v4::types::PartyInteraction = serde_json::from_value(lenient).unwrap();
    assert_eq!(read.channel.unwrap()[0].name.as_deref(), Some("web"));
    assert_eq!(read.creation_date, None::<Timestamp>);
}
