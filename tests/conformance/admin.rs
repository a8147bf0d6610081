//! What an operator sees of delivery and does about it, through the admin API. Its answers are judged by
//! its own published document, as those of the others are. Dead deliveries: `dead.rs`.

use crate::watching::{lag_is, state_of, subscribe, until};
use harness::{Api, Database, Listener, Reaction, ServerProcess, TestServer, shows};
use reqwest::Method;
use serde_json::{Value, json};

/// The first failure is the last for an hour.
const PATIENT: &str = "[delivery]\nretry_seconds = [3600]";
/// Of what is only to be done.
const NO_BODY: &str = "";

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_show_how_delivery_goes() {
    shows!(["admin.seen"]);
    let server = TestServer::with(PATIENT).await;
    let admin = server.through(Api::ADMIN).await;
    let (v4, v5) = (server.through(Api::V4).await, server.through(Api::V5).await);
    let good = Listener::good().await;
    let bad = Listener::with(|_| Reaction::Status(500)).await;
    let gone = Listener::with(|_| Reaction::Status(410)).await;
    let query = "eventType=PartyInteractionCreateEvent";
    let well = subscribe(&v4, &good.callback(), Some(query)).await;
    let ill = subscribe(&v5, &bad.callback(), None).await;
    let ended = subscribe(&v5, &gone.callback(), None).await;
    let new = state_of(&admin, &well).await;
    assert_eq!((&new["lag"], &new["state"]), (&json!(0), &json!("active")), "{new}");
    assert_eq!(new.get("lastSuccessAt"), None, "{new}");
    v5.create_sample("call").await;

    let of_good = until(&admin, &well, |now| now["lastSuccessAt"].is_string()).await;
    assert_eq!((&of_good["lag"], &of_good["failedAttempts"]), (&json!(0), &json!(0)), "{of_good}");
    assert_eq!(of_good["apiVersion"], "v4");
    assert_eq!((&of_good["callback"], &of_good["query"]), (&json!(good.callback()), &json!(query)));
    let of_bad = until(&admin, &ill, |now| now["failedAttempts"] == 1).await;
    assert_eq!((&of_bad["lag"], &of_bad["apiVersion"]), (&json!(1), &json!("v5")), "{of_bad}");
    assert!(of_bad["lastError"].as_str().unwrap().contains("500"), "{of_bad}");
    let time = |name: &str| of_bad[name].as_str().unwrap_or_else(|| panic!("{name}: {of_bad}"));
    // Times in one spelling: they compare as texts.
    assert!(time("oldestPendingAt") <= time("lastErrorAt"), "{of_bad}");
    assert!(time("lastErrorAt") < time("nextAttemptAt"), "{of_bad}");
    let of_gone = until(&admin, &ended, |now| now["state"] == "ended").await;
    assert!(of_gone["lastError"].as_str().unwrap().contains("410"), "{of_gone}");

    let ids = [&well, &ill, &ended];
    for (query, expected, total) in [
        ("", &ids[..], "3"),
        ("?state=active", &ids[..2], "2"),
        ("?state=ended", &ids[2..], "1"),
        ("?state=paused", &[], "0"),
        ("?limit=2", &ids[..2], "3"),
        ("?offset=1&limit=1", &ids[1..2], "3"),
        ("?offset=7", &[], "3"),
        ("?limit=0", &[], "3"),
        ("?state=active&offset=1&limit=1000", &ids[1..2], "2"),
    ] {
        let list = admin.get(&format!("/subscriptions{query}")).await.is(200);
        assert!(list.ids().iter().eq(expected.iter().copied()), "{query}: {list}");
        assert_eq!(list.header("x-total-count"), total, "{query}");
        assert_eq!(list.header("x-result-count"), expected.len().to_string(), "{query}");
    }
    let list = admin.get("/subscriptions").await.is(200).json();
    assert_eq!(list[1], of_bad, "one is shown as it is in the list");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_is_kept_and_comes_in_order() {
    shows!(["admin.pause"]);
    let mut server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let listener = Listener::good().await;
    let id = subscribe(&v5, &listener.callback(), None).await;
    let call = v5.create_sample("0").await.id();
    listener.acknowledges(1).await;
    let path = format!("/subscriptions/{id}/pause");
    for _ in 0..2 {
        assert_eq!(admin.post_text(&path, NO_BODY).await.is(200).text_at("/state"), "paused");
    }
    // Who comes later is told of what comes later still only when the pause is known everywhere.
    let other = Listener::good().await;
    subscribe(&v5, &other.callback(), None).await;
    v5.patch(&call, &json!({"reason": "1"})).await.is(200);
    other.acknowledges(1).await;
    let before = listener.received();
    for reason in 2..=4 {
        v5.patch(&call, &json!({"reason": reason.to_string()})).await.is(200);
    }
    other.acknowledges(4).await;
    let paused = state_of(&admin, &id).await;
    assert!(paused["lag"].as_u64() >= Some(4) && paused["state"] == "paused", "{paused}");
    assert!(paused["oldestPendingAt"].is_string(), "{paused}");
    server.restart().await;
    let admin = server.through(Api::ADMIN).await;
    assert_eq!(state_of(&admin, &id).await["state"], "paused", "it survives a restart");
    assert_eq!(listener.received(), before, "nothing was sent");
    let path = format!("/subscriptions/{id}/resume");
    assert_eq!(admin.post_text(&path, NO_BODY).await.is(200).text_at("/state"), "active");
    let told = listener.acknowledges(5).await;
    let reasons = told.iter().map(|one| one.text_at("/event/partyInteraction/reason"));
    assert!(reasons.eq(["0", "1", "2", "3", "4"]));
    lag_is(&admin, &id, 0).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_tried_at_once_when_resumed() {
    shows!(["admin.resume"]);
    let server = TestServer::with(PATIENT).await;
    let admin = server.through(Api::ADMIN).await;
    let v4 = server.through(Api::V4).await;
    let listener = Listener::with(|n| if n == 0 { Reaction::HangUp } else { Reaction::OK }).await;
    let id = subscribe(&v4, &listener.callback(), None).await;
    v4.create_sample("call").await;
    until(&admin, &id, |now| now["nextAttemptAt"].is_string()).await;
    let resumed = admin.post_text(&format!("/subscriptions/{id}/resume"), NO_BODY).await.is(200);
    assert_eq!(resumed.json().get("nextAttemptAt"), None, "{resumed}");
    listener.acknowledges(1).await;
    let well = until(&admin, &id, |now| now["lag"] == 0).await;
    assert!(well["lastSuccessAt"].is_string() && well["failedAttempts"] == 0, "{well}");
    server.stop().await;
    assert_eq!(listener.received(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_again_from_a_point_on() {
    shows!(["admin.replay"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let listener = Listener::good().await;
    let id = subscribe(&v5, &listener.callback(), None).await;
    let call = v5.create_sample("0").await.id();
    v5.patch(&call, &json!({"reason": "1"})).await.is(200);
    v5.patch(&call, &json!({"reason": "2"})).await.is(200);
    let told = listener.receives(3).await;
    let path = format!("/subscriptions/{id}/replay");
    let replay = async |from: &Value| admin.post(&path, from).await.is(200);

    replay(&json!({"fromEventId": told[1]})).await;
    assert_eq!(listener.receives(5).await[3..], told[1..], "the same events");
    replay(&json!({"fromTime": "2000-01-01T00:00:00Z"})).await;
    assert_eq!(listener.receives(8).await[5..], told[..], "nothing was removed yet");
    let middle = listener.all()[1].text_at("/eventTime").to_owned();
    replay(&json!({"fromTime": middle})).await;
    listener.receives(10).await;
    lag_is(&admin, &id, 0).await;
    // Events of the same millisecond as the first may come too.
    assert!(listener.receives(10).await.ends_with(&told[1..]));

    let all = listener.received();
    replay(&json!({"fromTime": "2999-01-01T00:00:00+02:00"})).await;
    let pause = format!("/subscriptions/{id}/pause");
    admin.post_text(&pause, NO_BODY).await.is(200);
    let paused = replay(&json!({"fromEventId": told[2]})).await;
    assert_eq!((paused.text_at("/state"), paused.member("/lag")), ("paused".into(), json!(1)));
    v5.post("/hub", &Api::V5.subscription(&listener.callback())).await.is(409);
    admin.post_text(&format!("/subscriptions/{id}/resume"), NO_BODY).await.is(200);
    let received = listener.receives(all + 1).await;
    assert_eq!(received.last(), told.last());
    lag_is(&admin, &id, 0).await;
    server.stop().await;
    assert_eq!(listener.received(), all + 1);
}

/// Whichever of them delivers.
#[tokio::test(flavor = "multi_thread")]
async fn each_process_on_a_database_may_be_told() {
    shows!(["admin.replay"]);
    let database = Database::empty();
    let hasty =
        [("TMF683_DELIVERY__LEASE_SECONDS", "3"), ("TMF683_DELIVERY__TIMEOUT_SECONDS", "1")];
    let servers = [
        ServerProcess::start_on(&database, &hasty).await,
        ServerProcess::start_on(&database, &hasty).await,
    ];
    let listener = Listener::good().await;
    let v5 = servers[0].through(Api::V5).await;
    let id = subscribe(&v5, &listener.callback(), None).await;
    v5.create_sample("call").await;
    let mut told = listener.receives(1).await;
    for server in &servers {
        let admin = server.through(Api::ADMIN).await;
        lag_is(&admin, &id, 0).await;
        let from = json!({"fromEventId": told[0]});
        admin.post(&format!("/subscriptions/{id}/replay"), &from).await.is(200);
        told = listener.receives(told.len() + 1).await;
        lag_is(&admin, &id, 0).await;
        for word in ["pause", "resume"] {
            admin.post_text(&format!("/subscriptions/{id}/{word}"), NO_BODY).await.is(200);
        }
        v5.create_sample("call").await;
        told = listener.receives(told.len() + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused() {
    shows!(["admin.refusals"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let id = subscribe(&v5, "http://127.0.0.1:9/", None).await;
    for (path, culprit) in [
        ("/subscriptions?state=sleeping", "state"),
        ("/subscriptions?limit=1001", "1000"),
        ("/subscriptions?limit=x", "limit"),
        ("/subscriptions?offset=-1", "offset"),
        ("/subscriptions?limit=1&limit=2", "limit"),
        ("/subscriptions?colour=red", "colour"),
        ("/deliveries?state=active", "state"),
        ("/deliveries?colour=red", "colour"),
        ("/deliveries?subscriptionId", "subscriptionId"),
        (&format!("/subscriptions/{id}?fields=id"), "fields"),
    ] {
        admin.get(path).await.refuses(400, culprit);
    }
    let replay = format!("/subscriptions/{id}/replay");
    for (body, culprit) in [
        ("{}", "/fromEventId"),
        (r#"{"fromEventId": "x", "fromTime": "2026-01-01T00:00:00Z"}"#, "/fromEventId"),
        (r#"{"fromTime": "yesterday"}"#, "/fromTime"),
        (r#"{"fromTime": 7}"#, "/fromTime"),
        (r#"{"fromEventId": "no-such-event"}"#, "/fromEventId"),
        ("[]", ""),
        ("{", ""),
    ] {
        admin.post_text(&replay, body).await.refuses(400, culprit);
    }
    let known = json!({"fromTime": "2026-01-01T00:00:00Z"});
    admin.post(&replay.replace(&id, "no-such-id"), &known).await.refuses(404, "no-such-id");
    admin.get("/subscriptions/no-such-id").await.refuses(404, "no-such-id");
    let of_nobody = admin.get("/deliveries?subscriptionId=no-such-id").await.is(200);
    assert_eq!(of_nobody.text, "[]");
    for path in ["/subscriptions/no-such-id/pause", "/subscriptions/no-such-id/resume"] {
        admin.post_text(path, NO_BODY).await.refuses(404, "no-such-id");
    }
    for id in ["no-such-id", "7", "-1", "99999999999999999999"] {
        let path = format!("/deliveries/{id}/redeliver");
        admin.post_text(&path, NO_BODY).await.refuses(404, id);
    }
    for (method, path) in [
        (Method::POST, "/subscriptions"),
        (Method::DELETE, "/subscriptions/x"),
        (Method::GET, "/subscriptions/x/pause"),
        (Method::PUT, "/deliveries"),
        (Method::PATCH, "/deliveries/1/redeliver"),
    ] {
        admin.call(method, path).send().await.is(405);
    }
    server.stop().await;
}
