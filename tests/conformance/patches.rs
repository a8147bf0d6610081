//! PATCH by operations: JSON Patch, and the one that selects array elements by content. Merge patches
//! are in `lifecycle`. (RFC 6902, TMF630 Part 5)

use harness::{APIS, Answer, Api, Caller, TestServer, Version, shows};
use reqwest::Method;
use serde_json::json;

const JSON_PATCH: &str = "application/json-patch+json";
const JSON_PATCH_QUERY: &str = "application/json-patch-query+json";

/// Three notes, two by John Doe, and two items.
async fn noted(caller: &Caller) -> Answer {
    let api = caller.api;
    let mut body = api.sample("bill");
    let note = |id: &str, author: &str, text: &str| {
        let mut note = api.note(id, text);
        note["author"] = json!(author);
        note
    };
    body["note"] =
        json!([note("1", "John Doe", "a"), note("2", "Mary", "b"), note("3", "John Doe", "c")]);
    let item = |id: &str| json!({"@type": "InteractionItem", "id": id, "reason": "r"});
    body["interactionItem"] = json!([item("1234"), item("5678")]);
    caller.create(&body).await
}

/// Operations are written with `'` for `"`.
async fn patch(caller: &Caller, id: &str, media_type: &str, operations: &str) -> Answer {
    let call = caller.call(Method::PATCH, &format!("/partyInteraction/{id}"));
    call.body(media_type, operations.replace('\'', "\"")).send().await
}

/// The ids of an array of the answer.
fn ids(answer: &Answer, array: &str) -> Vec<String> {
    let ids = answer.json()[array].as_array().unwrap().clone();
    ids.iter().map(|each| each["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_carried_out_in_order() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        for (operations, pointer, expected) in [
            ("[{'op':'add','path':'/note/-','value':NOTE}]", "/note/3/id", json!("4")),
            ("[{'op':'add','path':'/note/0','value':NOTE}]", "/note/1/id", json!("1")),
            ("[{'op':'remove','path':'/note/0'}]", "/note/0/id", json!("2")),
            ("[{'op':'replace','path':'/reason','value':'x'}]", "/reason", json!("x")),
            ("[{'op':'move','from':'/note/0/text','path':'/status'}]", "/status", json!("a")),
            ("[{'op':'copy','from':'/reason','path':'/vip'}]", "/vip", json!("bill")),
            (
                "[{'op':'test','path':'/reason','value':'bill'},{'op':'add','path':'/a~1b','value':1},
                  {'op':'move','from':'/a~1b','path':'/vip'}]",
                "/vip",
                json!(1),
            ),
            ("[]", "/reason", json!("bill")),
        ] {
            let id = noted(&caller).await.id();
            let operations = operations.replace("NOTE", &api.note("4", "d").to_string());
            let after = patch(&caller, &id, JSON_PATCH, &operations).await;
            shows!(api, ["patch.json", "patch.modified"]);
            assert_eq!(after.clone().is(200).member(pointer), expected, "{operations}: {after}");
            assert_eq!(caller.read(&id).await.text, after.text, "{operations}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_are_selected_by_content() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        for (rule, operations, notes, texts, items) in [
            ("query-element", "[{'op':'remove','path':'/note?note.author=John Doe'}]", "2", "b", 2),
            (
                "query-member",
                "[{'op':'replace','path':'/note/text?note.author=John Doe','value':'x'}]",
                "123",
                "xbx",
                2,
            ),
            (
                "query-and",
                "[{'op':'remove','path':'/note?note.author=John Doe&note.text=c'}]",
                "12",
                "ab",
                2,
            ),
            (
                "query-relative",
                "[{'op':'remove','path':'/interactionItem?id=5678'}]",
                "123",
                "abc",
                1,
            ),
            ("query-delete", "[{'op':'delete','path':'/note?note.author=Mary'}]", "13", "ac", 2),
        ] {
            shows!(api, [&format!("patch.{rule}")]);
            let id = noted(&caller).await.id();
            let after = patch(&caller, &id, JSON_PATCH_QUERY, operations).await.is(200);
            assert_eq!(ids(&after, "note").concat(), notes, "{operations}: {after}");
            let told = after.json()["note"].as_array().unwrap().clone();
            let told: String = told.iter().filter_map(|note| note["text"].as_str()).collect();
            assert_eq!(told, texts, "{operations}: {after}");
            assert_eq!(ids(&after, "interactionItem").len(), items, "{operations}: {after}");
        }
    }
    server.stop().await;
}

