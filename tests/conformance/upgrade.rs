//! A database of the first release is brought up to date on start, and serves what it held. That a
//! newer one is refused is told in `command_line.rs`.

use harness::{APIS, Api, ServerProcess};
use reqwest::Method;
use rusqlite::{Connection, params};
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

/// The first migration, which no release ever changes.
const FIRST: &str = include_str!("../../server/src/store/sqlite/migrations/0001_initial.sql");
/// The mark of our databases: "TMFi".
const APPLICATION_ID: i32 = 0x544D_4669;

const ID: &str = "01890000-0000-7000-8000-000000000001";
const VERSION: i64 = 1_700_000_000_000_000;
const DOCUMENT: &str = r#"{"@type":"PartyInteraction","direction":"inbound","reason":"bill","relatedChannel":[{"@type":"RelatedChannel","role":"creation","channel":{"@type":"ChannelRef","id":"7","href":"https://host.example/channel/7","name":"phone"}}],"interactionDate":{"startDateTime":"2023-11-14T22:13:20Z"},"score":{"n":1e3},"status":"opened","creationDate":"2023-11-14T22:13:20Z","statusChangeDate":"2023-11-14T22:13:20Z","lastUpdate":"2023-11-14T22:13:20Z"}"#;

/// What the first release would have left behind after one create and one POST /hub.
fn first_release(path: &Path) {
    let sql = Connection::open(path).unwrap();
    sql.execute_batch(FIRST).unwrap();
    sql.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    let insert = "INSERT INTO interaction (id, version, document) VALUES (?1, ?2, ?3)";
    sql.execute(insert, params![ID, VERSION, DOCUMENT]).unwrap();
    // Numbers from domain::index: status, direction, reason, and the id of the channel.
    for (path, value) in [(3, "opened"), (4, "inbound"), (5, "bill"), (14, "7")] {
        let insert = "INSERT INTO attribute (path, value, seq) VALUES (?1, ?2, 1)";
        sql.execute(insert, params![path, value]).unwrap();
    }
    let microseconds = VERSION;
    for path in 6..=9 {
        let insert = "INSERT INTO attribute (path, value, seq) VALUES (?1, ?2, 1)";
        sql.execute(insert, params![path, microseconds]).unwrap();
    }
    // No first release made this one; it stands for rules that have changed since.
    sql.execute("INSERT INTO attribute (path, value, seq) VALUES (5, 'sale', 1)", []).unwrap();
    for path in ["score", "score.n"] {
        sql.execute("INSERT INTO extension_path (path) VALUES (?1)", [path]).unwrap();
    }
    let event = "INSERT INTO outbox (event_id, kind, interaction_id, time, document)
                 VALUES ('e', 'PartyInteractionCreateEvent', ?1, '2023-11-14T22:13:20Z', ?2)";
    sql.execute(event, params![ID, DOCUMENT]).unwrap();
    let subscription = "INSERT INTO subscription (id, api_version, callback, created_at)
                        VALUES ('s', 'v5', 'https://host.example/listener', '2023-11-14T22:13:20Z')";
    sql.execute(subscription, []).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_first_release_serves_what_it_held() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("first.db");
    first_release(&path);
    // Twice: the second start finds the work done.
    for _ in 0..2 {
        let mut server = ServerProcess::start(&path).await;
        let v5 = server.through(Api::V5).await;
        let read = v5.read(ID).await.is(200);
        assert!(read.text.ends_with(&DOCUMENT[1..]), "{read}");
        assert_eq!(read.header("etag"), format!("\"{VERSION}\""));
        for api in APIS {
            let caller = server.through(api).await;
            let channel =
                format!("{}{}", api.channels(), if api == Api::V5 { ".channel" } else { "" });
            for query in [
                "status=opened&reason=bill&direction=inbound".to_owned(),
                format!("{channel}.id=7"),
                "creationDate.gte=2023-11-14T22:13:20Z&lastUpdate.lt=2023-11-15".to_owned(),
                "score.n=1000".to_owned(),
            ] {
                let list = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
                assert_eq!(list.ids(), [ID], "{api} {query}");
            }
        }
        assert!(v5.get("/partyInteraction?reason=sale").await.is(200).ids().is_empty());
        server.terminate();
        assert_eq!(server.wait().await, Some(0));
    }
    let server = ServerProcess::start(&path).await;
    let v5 = server.through(Api::V5).await;
    v5.post("/hub", &v5.api.subscription("https://host.example/listener")).await.is(409);
    let post = || {
        let call = v5.call(Method::POST, "/partyInteraction").header("idempotency-key", "k");
        call.body("application/json", v5.api.sample("new").to_string())
    };
    assert_eq!(post().send().await.is(201).id(), post().send().await.is(201).id());
    v5.patch(ID, &json!({ "status": "closed" })).await.is(200);
    assert!(v5.get("/partyInteraction?status=opened&reason=bill").await.is(200).ids().is_empty());
    v5.delete(&format!("/partyInteraction/{ID}")).await.is(204);
    v5.delete("/hub/s").await.is(204);
}
