//! The embedded client against the real server: it drives, and what it did is read raw and judged by
//! the published document. Shared models would hide shared mistakes, so nothing typed is compared
//! with anything typed but what a program using the client sees.

use futures::TryStreamExt;
use harness::{APIS, Api, TestServer, Version, shows};
use serde_json::{Value, json};
use tmf683_client::{Error, EventQuery, ListQuery};

/// A create body with what is hard to keep in a model: extensions, numbers, an odd timestamp.
fn body(api: Api, reason: &str) -> Value {
    let mut body = api.sample(reason);
    body["attachment"] = json!([{"@type": "Attachment", "attachmentType": "scan",
        "mimeType": "image/png", "size": {"amount": 1.5, "units": "MB"}}]);
    body["vip"] = json!({"level": 3, "since": null, "ratio": 0.25});
    body["interactionDate"]["startDateTime"] = json!("2020-10-02T13:36:18.1+02:00");
    body
}

/// Every member sent is there.
#[track_caller]
fn keeps(shown: &Value, sent: &Value) {
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(shown.get(name), Some(value), "{name}: {shown}");
    }
}

/// The scenario of one version; the versions differ in the names of models and of one path.
macro_rules! drives {
    ($test:ident, $version:ident, $is:expr, $create:ident, $subscription:ident, $party:literal) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            use tmf683_client::$version::{Client, types};
            for api in APIS.into_iter().filter(|api| api.version == $is) {
                shows!(api, ["server.client"]);
                let server = TestServer::start().await;
                let raw = server.through(api).await;
                let client = Client::connect(&raw.root()).unwrap();

                let mut ids = Vec::new();
                for number in 0..5 {
                    let body = body(api, &format!("call {number}"));
                    let typed: types::$create = serde_json::from_value(body.clone()).unwrap();
                    let made = client.create(&typed).await.unwrap();
                    let id = made.id.clone().unwrap();
                    let read = raw.read(&id).await.is(200);
                    keeps(&read.json(), &body);
                    keeps(&serde_json::to_value(&made.body).unwrap(), &body);
                    assert_eq!(made.etag.as_deref(), read.maybe_header("etag"));
                    assert_eq!(client.retrieve(&id).await.unwrap().body, made.body);
                    ids.push(id);
                }

                let bodies = ["several", "at once"].map(|reason| body(api, reason));
                let read = |body: &Value| serde_json::from_value(body.clone()).unwrap();
                let typed: Vec<types::$create> = bodies.iter().map(read).collect();
                let made = client.create_all(&typed).await.unwrap();
                assert_eq!(made.len(), bodies.len());
                for (made, body) in made.iter().zip(&bodies) {
                    let id = made.id.clone().unwrap();
                    keeps(&raw.read(&id).await.is(200).json(), body);
                    ids.push(id);
                }

                let of_ada = ListQuery::new().filter($party, "42").page_size(2);
                let listed = client.list(of_ada.fields("none")).stream();
                let listed = listed.map_ok(|one| one.id.unwrap_or_default());
                assert_eq!(listed.try_collect::<Vec<_>>().await.unwrap(), ids);
                let path = "$[?@.relatedParty && @.reason=='call 4']";
                let later = client.list(ListQuery::new().jsonpath(path)).page(0, 10).await.unwrap();
                assert_eq!(later.items[0].id.as_deref(), Some(ids[4].as_str()));
                assert_eq!((later.items.len(), later.total), (1, Some(1)));
                let nobodys = ListQuery::new().filter($party, "no one");
                let page = client.list(nobodys).page(0, 10).await.unwrap();
                assert_eq!((page.items.len(), page.total), (0, Some(0)));

                let before = client.retrieve(&ids[0]).await.unwrap();
                let tag = before.etag.clone().unwrap();
                let patch = json!({"status": "completed", "description": null});
                let after = client.patch(&ids[0], &patch).if_match(&tag).await.unwrap();
                assert_eq!(after.status.as_deref(), Some("completed"));
                let read = raw.read(&ids[0]).await.is(200);
                assert_eq!(read.member("/status"), "completed");
                assert_eq!(read.member("/description"), Value::Null);
                let error = client.patch(&ids[0], &patch).if_match(&tag).await.unwrap_err();
                assert!(error.is_precondition_failed(), "{error}");
                let changed = client.retrieve_if_changed(&ids[0], &tag).await.unwrap();
                assert_eq!(changed.unwrap().etag, after.etag);
                let held = after.etag.as_deref().unwrap();
                assert_eq!(client.retrieve_if_changed(&ids[0], held).await.unwrap(), None);

                let refused = client.patch(&ids[0], &json!({"direction": "x"})).await.unwrap_err();
                assert!(names(&refused, "direction"), "{refused:?}");
                client.delete(&ids[0]).await.unwrap();
                raw.read(&ids[0]).await.is(404);
                assert!(client.retrieve(&ids[0]).await.unwrap_err().is_not_found());

                let created = EventQuery::new().filter("eventType", "PartyInteractionCreateEvent");
                let mut pages = client.events(created.page_size(4)).stream();
                let mut told = Vec::new();
                while told.len() < ids.len() {
                    let page = pages.try_next().await.unwrap().unwrap();
                    told.extend(page.events.into_iter().map(|one| {
                        one.event.unwrap().party_interaction.unwrap().id.unwrap()
                    }));
                }
                assert_eq!(told, ids);

                let subscription = api.subscription("http://127.0.0.1:9/events");
                let subscription: types::$subscription =
                    serde_json::from_value(subscription).unwrap();
                let made = client.subscribe(&subscription).await.unwrap();
                let again = client.subscribe(&subscription).await.unwrap_err();
                assert!(again.is_conflict(), "{again}");
                let made = serde_json::to_value(&made).unwrap();
                let id = made["id"].as_str().unwrap();
                client.unsubscribe(id).await.unwrap();
                raw.delete(&format!("/hub/{id}")).await.is(404);
                server.stop().await;
            }
        }
    };
}

drives!(
    v4_client,
    v4,
    Version::V4,
    PartyInteractionCreate,
    EventSubscriptionInput,
    "relatedParty.id"
);
drives!(
    v5_client,
    v5,
    Version::V5,
    PartyInteractionFvo,
    HubFvo,
    "relatedParty.partyOrPartyRole.id"
);

/// Whether the server's own words, which the error shows, name the culprit.
fn names(error: &Error, culprit: &str) -> bool {
    let told = error.tmf_error().and_then(|told| told.message.as_deref());
    error.status() == Some(400) && told.is_some_and(|message| message.contains(culprit))
}

/// A bearer token opens, and the lack of one is an error that says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_brings_its_token() {
    const TOKEN: &str = "embedded-0123456789abcdef";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), TOKEN).unwrap();
    let server = TestServer::with(&format!("[auth]\ntoken_file = {:?}", file.path())).await;
    let root = server.through(Api::V5).await.root();
    let stranger = tmf683_client::v5::Client::connect(&root).unwrap();
    let error = stranger.list(ListQuery::new()).page(0, 1).await.unwrap_err();
    assert_eq!(error.status(), Some(401), "{error}");
    let known = tmf683_client::v5::Client::builder(&root).bearer_token(TOKEN).build().unwrap();
    assert_eq!(known.list(ListQuery::new()).page(0, 1).await.unwrap().total, Some(0));
    server.stop().await;
}
