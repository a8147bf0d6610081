//! Each operation and status the published documents declare is provoked here, or listed with the
//! reason why not. A new operation or status in a document fails this test until one of both is
//! done. (HOUSE_STYLE "Operation coverage")

use crate::watching::{subscribe, until};
use harness::{APIS, Api, Caller, DEADLINE, Listener, Reaction, TestServer, Version, shows};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use tokio::time::timeout;

/// Operations we do not serve.
const NOT_SERVED: [(&str, Version); 8] = [
    // The contract of the receiving side: we call these paths nowhere, for events go to the
    // callback as it was registered.
    ("listenToPartyInteractionAttributeValueChangeEvent", Version::V4),
    ("listenToPartyInteractionCreateEvent", Version::V4),
    ("listenToPartyInteractionDeleteEvent", Version::V4),
    ("listenToPartyInteractionStatusChangeEvent", Version::V4),
    ("partyInteractionAttributeValueChangeEvent", Version::V5),
    ("partyInteractionCreateEvent", Version::V5),
    ("partyInteractionDeleteEvent", Version::V5),
    ("partyInteractionStatusChangeEvent", Version::V5),
];

/// Statuses we never answer, whatever the operation.
const NEVER: [(u16, &str); 4] = [
    (202, "what is acknowledged is done"),
    (403, "a token opens everything or nothing"),
    (500, "a bug, if there is one"),
    (501, "everything declared is there"),
];

/// Statuses that are declared and that no call from outside provokes.
const NOT_PROVOKED: [(u16, &str); 3] = [
    (405, "the method makes it another operation, or none: `refusals` has them all"),
    (408, "needs a body that takes its time: tested in the server"),
    (503, "needs a disk that is slower than the callers: tested in the server"),
];

/// Declared by TM Forum for operations where we have no use for them.
const NO_USE: [(&str, u16); 6] = [
    ("listPartyInteraction", 404),
    ("listPartyInteraction", 409),
    ("retrievePartyInteraction", 409),
    ("createPartyInteraction", 404),
    ("deletePartyInteraction", 409),
    ("registerListener", 404),
];

/// Needs sixteen times eight clients that change one interaction in the same instant.
const TOO_CONTENDED: (&str, u16) = ("patchPartyInteraction", 409);

const NDJSON: &str = "application/x-ndjson";
const TOKEN: &str = "coverage-0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn every_declared_answer_is_provoked_or_listed() {
    shows!(["error.declared"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), TOKEN).unwrap();
    let settings = "[limits]\nbody_bytes = 4000\nurl_bytes = 300\n[paging]\npartial_status = 206
        [delivery]\nretry_seconds = [0]\n[events]\nretention_count = 1";
    let mut server = TestServer::with(settings).await;
    let caller = server.through(Api::V5).await;
    caller.create_sample("an event").await;
    caller.create_sample("another, that makes it too old").await;
    server.restart().await;
    let guarded = TestServer::with(&format!("[auth]\ntoken_file = {:?}", file.path())).await;
    let mut wrong = BTreeSet::new();
    for api in APIS {
        let caller = server.through(api).await;
        let mut seen = provoke(&caller).await;
        seen.extend(refuse_strangers(&guarded.through(api).await).await);
        wrong.extend(missing(&caller, &seen));
    }
    let admin = server.through(Api::ADMIN).await;
    let mut seen = administer(&admin, &server.through(Api::V5).await).await;
    seen.extend(refuse_strangers(&guarded.through(Api::ADMIN).await).await);
    wrong.extend(missing(&admin, &seen));
    assert_eq!(wrong, BTreeSet::new());
    server.stop().await;
    guarded.stop().await;
}

/// What is declared and neither seen nor listed, and what is listed though it was seen.
fn missing(
    caller: &Caller,
    seen: &BTreeSet<(String, u16)>,
) -> BTreeSet<(&'static str, String, u16)> {
    let mut missing = BTreeSet::new();
    let mut not_served = BTreeSet::new();
    for operation in caller.document.operations() {
        if operation.is_listener() {
            not_served.insert(operation.id.as_str());
            continue;
        }
        for status in operation.statuses() {
            let is_seen = seen.contains(&(operation.id.clone(), status));
            if is_seen == is_listed(&operation.id, status) {
                missing.insert((caller.api.base, operation.id.clone(), status));
            }
        }
    }
    let listed = NOT_SERVED.iter().filter(|(_, version)| *version == caller.api.version);
    let listed = listed.filter(|_| caller.api != Api::ADMIN);
    assert_eq!(not_served, listed.map(|(id, _)| *id).collect::<BTreeSet<_>>());
    missing
}

fn is_listed(operation: &str, status: u16) -> bool {
    NEVER.iter().chain(&NOT_PROVOKED).any(|(listed, _)| *listed == status)
        || NO_USE.iter().chain([&TOO_CONTENDED]).any(|listed| *listed == (operation, status))
}

