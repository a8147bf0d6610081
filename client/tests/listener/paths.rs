//! Both versions, by the callback and by the paths of their documents.

use std::time::Duration;

use serde_json::{Value, json};
use tmf683_client::listener::{Kind, ListenError, Listener, Receiver, v4};
use tmf683_client::{v4 as client_v4, v5 as client_v5};

use crate::{CREATED, Heard, Listening, hearing};

const KINDS: [Kind; 4] = [Kind::Created, Kind::Changed, Kind::StatusChanged, Kind::Deleted];

fn body(id: &str, kind: Kind) -> Value {
    let interaction = json!({"id": "7", "reason": "bill", "seen": 1});
    json!({
        "eventId": id,
        "eventType": kind.name(),
        "eventTime": "2026-01-01T00:00:00.10Z",
        "correlationId": "c",
        "event": {"partyInteraction": interaction},
    })
}

fn typed<T: serde::de::DeserializeOwned>(id: &str) -> T {
    let mut body = body(id, Kind::Created);
    body.as_object_mut().unwrap().remove("eventType");
    serde_json::from_value(body).unwrap()
}

#[tokio::test]
async fn the_callback_takes_every_kind() {
    let (receiver, heard) = hearing();
    let listening = Listening::at(Listener::new(receiver).callback("/a/b/")).await;
    for kind in KINDS {
        let text = body(kind.name(), kind).to_string().replace(":1}", ":1.50}");
        let mut request = listening.request(&text).build().unwrap();
        *request.url_mut() = listening.url("/a/b").parse().unwrap();
        let response = reqwest::Client::new().execute(request).await.unwrap();
        assert_eq!(response.status(), 204);
        assert_eq!(response.text().await.unwrap(), "");
        let [event] = &heard.take()[..] else { panic!("{kind}") };
        assert_eq!((event.kind(), event.id()), (kind, Some(kind.name())));
        assert_eq!(event.time(), Some("2026-01-01T00:00:00.10Z"));
        assert_eq!(event.correlation_id(), Some("c"));
        let interaction = event.interaction().unwrap();
        assert_eq!(interaction.reason.as_deref(), Some("bill"));
        assert!(interaction.extra.contains_key("seen"));
        assert_eq!(event.text, text, "to the letter");
    }
    listening.stop().await;
}

#[tokio::test]
async fn the_paths_of_v5() {
    let (receiver, heard) = hearing();
    let listening = Listening::at(Listener::new(receiver).base("/tmf")).await;
    let client = client_v5::Client::connect(&listening.url("/tmf")).unwrap();
    client.notify_created(&typed("1")).await.unwrap();
    client.notify_changed(&typed("2")).await.unwrap();
    client.notify_status_changed(&typed("3")).await.unwrap();
    client.notify_deleted(&typed("4")).await.unwrap();
    let kinds: Vec<_> = heard.take().iter().map(|event| event.kind()).collect();
    assert_eq!(kinds, KINDS);
    listening.stop().await;
}

#[tokio::test]
async fn the_paths_of_v4() {
    let heard = Heard::<v4::Event>::default();
    let ears = heard.clone();
    let receiver = Receiver::v4(move |event| {
        ears.push(event);
        async { Ok::<_, String>(()) }
    });
    let listening = Listening::with(receiver).await;
    let client = client_v4::Client::connect(&listening.url("")).unwrap();
    client.notify_created(&typed("1")).await.unwrap();
    client.notify_changed(&typed("2")).await.unwrap();
    client.notify_status_changed(&typed("3")).await.unwrap();
    client.notify_deleted(&typed("4")).await.unwrap();
    let kinds: Vec<_> = heard.take().iter().map(|event| event.kind()).collect();
    assert_eq!(kinds, KINDS);
    // The document says 201, with a body; the callback is ours, and says 204.
    let path = listening.url("/listener/partyInteractionCreateEvent");
    let response = reqwest::Client::new().post(path).json(&body("5", Kind::Created));
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({}));
    let changed = listening.post(body("6", Kind::Changed)).await;
    assert_eq!(changed.status(), 204);
    let [created, changed] = &heard.take()[..] else { panic!("two events") };
    assert_eq!((created.kind(), changed.kind()), (Kind::Created, Kind::Changed));
    assert_eq!(changed.interaction().unwrap().reason.as_deref(), Some("bill"));
    listening.stop().await;
}

#[tokio::test]
async fn a_path_takes_its_own_kind_only() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    let path = listening.url("/listener/partyInteractionDeleteEvent");
    let response = reqwest::Client::new().post(path).json(&body("1", Kind::Created));
    crate::refuses(response.send().await.unwrap(), 400, CREATED).await;
    assert!(heard.take().is_empty());
    listening.stop().await;
}

#[tokio::test]
async fn the_root_can_be_the_callback() {
    let (receiver, heard) = hearing();
    let listening = Listening::at(Listener::new(receiver).callback("/")).await;
    let http = reqwest::Client::new();
    let response = http.post(listening.url("/")).json(&body("1", Kind::Created)).send().await;
    assert_eq!(response.unwrap().status(), 204);
    assert_eq!(heard.take().len(), 1);
    assert_eq!(http.get(listening.url("/")).send().await.unwrap().status(), 405);
    listening.stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_is_said_at_once() {
    let start = |path: &str| {
        let listener = Listener::new(hearing().0).callback(path);
        listener.start(([127, 0, 0, 1], 0).into())
    };
    for path in ["events", "/{id}", "/a?b", "/listener/partyInteractionCreateEvent/"] {
        let failed = start(path).await.err().unwrap();
        assert!(matches!(&failed, ListenError::InvalidPath { path: named, .. } if named == path));
    }
    let taken = Listening::with(hearing().0).await;
    let address = taken.url("").trim_start_matches("http://").parse().unwrap();
    let failed = Listener::new(hearing().0).start(address).await.err().unwrap();
    assert!(matches!(failed, ListenError::Start { .. }), "{failed}");
    taken.stop().await;
}

#[tokio::test]
async fn stopping_waits_for_what_is_in_hand() {
    let heard = Heard::default();
    let (ears, begun) = (heard.clone(), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (begins, go) = (begun.clone(), std::sync::Arc::new(tokio::sync::Notify::new()));
    let goes = go.clone();
    let receiver = Receiver::v5(move |event| {
        let (ears, begins, goes) = (ears.clone(), begins.clone(), goes.clone());
        async move {
            begins.notify_one();
            goes.notified().await;
            ears.push(event);
            Ok::<_, String>(())
        }
    });
    let listening = Listening::with(receiver).await;
    let posted = tokio::spawn(listening.request(crate::event("1")).send());
    begun.notified().await;
    let stopping =
        tokio::spawn(async move { listening.running.stop(Duration::from_secs(10)).await });
    go.notify_one();
    assert!(stopping.await.unwrap());
    assert_eq!(posted.await.unwrap().unwrap().status(), 204);
    assert_eq!(heard.ids(), ["1"]);
}
