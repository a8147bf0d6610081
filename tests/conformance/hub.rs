//! Subscriptions: made, refused when they exist, deleted, kept over a restart. Delivery is not here.
//! (TMF630 "Hub")

use crate::watching::{subscribe, until};
use harness::{APIS, Api, Database, Listener, ServerProcess, TestServer, Version, shows};
use serde_json::json;

const CALLBACK: &str = "http://127.0.0.1:9/events";

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_lives_until_it_is_deleted() {
    let mut server = TestServer::start().await;
    for api in [Api::V4, Api::V5] {
        shows!(api, ["hub.created", "hub.twice", "hub.deleted", "hub.kept"]);
        let caller = server.through(api).await;
        let mut body = api.subscription(CALLBACK);
        body["query"] = json!("eventType=PartyInteractionCreateEvent");
        let made = caller.post("/hub", &body).await.is(201);
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(made.json().get(name), Some(value), "{made}");
        }
        let path = format!("/hub/{}", made.id());
        assert_eq!(made.header("location"), format!("{}{path}", caller.root()));

        caller.post("/hub", &body).await.is(409);
        // Another query, or none, is another subscription.
        let all = caller.post("/hub", &api.subscription(CALLBACK)).await.is(201);
        assert_eq!(all.member("/query"), json!(null), "{all}");
        caller.post("/hub", &api.subscription(CALLBACK)).await.is(409);

        server.restart().await;
        let caller = server.through(api).await;
        caller.post("/hub", &body).await.is(409);
        caller.delete(&path).await.is(204);
        caller.delete(&path).await.refuses(404, &made.id());
        caller.post("/hub", &body).await.is(201);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_minds_its_own_subscriptions() {
    shows!(["hub.version"]);
    let server = TestServer::start().await;
    let (v4, v5) = (server.through(Api::V4).await, server.through(Api::V5).await);
    let short = server.through(Api::V4_SHORT).await;
    let old = v4.post("/hub", &Api::V4.subscription(CALLBACK)).await.is(201).id();
    let new = v5.post("/hub", &Api::V5.subscription(CALLBACK)).await.is(201).id();
    v5.delete(&format!("/hub/{old}")).await.is(404);
    v4.delete(&format!("/hub/{new}")).await.is(404);
    // The bases of one version share them.
    short.post("/hub", &Api::V4.subscription(CALLBACK)).await.is(409);
    short.delete(&format!("/hub/{old}")).await.is(204);
    v5.delete(&format!("/hub/{new}")).await.is(204);
    server.stop().await;
}

/// However it is written. At each connection it is judged again, by what the name leads to then.
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_lead_only_where_the_operator_allows() {
    let strict = "[delivery]\nallow_loopback = \"never\"\nallow_private = false";
    let server = TestServer::with(strict).await;
    for api in APIS {
        shows!(api, ["hub.addresses"]);
        let caller = server.through(api).await;
        for (host, is_allowed) in [
            ("127.0.0.1", false),
            ("127.1", false),
            ("0x7f000001", false),
            ("[::ffff:127.0.0.1]", false),
            ("localhost", false),
            ("0", false),
            ("169.254.169.254", false),
            ("10.0.0.1", false),
            ("192.0.2.1", true),
            ("[2001:db8::1]", true),
            // It may be there when there is something to tell.
            ("no-such-listener.invalid", true),
        ] {
            let body = api.subscription(&format!("http://{host}{}/events", api.base));
            let answer = caller.post("/hub", &body).await;
            if is_allowed {
                answer.is(201);
            } else {
                answer.refuses(400, "/callback leads to");
            }
        }
    }
    server.stop().await;
}

/// What was allowed once is not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_judged_at_each_attempt() {
    shows!(["hub.addresses"]);
    let database = Database::empty();
    let listener = Listener::good().await;
    let named = listener.callback().replace("127.0.0.1", "localhost");
    let mut server = ServerProcess::start_on(&database, &[]).await;
    let v5 = server.through(Api::V5).await;
    let ids =
        [subscribe(&v5, &listener.callback(), None).await, subscribe(&v5, &named, None).await];
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
    let never = [("TMF683_DELIVERY__ALLOW_LOOPBACK", "never")];
    let server = ServerProcess::start_on(&database, &never).await;
    server.through(Api::V5).await.create_sample("call").await;
    let admin = server.through(Api::ADMIN).await;
    for id in ids {
        let now = until(&admin, &id, |now| now["lastError"].is_string()).await;
        assert!(now["lastError"].as_str().unwrap().contains("leads to"), "{now}");
    }
    assert_eq!(listener.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_subscriptions_are_refused() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["hub.callback", "hub.query", "error.no-secrets"]);
        let caller = server.through(api).await;
        for callback in [
            "",
            "events",
            "/events",
            "ftp://127.0.0.1/events",
            "http://",
            "file:///etc/passwd",
            "http://user:secret@127.0.0.1/events",
            "http://127.0.0.1/events#here",
        ] {
            let answer = caller.post("/hub", &api.subscription(callback)).await;
            let answer = answer.refuses(400, "/callback");
            assert!(!answer.text.contains("secret"), "{answer}");
        }
        let mut body = api.subscription(CALLBACK);
        body["callback"] = json!(7);
        caller.post("/hub", &body).await.refuses(400, "/callback");
        let long = format!("http://127.0.0.1/{}", "x".repeat(2048));
        caller.post("/hub", &api.subscription(&long)).await.refuses(400, "/callback");
        for (query, culprit) in [
            (json!(["x"]), "/query"),
            (json!("status=open"), "/query status: no such attribute"),
            (json!("event.partyInteraction.colour=red"), "event.partyInteraction.colour"),
            (json!("?fields=eventId"), "/query fields: not supported in a subscription"),
            (json!("eventType=PartyInteractionCreated"), "PartyInteractionCreated"),
            (json!("eventId.regex=("), "/query eventId"),
            (json!(format!("eventId={}", "x".repeat(8192))), "/query is longer"),
        ] {
            let mut body = api.subscription(CALLBACK);
            body["query"] = query;
            caller.post("/hub", &body).await.refuses(400, culprit);
        }
        let bare = caller.post("/hub", &json!({})).await.refuses(400, "/callback");
        match api.version {
            Version::V4 => {
                shows!(api, ["hub.no-type"]);
                assert!(!bare.text.contains("/@type"), "{bare}");
            }
            Version::V5 => {
                shows!(api, ["hub.type"]);
                bare.refuses(400, "/@type");
            }
        }
        caller.post("/hub", &json!([])).await.is(400);
        caller.delete("/hub/no-such-id").await.refuses(404, "no-such-id");
    }
    server.stop().await;
}