/// Calls every operation in every way that has an answer of its own.
async fn provoke(caller: &Caller) -> BTreeSet<(String, u16)> {
    let api = caller.api;
    let made = caller.create_sample("call").await;
    let hub = caller.post("/hub", &api.subscription("http://127.0.0.1:9/")).await;
    let hub = match hub.status {
        // The other base of the same version was here before.
        409 => caller.post("/hub", &api.subscription("http://127.0.0.1:9/2")).await,
        _ => hub,
    };
    caller.post("/hub", &api.subscription(&hub.text_at("/callback"))).await.is(409);
    let (one, subscription) =
        (format!("/partyInteraction/{}", made.id()), format!("/hub/{}", hub.id()));
    for (reason, status) in [("once", 201), ("once", 201), ("another", 409)] {
        let call = caller.call(Method::POST, "/partyInteraction").header("idempotency-key", "key");
        call.body("application/json", api.sample(reason).to_string()).send().await.is(status);
    }
    for (tag, body, status) in [("*", "[]", 200), ("*", "[ ]", 409), ("\"1\"", "[]", 412)] {
        let call = caller.call(Method::PATCH, "/partyInteraction");
        let call = call.header("idempotency-key", "bulk").header("if-match", tag);
        call.body("application/json-patch+json", body).send().await.is(status);
    }
    caller.get("/events").await.is(200);
    caller.get("/events?limit=x").await.is(400);
    // What is too much goes soon after the start.
    let too_late = async { while caller.get("/events?since=0").await.status != 410 {} };
    timeout(DEADLINE, too_late).await.expect("old events are removed");
    caller.get("/partyInteraction").await.is(200);
    caller.get("/partyInteraction?limit=0").await.is(206);
    caller.get("/partyInteraction?limit=x").await.is(400);
    caller.get(&one).await.is(200);
    caller.get(&format!("{one}?limit=x")).await.is(400);
    let tag = made.header("etag");
    caller.call(Method::GET, &one).header("if-none-match", tag).send().await.is(304);
    caller.patch(&made.id(), &json!({"status": "x"})).await.is(200);
    for (method, path) in [(Method::PATCH, &one), (Method::DELETE, &one)] {
        let call = caller.call(method.clone(), path).header("if-match", tag);
        call.body("application/json", "{}").send().await.is(412);
        caller.call(method, &format!("{path}?limit=x")).send().await.is(400);
    }
    let collection = "/partyInteraction".to_owned();
    let hubs = "/hub".to_owned();
    for (method, path, media_type) in [
        (Method::POST, &collection, "application/json"),
        (Method::PATCH, &collection, "application/json-patch+json"),
        (Method::POST, &hubs, "application/json"),
        (Method::PATCH, &one, "application/json"),
    ] {
        let call = || caller.call(method.clone(), path);
        call().body(media_type, "[0]").send().await.is(400);
        call().body("text/plain", "x").send().await.is(415);
        call().body(media_type, " ".repeat(4001)).send().await.is(413);
    }
    refuse_whatever_it_is(caller, "{}").await;
    caller.delete(&format!("{subscription}?limit=x")).await.is(400);
    caller.delete(&subscription).await.is(204);
    caller.delete(&one).await.is(204);
    caller.seen()
}

/// Calls every operation in the ways that each of them refuses; `body` suits those that take one.
async fn refuse_whatever_it_is(caller: &Caller, body: &str) {
    for operation in caller.document.operations().iter().filter(|op| !op.is_listener()) {
        let path = operation.path.replace("{id}", "no-such-id");
        let call = |path: &str| caller.call(operation.method.clone(), path);
        call(&path).header("accept", "text/html").send().await.is(406);
        call(&format!("{path}?{}", "x".repeat(300))).send().await.is(414);
        if operation.path.contains("{id}") {
            call(&path).body("application/json", body.to_owned()).send().await.is(404);
        }
    }
}

/// The same as [`provoke`] of the admin API. Its deliveries come from a listener that first fails, and
/// then is gone.
async fn administer(admin: &Caller, caller: &Caller) -> BTreeSet<(String, u16)> {
    let listener = Listener::with(|n| Reaction::Status(if n < 2 { 500 } else { 410 })).await;
    let id = subscribe(caller, &listener.callback(), None).await;
    caller.create_sample("call").await;
    until(admin, &id, |now| now["deadDeliveries"] == 1).await;
    let dead = admin.get("/deliveries").await.is(200).text_at("/0/id");
    let one = format!("/subscriptions/{id}");
    let event = json!({"fromTime": "2999-01-01T00:00:00Z"}).to_string();
    let words = [("pause", ""), ("resume", ""), ("replay", &event)]
        .map(|(word, body)| (format!("{one}/{word}"), body.to_owned()));
    let redeliver = (format!("/deliveries/{dead}/redeliver"), String::new());
    admin.get("/subscriptions").await.is(200);
    for path in ["/subscriptions?limit=x", "/deliveries?limit=x", &format!("{one}?limit=x")] {
        admin.get(path).await.is(400);
    }
    for (path, body) in words.iter().chain([&redeliver]) {
        admin.post_text(path, body.clone()).await.is(200);
        admin.post_text(&format!("{path}?limit=x"), body.clone()).await.is(400);
    }
    let (replay, _) = &words[2];
    admin.post_text(replay, "[0]").await.is(400);
    admin.call(Method::POST, replay).body("text/plain", "x").send().await.is(415);
    admin.post_text(replay, " ".repeat(4001)).await.is(413);
    // The third attempt is the one asked for.
    until(admin, &id, |now| now["state"] == "ended").await;
    for (path, body) in words.iter().chain([&redeliver]) {
        admin.post_text(path, body.clone()).await.is(409);
    }
    admin.call(Method::POST, "/import").body(NDJSON, "{}").send().await.is(200);
    admin.call(Method::POST, "/import?limit=x").body(NDJSON, "{}").send().await.is(400);
    admin.call(Method::POST, "/import").body("text/plain", "x").send().await.is(415);
    admin.get("/export").await.is(200);
    admin.get("/export?limit=x").await.is(400);
    refuse_whatever_it_is(admin, &event).await;
    admin.seen()
}

async fn refuse_strangers(caller: &Caller) -> BTreeSet<(String, u16)> {
    for operation in caller.document.operations().iter().filter(|op| !op.is_listener()) {
        let path = operation.path.replace("{id}", "some-id");
        caller.call(operation.method.clone(), &path).send().await.is(401);
    }
    caller.seen()
}
