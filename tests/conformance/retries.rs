//! `Idempotency-Key`: a create that is repeated happens once. (TMF630 "Retry safety")

use futures::future::join_all;
use harness::{APIS, Answer, Caller, TestServer, shows};
use reqwest::Method;
use serde_json::{Value, json};

/// The address is in the answer, and a server has another port after a restart.
const HOST: &str = "care.example";

async fn create(caller: &Caller, key: &str, query: &str, body: &Value) -> Answer {
    let call = caller.call(Method::POST, &format!("/partyInteraction{query}"));
    let call = call.header("idempotency-key", key).header("host", HOST);
    call.body("application/json", body.to_string()).send().await
}

/// What makes two answers the same.
fn told(answer: &Answer) -> (u16, &str, &str, &str) {
    (answer.status, answer.header("location"), answer.header("etag"), &answer.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_create_happens_once() {
    for api in APIS {
        shows!(api, ["retry.replay"]);
        let mut server = TestServer::start().await;
        let caller = server.through(api).await;
        let body = api.sample("call");
        let first = create(&caller, "k-1", "?fields=reason", &body).await.is(201);
        assert_eq!(first.maybe_header("idempotency-replayed"), None, "{first}");
        caller.patch(&first.id(), &json!({"reason": "changed"})).await.is(200);
        server.restart().await;
        let caller = server.through(api).await;
        let again = create(&caller, "k-1", "?fields=reason", &body).await;
        assert_eq!(told(&again), told(&first));
        assert_eq!(again.header("idempotency-replayed"), "true");
        let all = caller.get("/partyInteraction").await.is(200);
        assert_eq!(all.each("reason"), ["changed"], "{all}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_made() {
    for api in APIS {
        shows!(api, ["retry.replay"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let body = api.sample("call");
        let answers = join_all((0..16).map(|_| create(&caller, "k", "", &body))).await;
        assert!(answers.iter().all(|answer| told(answer) == told(&answers[0])), "{answers:?}");
        let first = answers.iter().filter(|a| a.maybe_header("idempotency-replayed").is_none());
        assert_eq!((first.count(), answers[0].status), (1, 201));
        assert_eq!(caller.get("/partyInteraction").await.header("x-total-count"), "1");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_for_one_request() {
    for api in APIS {
        shows!(api, ["retry.other-body", "retry.keys"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let (one, other) = (api.sample("one"), api.sample("other"));
        // What was refused is not remembered.
        create(&caller, "k", "", &json!({})).await.is(400);
        create(&caller, "k", "", &one).await.is(201);
        create(&caller, "k", "", &other).await.is(409);
        create(&caller, "k", "?fields=none", &one).await.is(409);
        create(&caller, "another", "", &one).await.is(201);
        for key in ["", "two words", &"x".repeat(256)] {
            create(&caller, key, "", &one).await.refuses(400, "Idempotency-Key");
        }
        assert_eq!(caller.get("/partyInteraction").await.header("x-total-count"), "2");
        server.stop().await;
    }
}
