//! Several servers on one database: each is as good as the other, at any moment.

use crate::watching::subscribe;
use futures::future::join_all;
use harness::{Api, Caller, Listener, TestServer};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;

/// One caller of each of so many servers on one database.
async fn servers(count: usize, settings: &str) -> (Vec<TestServer>, Vec<Caller>) {
    let mut servers = vec![TestServer::with(settings).await];
    while servers.len() < count {
        servers.push(servers[0].beside().await);
    }
    let callers = join_all(servers.iter().map(|server| server.through(Api::V5))).await;
    (servers, callers)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_acknowledges_all_show() {
    let (servers, callers) = servers(3, "").await;
    for (place, caller) in callers.iter().enumerate() {
        let made = caller.create_sample("call").await;
        for other in &callers {
            let mut read = other.read(&made.id()).await;
            // On SQLite a moment later: see `Store::get`.
            while read.status == 404 && std::env::var("TEST_POSTGRES").is_err() {
                read = other.read(&made.id()).await;
            }
            assert_eq!(read.is(200).text_at("/id"), made.id());
            let all = other.get("/partyInteraction").await.is(200);
            assert_eq!(all.header("x-total-count"), (place + 1).to_string());
        }
    }
    join_all(servers.into_iter().map(TestServer::stop)).await;
}

/// More of a status than are counted anew each time, and each process changes what the other has counted.
#[tokio::test(flavor = "multi_thread")]
async fn totals_are_exact_whoever_writes() {
    let (servers, callers) = servers(2, "").await;
    let sample = callers[0].api.sample("call");
    let many: Vec<_> =
        (0..600).map(|_| json!({"op": "add", "path": "/", "value": sample})).collect();
    let create_all = || {
        let call = callers[0].call(Method::PATCH, "/partyInteraction");
        call.body("application/json-patch+json", json!(many).to_string())
    };
    let mut ids = create_all().send().await.is(200).ids();
    ids.extend(create_all().send().await.is(200).ids());
    let status = sample["status"].as_str().unwrap();
    let check = async |of_status: usize, all: usize| {
        for caller in &callers {
            for (query, total) in [
                ("".to_owned(), all),
                (format!("&status={status}"), of_status),
                (format!("&status.ne={status}"), all - of_status),
                (format!("&status={status}&creationDate.gt=2020-01-01"), of_status),
            ] {
                let last = total.saturating_sub(1);
                let path = format!("/partyInteraction?limit=5&offset={last}{query}");
                let page = caller.get(&path).await.is(200);
                assert_eq!(page.header("x-total-count"), total.to_string(), "{query}");
                assert_eq!(page.ids().len(), total.min(1), "{query}");
            }
        }
    };
    check(1200, 1200).await;
    for (round, place) in [3, 700, 1100].into_iter().enumerate() {
        let (one, other) = (&callers[round % 2], &callers[(round + 1) % 2]);
        one.patch(&ids[place], &json!({ "status": "odd" })).await.is(200);
        check(1199 - round, 1200).await;
        other.delete(&format!("/partyInteraction/{}", ids[place + 1])).await.is(204);
        one.create(&sample).await.is(201);
        check(1199 - round, 1200).await;
    }
    join_all(servers.into_iter().map(TestServer::stop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_good_once_whoever_is_asked() {
    let (servers, callers) = servers(3, "").await;
    for _ in 0..10 {
        let made = callers[0].create_sample("call").await;
        let path = format!("/partyInteraction/{}", made.id());
        let answers = join_all(callers.iter().enumerate().map(|(name, caller)| {
            let call = caller.call(Method::PATCH, &path).header("if-match", made.header("etag"));
            call.body("application/json", json!({ "status": name.to_string() }).to_string()).send()
        }))
        .await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412], "{answers:?}");
    }
    join_all(servers.into_iter().map(TestServer::stop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_once_whoever_is_asked() {
    let (servers, callers) = servers(3, "").await;
    for key in 0..10 {
        let key = format!("k-{key}");
        let answers = join_all((0..9).map(|n| {
            let call = callers[n % 3].call(Method::POST, "/partyInteraction");
            let call = call.header("idempotency-key", &key).header("host", "care.example");
            call.body("application/json", Api::V5.sample("call").to_string()).send()
        }))
        .await;
        let ids: BTreeSet<String> = answers.iter().map(|answer| answer.id()).collect();
        assert_eq!(ids.len(), 1, "{answers:?}");
    }
    let all = callers[0].get("/partyInteraction?limit=0").await;
    assert_eq!(all.header("x-total-count"), "10");
    join_all(servers.into_iter().map(TestServer::stop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_nobody_had_before_is_found_at_once_whoever_is_asked() {
    let (servers, callers) = servers(2, "").await;
    for n in 0..20 {
        let name = format!("mood{n}");
        let mut body = Api::V5.sample("call");
        body[&name] = json!({"level": n});
        let made = callers[0].create(&body).await.id();
        let query = format!("{name}.level={n}");
        let found = callers[1].get(&format!("/partyInteraction?{query}")).await.is(200);
        assert_eq!(found.ids(), [made], "{query}");
        let query = format!("event.partyInteraction.{name}.level={n}");
        let hub = json!({"@type": "Hub", "callback": "http://127.0.0.1:9/", "query": query});
        callers[1].post("/hub", &hub).await.is(201);
    }
    callers[1].get("/partyInteraction?mood20.level=1").await.refuses(400, "mood20.level");
    join_all(servers.into_iter().map(TestServer::stop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_the_events_of_all() {
    let (servers, callers) = servers(3, "").await;
    let call = callers[2].call(Method::GET, "/events?since=0");
    let mut stream = call.header("accept", "text/event-stream").stream().await;
    for caller in &callers {
        let id = caller.create_sample("call").await.id();
        let (told, _) = stream.take(1).await;
        assert_eq!(told[0]["event"]["partyInteraction"]["id"], id);
    }
    drop(stream);
    join_all(servers.into_iter().map(TestServer::stop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_told_once_whoever_wrote_it() {
    let (servers, callers) = servers(3, "").await;
    let listener = Listener::good().await;
    subscribe(&callers[1], &listener.callback(), None).await;
    let made = join_all((0..60).map(|n| callers[n % 3].create_sample("call"))).await;
    let ids: BTreeSet<String> = made.iter().map(|answer| answer.id()).collect();
    listener.acknowledges(60).await;
    join_all(servers.into_iter().map(TestServer::stop)).await;
    assert_eq!((ids.len(), listener.received()), (60, 60), "each, and none twice");
}
