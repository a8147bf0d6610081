//! What each call sends, and what it makes of the answer.

use super::*;

#[tokio::test]
async fn bodies_media_types_and_preconditions() {
    let etag = r#"ETag: "7""#;
    let shown = || answer(200, &[etag], &interaction("1"));
    let empty = || answer(204, &[], "");
    let created = answer(201, &[etag], &interaction("1"));
    let server = Server::start([created, shown(), shown(), shown(), shown(), empty()]).await;
    let client = Client::connect(&format!("{}/", server.base())).unwrap();

    let created = client.create(&new_interaction()).await.unwrap();
    assert_eq!((created.id.as_deref(), created.etag.as_deref()), (Some("1"), Some(r#""7""#)));
    client.retrieve("a/b").fields("id,reason").await.unwrap();
    client.patch("1", &json!({"status": null})).if_match(r#""7""#).await.unwrap();
    let operations: types::JsonPatchOperations =
        serde_json::from_value(json!([{"op": "remove", "path": "/note/0"}])).unwrap();
    client.json_patch("1", &operations).fields("note").await.unwrap();
    client.json_patch_query("1", &operations).if_match(r#""7""#).await.unwrap();
    client.delete("1").if_match(r#""7""#).await.unwrap();

    assert_eq!(
        server.lines(),
        [
            "POST /v5/partyInteraction",
            "GET /v5/partyInteraction/a%2Fb?fields=id%2Creason",
            "PATCH /v5/partyInteraction/1",
            "PATCH /v5/partyInteraction/1?fields=note",
            "PATCH /v5/partyInteraction/1",
            "DELETE /v5/partyInteraction/1",
        ]
    );
    let received = server.received();
    let of = |name| {
        received.iter().map(|request| request.header(name).unwrap_or("-")).collect::<Vec<_>>()
    };
    assert_eq!(
        of("content-type"),
        [
            "application/json",
            "-",
            "application/merge-patch+json",
            "application/json-patch+json",
            "application/json-patch-query+json",
            "-",
        ]
    );
    assert_eq!(of("if-match"), ["-", "-", r#""7""#, "-", r#""7""#, r#""7""#]);
    assert!(of("user-agent").iter().all(|agent| agent.starts_with("tmf683-client/")));
    assert_eq!(received[2].body, r#"{"status":null}"#);
}

#[tokio::test]
async fn an_unchanged_record_is_none() {
    let changed = answer(200, &[r#"ETag: "8""#], &interaction("1"));
    let server = Server::start([answer(304, &[], ""), changed]).await;
    let client = quick(&server).build().unwrap();
    assert_eq!(client.retrieve_if_changed("1", r#""7""#).await.unwrap(), None);
    let changed = client.retrieve_if_changed("1", r#""7""#).await.unwrap().unwrap();
    assert_eq!(changed.etag.as_deref(), Some(r#""8""#));
    assert_eq!(server.received()[0].header("if-none-match"), Some(r#""7""#));
}

#[tokio::test]
async fn subscriptions_and_notifications_of_both_versions() {
    let subscription = || answer(201, &[], r#"{"id": "s", "callback": "http://me"}"#);
    let empty = |status| answer(status, &[], "");
    let answers = [subscription(), empty(204), empty(204), empty(201), empty(200), empty(200)];
    let server = Server::start(answers).await;
    let client = quick(&server).build().unwrap();
    let hub = json!({"@type": "Hub", "callback": "http://me"});
    let made = client.subscribe(&serde_json::from_value(hub.clone()).unwrap()).await.unwrap();
    client.unsubscribe(made.id.as_deref().unwrap()).await.unwrap();
    let event = json!({"eventId": "e", "event": {"partyInteraction": {"id": "1"}}});
    let of = || event.clone();
    client.notify_created(&serde_json::from_value(of()).unwrap()).await.unwrap();
    client.notify_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
    client.notify_status_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
    client.notify_deleted(&serde_json::from_value(of()).unwrap()).await.unwrap();

    let answers = [subscription(), empty(204), empty(204), empty(201), empty(200), empty(200)];
    let older = Server::start(answers).await;
    let client = v4::Client::connect(&older.base()).unwrap();
    client.subscribe(&serde_json::from_value(hub).unwrap()).await.unwrap();
    client.unsubscribe("s").await.unwrap();
    client.notify_created(&serde_json::from_value(of()).unwrap()).await.unwrap();
    client.notify_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
    client.notify_status_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
    client.notify_deleted(&serde_json::from_value(of()).unwrap()).await.unwrap();

    let expected = [
        "POST /v5/hub",
        "DELETE /v5/hub/s",
        "POST /v5/listener/partyInteractionCreateEvent",
        "POST /v5/listener/partyInteractionAttributeValueChangeEvent",
        "POST /v5/listener/partyInteractionStatusChangeEvent",
        "POST /v5/listener/partyInteractionDeleteEvent",
    ];
    assert_eq!(server.lines(), expected);
    assert_eq!(older.lines(), expected);
}

#[tokio::test]
async fn identifiers_that_address_something_else_are_not_sent() {
    let server = Server::start([]).await;
    let client = quick(&server).build().unwrap();
    for id in ["", ".", "..", "..\\hub"] {
        let failed = client.delete(id).await.unwrap_err();
        assert!(matches!(failed, Error::InvalidRequest(_)), "{id}: {failed}");
    }
    let failed = client.delete("1").if_match("a\nb").await.unwrap_err();
    assert!(matches!(failed, Error::InvalidRequest(_)), "{failed}");
    assert_eq!(server.lines().len(), 0);
}