/// Operations that cannot be carried out, behind one that can, and what the refusal names.
const REFUSED: [(&str, &str, &str, &str); 15] = [
    ("patch.atomic", JSON_PATCH, "{'op':'remove','path':'/note/7'}", "/note/7"),
    ("patch.atomic", JSON_PATCH, "{'op':'test','path':'/reason','value':'x'}", "/reason"),
    ("patch.atomic", JSON_PATCH, "{'op':'replace','path':'/none','value':1}", "/none"),
    ("patch.atomic", JSON_PATCH, "{'op':'add','path':'/vip'}", "value"),
    ("patch.atomic", JSON_PATCH, "{'op':'delete','path':'/note'}", "/op"),
    ("patch.atomic", JSON_PATCH, "{'op':'remove','path':'note'}", "note"),
    ("patch.query-no-match", JSON_PATCH_QUERY, "{'op':'remove','path':'/note?note.id=9'}", "/note"),
    (
        "patch.query-no-match",
        JSON_PATCH_QUERY,
        "{'op':'remove','path':'/note?note.author=Mary&note.text=a'}",
        "/note",
    ),
    ("patch.immutable", JSON_PATCH, "{'op':'replace','path':'/id','value':'x'}", "id"),
    ("patch.immutable", JSON_PATCH, "{'op':'remove','path':'/direction'}", "direction"),
    ("patch.immutable", JSON_PATCH, "{'op':'move','from':'/href','path':'/x'}", "href"),
    ("patch.immutable", JSON_PATCH, "{'op':'remove','path':'/creationDate'}", "creationDate"),
    ("patch.mandatory", JSON_PATCH, "{'op':'remove','path':'/reason'}", "/reason"),
    ("patch.typed", JSON_PATCH, "{'op':'replace','path':'/reason','value':1}", "/reason"),
    ("patch.typed", JSON_PATCH, "{'op':'add','path':'/note/-','value':1}", "/note/3"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_out_changes_nothing() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let before = noted(&caller).await;
        for (rule, media_type, operation, culprit) in REFUSED {
            shows!(api, [rule]);
            let operations = format!("[{{'op':'add','path':'/vip','value':1}},{operation}]");
            let answer = patch(&caller, &before.id(), media_type, &operations).await;
            answer.refuses(400, culprit);
            assert_eq!(caller.read(&before.id()).await.text, before.text, "{operation}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_works_on_what_its_version_shows() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.own-view"]);
        let caller = server.through(api).await;
        let id = noted(&caller).await.id();
        let (own, others) = match api.version {
            Version::V4 => ("relatedParty/0/name", "relatedParty/0/partyOrPartyRole/name"),
            Version::V5 => ("relatedParty/0/partyOrPartyRole/name", "relatedParty/0/name"),
        };
        let replace = |path| format!("[{{'op':'replace','path':'/{path}','value':'Janet'}}]");
        let after = patch(&caller, &id, JSON_PATCH, &replace(own)).await.is(200);
        assert_eq!(after.member(&format!("/{own}")), "Janet", "{after}");
        let v5 = server.through(Api::V5).await.read(&id).await;
        assert_eq!(v5.member("/relatedParty/0/partyOrPartyRole/name"), "Janet", "{v5}");
        patch(&caller, &id, JSON_PATCH, &replace(others)).await.refuses(400, "relatedParty/0");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_keeps_within_its_bounds() {
    let settings = "[limits]\npatch_operations = 2\ndocument_bytes = 4000";
    let server = TestServer::with(settings).await;
    for api in APIS {
        shows!(api, ["patch.bounds"]);
        let caller = server.through(api).await;
        let long = "x".repeat(2500);
        let before = caller.create_sample(&long).await;
        let test = format!("{{'op':'test','path':'/reason','value':'{long}'}}");
        let tests = |count: usize| format!("[{}]", vec![test.as_str(); count].join(","));
        patch(&caller, &before.id(), JSON_PATCH, &tests(2)).await.is(200);
        let answer = patch(&caller, &before.id(), JSON_PATCH, &tests(3)).await;
        answer.refuses(400, "patch_operations");
        let copy = "[{'op':'copy','from':'/reason','path':'/vip'}]";
        let answer = patch(&caller, &before.id(), JSON_PATCH, copy).await;
        answer.refuses(413, "document_bytes");
        let answer = caller.patch(&before.id(), &json!({"description": long})).await;
        answer.refuses(413, "document_bytes");
        assert_eq!(caller.read(&before.id()).await.text, before.text);
    }
    server.stop().await;
}
