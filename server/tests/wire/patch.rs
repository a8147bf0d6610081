//! PATCH by its four media types, through both versions (TMF630 "PATCH").

use crate::client::{Request, Response, Server, V4, V5};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

const JSON_PATCH: &str = "application/json-patch+json";
const JSON_PATCH_QUERY: &str = "application/json-patch-query+json";

const INTERACTION: &str = r#""reason":"bill","n":0.10,
    "note":[{"@type":"Note","id":"1","author":"John Doe","text":"a"},{"@type":"Note","id":"2","author":"Mary","text":"b"},
            {"@type":"Note","id":"3","author":"John Doe","text":"c"}],
    "relatedParty":[{"@type":"RelatedPartyOrPartyRole","role":"customer",
                     "partyOrPartyRole":{"@type":"PartyRef","id":"42","name":"Jane"}}]"#;

async fn patch(server: &Server, base: &str, id: &str, media_type: &str, body: &str) -> Response {
    let request = Request::new("PATCH", base, id).header("Content-Type", media_type);
    server.send(request.body(&body.replace('\'', "\""))).await
}

#[tokio::test]
async fn each_media_type_through_each_version() {
    for base in [V4, V5] {
        let server = Server::start().await;
        let id = server.create(INTERACTION).await;
        for (media_type, body, pointer, expected) in [
            ("application/json", "{'reason':'x'}", "/reason", json!("x")),
            ("application/merge-patch+json", "{'reason':'y'}", "/reason", json!("y")),
            (
                JSON_PATCH,
                "[{'op':'test','path':'/reason','value':'y'},{'op':'replace','path':'/reason','value':'z'}]",
                "/reason",
                json!("z"),
            ),
            (
                JSON_PATCH_QUERY,
                "[{'op':'delete','path':'/note?note.author=John Doe'}]",
                "/note/0/id",
                json!("2"),
            ),
            (
                JSON_PATCH_QUERY,
                "[{'op':'replace','path':'/note/text?note.author=Mary','value':'new'}]",
                "/note/0/text",
                json!("new"),
            ),
        ] {
            let response = patch(&server, base, &id, media_type, body).await;
            assert_eq!(response.status, 200, "{}", response.body);
            assert_eq!(response.json().pointer(pointer), Some(&expected), "{base} {body}");
            assert_eq!(server.get(base, &id).await, response.json());
            assert!(response.body.contains("0.10"), "{}", response.body);
        }
    }
}

#[tokio::test]
async fn a_patch_works_on_what_its_version_shows() {
    let server = Server::start().await;
    let id = server.create(INTERACTION).await;
    let body = "[{'op':'replace','path':'/relatedParty/name?relatedParty.id=42','value':'Janet'}]";
    let response = patch(&server, V4, &id, JSON_PATCH_QUERY, body).await;
    assert_eq!(response.status, 200, "{}", response.body);
    let inner = server.get(V5, &id).await["relatedParty"][0]["partyOrPartyRole"].clone();
    assert_eq!(inner, json!({ "@type": "PartyRef", "id": "42", "name": "Janet" }));
    let missing = patch(&server, V5, &id, JSON_PATCH_QUERY, body).await.error(400);
    assert!(missing.contains("nothing is selected"), "{missing}");
}

#[tokio::test]
async fn what_a_patch_may_not_do() {
    for base in [V4, V5] {
        let server = Server::start().await;
        let id = server.create(INTERACTION).await;
        let before = server.get(base, &id).await;
        for (body, complaint) in [
            (
                "[{'op':'replace','path':'/id','value':'x'},{'op':'remove','path':'/direction'}]",
                "cannot be changed: id, direction",
            ),
            ("[{'op':'move','from':'/href','path':'/x'}]", "cannot be changed: href"),
            (
                "[{'op':'replace','path':'/creationDate','value':'2020-01-01T00:00:00Z'}]",
                "cannot be changed: creationDate",
            ),
            ("[{'op':'add','path':'/@type','value':'Mine'}]", "cannot be changed: @type"),
            ("[{'op':'replace','path':'/reason','value':1}]", "/reason is not of type"),
            ("[{'op':'add','path':'/note/-','value':1}]", "/note/3 is not of type"),
            ("[{'op':'replace','path':'','value':[]}]", "not a JSON object"),
            (
                "[{'op':'remove','path':'/note/7'}]",
                "operation [0], `remove` `/note/7`: there is no",
            ),
            (
                "[{'op':'add','path':'/a','value':1},{'op':'test','path':'/a','value':2}]",
                "operation [1], `test` `/a`: the value there is another",
            ),
            ("[{'op':'add','path':'/a'}]", "`value` is missing"),
            ("[{'op':'delete','path':'/note'}]", "/0/op "),
            ("[{'path':'/note'}]", "/0/op is required"),
            ("{'op':'remove','path':'/note'}", "is not of type \"array\""),
            ("[{'op':'remove','path':'/note','path':'/n'}]", "`/0/path` appears twice"),
        ] {
            let message = patch(&server, base, &id, JSON_PATCH, body).await.error(400);
            assert!(message.contains(complaint), "{base} {body}: {message}");
        }
        assert_eq!(server.get(base, &id).await, before);
        let refused = patch(&server, base, &id, "text/plain", "[]").await;
        refused.error(415);
        let taken = &refused.headers["accept-patch"];
        assert_eq!(taken.split(", ").count(), 4, "{taken}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_writers_none_loses_a_note() {
    let server = Arc::new(Server::start().await);
    let id = server.create(r#""reason":"x","note":[]"#).await;
    let mut writers = Vec::new();
    for n in 0..64 {
        let (server, id) = (Arc::clone(&server), id.clone());
        writers.push(tokio::spawn(async move {
            let note = format!("{{'@type':'Note','id':'{n}','text':'x'}}");
            let body = format!("[{{'op':'add','path':'/note/-','value':{note}}}]");
            let base = if n % 2 == 0 { V4 } else { V5 };
            let response = patch(&server, base, &id, JSON_PATCH, &body).await;
            assert_eq!(response.status, 200, "{}", response.body);
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let notes = server.get(V5, &id).await["note"].clone();
    let ids = notes.as_array().unwrap().iter().map(|note| note["id"].as_str().unwrap().to_owned());
    assert_eq!(ids.collect::<BTreeSet<_>>(), (0..64).map(|n| n.to_string()).collect());
    assert_eq!(notes.as_array().unwrap().len(), 64);
}
