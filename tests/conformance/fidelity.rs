//! What a client sent comes back to the letter: spellings of numbers and timestamps, unknown members
//! at every level, extension `@type`s; through either version, in either view, and after a patch of
//! something else. (DESIGN D3)

use harness::{APIS, Answer, Api, Caller, TestServer, Version, shows};
use serde_json::{Value, json};

/// Spellings of JSON values that careless parsers respell.
const SPELLINGS: [&str; 22] = [
    "0.10",
    "1e3",
    "1E3",
    "1E+3",
    "1e+3",
    "1e-3",
    "2.50E-07",
    "-0",
    "-0.0",
    "0.0",
    "100",
    "1.0",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "12345678901234567890.12345678901234567890",
    "1e400",
    "-1e-400",
    r#""2020-10-02T13:36:18.1+02:00""#,
    r#""2020-10-02T11:36:18Z""#,
    r#""2020-10-02t11:36:18.100000000z""#,
    r#""1E5""#,
];

/// Every way to look at an interaction.
async fn views(server: &TestServer, id: &str) -> Vec<Answer> {
    let mut views = Vec::new();
    for api in APIS {
        let caller = server.through(api).await;
        views.push(caller.read(id).await.is(200));
        views.push(caller.get("/partyInteraction").await.is(200));
    }
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_survive_in_every_view_and_after_a_patch() {
    for api in APIS {
        shows!(api, ["type.spelling"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let members: Vec<_> = SPELLINGS.iter().enumerate().collect();
        let members: Vec<_> = members.iter().map(|(n, text)| format!("\"m{n}\":{text}")).collect();
        let extension = format!("{{{},\"all\":[{}]}}", members.join(","), SPELLINGS.join(","));
        let sample = api.sample("call").to_string();
        let body = format!("{},\"spelt\":{extension}}}", sample.strip_suffix('}').unwrap());
        let made = caller.post_text("/partyInteraction", body).await.is(201);
        let spelt = format!("\"spelt\":{extension}");
        assert!(made.text.contains(&spelt), "{made}");
        for view in views(&server, &made.id()).await {
            assert!(view.text.contains(&spelt), "{view}");
        }
        for patching in [Api::V4, Api::V5] {
            let patching = server.through(patching).await;
            let patch = json!({"description": format!("by {}", patching.api)});
            patching.patch(&made.id(), &patch).await.is(200);
            for view in views(&server, &made.id()).await {
                assert!(view.text.contains(&spelt), "{view}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_survive_in_members_of_the_document() {
    for api in APIS {
        shows!(api, ["type.spelling"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let attachment = r#""attachment":[{"@type":"Attachment","attachmentType":"scan","mimeType":"image/png","size":{"amount":0.10,"units":"MB"}}]"#;
        let mut sample = api.sample("call");
        let period = r#""interactionDate":{"startDateTime":"2020-10-02T13:36:18.1+02:00","endDateTime":"2020-10-02T11:53:21.78900Z"}"#;
        sample.as_object_mut().unwrap().remove("interactionDate");
        let sample = sample.to_string();
        let body = format!("{},{attachment},{period}}}", sample.strip_suffix('}').unwrap());
        let made = caller.post_text("/partyInteraction", body).await.is(201);
        for patch in [json!({}), json!({"status": "x"}), json!({"note": []})] {
            caller.patch(&made.id(), &patch).await.is(200);
            for view in views(&server, &made.id()).await {
                assert!(view.text.contains(period), "{view}");
                assert!(view.text.contains(r#""size":{"amount":0.10,"units":"MB"}"#), "{view}");
            }
        }
        server.stop().await;
    }
}

/// A body with an unknown member in every object, and an extension `@type` where one may be.
fn extended(api: Api) -> Value {
    let mut body = api.sample("call");
    body["note"] = json!([api.note("1", "x")]);
    let mut item = json!({"id": "1", "reason": "r"});
    let mut relationship =
        json!({"id": "2", "href": "https://x.example", "relationshipType": "parent"});
    let mut attachment = json!({"id": "3", "attachmentType": "scan", "mimeType": "image/png"});
    if api.version == Version::V5 {
        item["@type"] = json!("InteractionItem");
        relationship["@type"] = json!("InteractionRelationship");
        attachment["@type"] = json!("Attachment");
    }
    item["note"] = json!([api.note("2", "y")]);
    item[api.channels()] = json!([api.channel("8", "App")]);
    body["interactionItem"] = json!([item]);
    body["interactionRelationship"] = json!([relationship]);
    body["attachment"] = json!([attachment, {"@type": "HoloScan", "layers": [[1], []]}]);
    extend(&mut body, &mut 0);
    body
}

fn extend(value: &mut Value, count: &mut usize) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|member| extend(member, count));
            *count += 1;
            members.insert(format!("x-{count}"), json!({"a": [null, *count], "b": {}}));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| extend(item, count)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_members_survive_at_every_level() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["type.extensions"]);
        let caller = server.through(api).await;
        let body = extended(api);
        let made = caller.create(&body).await;
        keeps(&body, &made);
        // Patches of something else, through both versions, leave all of it as it was.
        for patching in [Api::V5, Api::V4] {
            let patch = json!({"status": format!("seen by {}", patching.base), "y": 1});
            server.through(patching).await.patch(&made.id(), &patch).await.is(200);
            let mut expected = body.clone();
            expected["status"] = patch["status"].clone();
            keeps(&expected, &caller.read(&made.id()).await.is(200));
        }
    }
    server.stop().await;
}

/// Every member sent is in the answer, unchanged.
#[track_caller]
fn keeps(sent: &Value, answer: &Answer) {
    let got = answer.json();
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(got.get(name), Some(value), "{name}: {answer}");
    }
}

/// What the official examples carry beside the documents, in a body of our own.
#[tokio::test(flavor = "multi_thread")]
async fn the_slips_of_the_official_examples_are_accepted_and_kept() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["create.free-status", "create.examples"]);
        let caller = server.through(api).await;
        let mut body = api.sample("call");
        body["direction"] = json!("inbounds");
        body["status"] = json!("ongoing");
        body["lastUpdateDate"] = json!("2020-10-02T11:53:21.789Z");
        let mut party = json!({"id": "14", "href": "https://host.example/14", "name": "Mary",
            "@type": "PArtyRef", "@referredType": "Individual"});
        if api.version == Version::V5 {
            party = json!({"@type": "RelatedPartyOrPartyRole", "role": "agent",
                "partyOrPartyRole": party});
        }
        body["relatedParty"] = json!([party]);
        let made = caller.create(&body).await;
        keeps(&body, &made);
        keeps(&body, &caller.read(&made.id()).await.is(200));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_of_what_type_things_are_comes_back() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["type.metadata"]);
        let caller = server.through(api).await;
        let mut body = api.sample("call");
        let described = |type_: &str, base: &str| {
            json!({"@type": type_, "@baseType": base,
                "@schemaLocation": format!("https://host.example/{type_}.json")})
        };
        extend_by(&mut body, &described("StoreVisit", "PartyInteraction"));
        body["note"] = json!([api.note("1", "x")]);
        extend_by(&mut body["note"][0], &described("Note", "Entity"));
        let mut relationship = json!({"id": "2", "href": "https://host.example/2",
            "relationshipType": "parent", "@referredType": "PartyInteraction"});
        extend_by(&mut relationship, &described("InteractionRelationship", "Entity"));
        body["interactionRelationship"] = json!([relationship]);
        let made = caller.create(&body).await;
        keeps(&body, &made);
        keeps(&body, &caller.read(&made.id()).await.is(200));
    }
    server.stop().await;
}

fn extend_by(value: &mut Value, more: &Value) {
    let more = more.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(more);
}

/// TM Forum's own v5 document, where it is at hand. It is not ours to carry along.
fn official_v5() -> Option<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/official-spec/TMF683-Party_Interaction-v5.0.0.oas.yaml"
    );
    match std::fs::read_to_string(path) {
        Ok(text) => Some(serde_yaml_ng::from_str(&text).unwrap()),
        Err(error) => {
            println!("skipped, TM Forum's document is not here: {path}: {error}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn official_examples_are_accepted_and_come_back() {
    let Some(document) = official_v5() else { return };
    let example = |name: &str| {
        let name = format!("Party_Interaction_{name}_request");
        document["components"]["examples"][name]["value"].clone()
    };
    let server = TestServer::start().await;
    let caller = server.through(Api::V5).await;
    let body = example("create_example");
    let made = caller.create(&body).await;
    keeps(&body, &made);
    for (name, media_type) in [
        ("partialupdate_example_application_json", "application/json"),
        ("partialupdate_example_merge_patch_json", "application/merge-patch+json"),
    ] {
        let patch = example(name);
        assert!(patch.is_object(), "{name}");
        let after = official_patch(&caller, &made.id(), media_type, &patch).await;
        let mut expected = body.clone();
        expected["description"] = patch["description"].clone();
        keeps(&expected, &after);
    }
    // Answers of others, with members a server sets, are taken as they are too.
    let answer = example_of_an_answer(&document);
    let mut expected = answer.clone();
    for name in ["id", "href", "creationDate", "statusChangeDate"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    keeps(&expected, &caller.create(&answer).await);
    // What v5 took, v4 can show, though v5's channel needs no `href` and v4's does.
    let v4 = server.through(Api::V4).await.tolerating(&["href"]);
    let v4 = v4.read(&made.id()).await.is(200);
    assert_eq!(v4.member("/channel/0/name"), "Madrid Gran Store", "{v4}");
    server.stop().await;
}

fn example_of_an_answer(document: &Value) -> Value {
    let name = "Party_Interaction_partialupdate_example_application_json_response";
    document["components"]["examples"][name]["value"].clone()
}

async fn official_patch(caller: &Caller, id: &str, media_type: &str, patch: &Value) -> Answer {
    let call = caller.call(reqwest::Method::PATCH, &format!("/partyInteraction/{id}"));
    call.body(media_type, patch.to_string()).send().await.is(200)
}
