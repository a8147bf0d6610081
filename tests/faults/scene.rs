//! What the scenarios have in common: a cluster, what is answered while it fails, and what has to be
//! there afterwards.

use harness::{Answer, Api, Caller, Database, TestServer, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_postgres::{Cluster, FORGETFUL};

/// Whether there is a PostgreSQL to break. Continuous integration may not do without.
pub fn is_installed() -> bool {
    let is = test_postgres::is_installed();
    assert!(is || std::env::var_os("CI").is_none(), "PostgreSQL is not installed");
    if !is {
        eprintln!("not tested: PostgreSQL is not installed");
    }
    is
}

/// A cluster that forgets what the machine forgets, which is not what is tested.
pub fn cluster(settings: &[&str]) -> Cluster {
    let settings: Vec<&str> = FORGETFUL.iter().chain(settings).copied().collect();
    Cluster::start(&settings).unwrap()
}

/// A server on a cluster, or whatever else the URL leads to.
pub async fn server(url: &str) -> TestServer {
    TestServer::on(Database::at(url), "").await
}

/// Insists on the answer of a server whose database fails: it says that it is the database, and when to
/// try again.
#[track_caller]
pub fn is_unavailable(answer: Answer, why: &str) -> Answer {
    let answer = answer.refuses(503, why);
    assert!(answer.header("retry-after").parse::<u64>().is_ok(), "{answer}");
    answer
}

/// Every kind of request there is. What does not touch the store is not among them.
pub fn requests(caller: &Caller, id: &str) -> (Vec<(Method, String, Value)>, Vec<String>) {
    let one = format!("/partyInteraction/{id}");
    let writes = vec![
        (Method::POST, "/partyInteraction".to_owned(), caller.api.sample("call")),
        (Method::DELETE, one.clone(), Value::Null),
        (Method::POST, "/hub".to_owned(), caller.api.subscription("http://127.0.0.1:9/")),
    ];
    let reads = ["/partyInteraction", "/partyInteraction?status=opened&sort=reason", "/events"];
    (writes, reads.into_iter().map(str::to_owned).chain([one]).collect())
}

/// All that changes something is refused, and says why.
pub async fn writes_are_refused(caller: &Caller, id: &str, why: &str) {
    let patch = caller.patch(id, &json!({"status": "closed"})).await;
    is_unavailable(patch, why);
    for (method, path, body) in requests(caller, id).0 {
        let mut call = caller.call(method, &path);
        if !body.is_null() {
            call = call.body("application/json", body.to_string());
        }
        is_unavailable(call.send().await, why);
    }
    assert_eq!(health(caller, "ready").await.status, 503);
    health(caller, "live").await.is(200);
}

/// All that only looks is refused, and says why.
pub async fn reads_are_refused(caller: &Caller, id: &str, why: &str) {
    for path in requests(caller, id).1 {
        is_unavailable(caller.get(&path).await, why);
    }
}

/// All that only looks is answered.
pub async fn reads_go_on(caller: &Caller, id: &str) {
    for path in requests(caller, id).1 {
        caller.get(&path).await.is(200);
    }
}

/// Waits until the server says of itself that it is ready, and holds it to that.
pub async fn recovers(caller: &Caller) {
    eventually(async || health(caller, "ready").await.status == 200).await;
    let id = caller.create_sample("recovered").await.id();
    reads_go_on(caller, &id).await;
    caller.delete(&format!("/partyInteraction/{id}")).await.is(204);
}

/// What `/health` answers.
pub async fn health(caller: &Caller, what: &str) -> Answer {
    caller.get_url(&format!("{}/health/{what}", caller.origin())).await
}

/// The reason of each interaction, with its id; sorted.
pub async fn reasons(caller: &Caller) -> Vec<(String, String)> {
    let list = caller.get("/partyInteraction?fields=reason").await.is(200);
    let mut reasons: Vec<_> = list.each("reason").into_iter().zip(list.ids()).collect();
    assert_eq!(list.header("x-total-count"), reasons.len().to_string());
    reasons.sort();
    reasons
}

/// The id of the interaction of each create in the log, which tells of none twice.
pub async fn creates_told(caller: &Caller) -> BTreeSet<String> {
    let (mut told, mut events) = (BTreeSet::new(), BTreeSet::new());
    let mut url = format!("{}/events?since=0", caller.root());
    loop {
        let page = caller.get_url(&url).await.is(200);
        for event in page.json().as_array().unwrap() {
            assert!(events.insert(event["eventId"].to_string()), "told twice: {event}");
            if event["eventType"] == "PartyInteractionCreateEvent" {
                let id = event["event"]["partyInteraction"]["id"].as_str().unwrap();
                assert!(told.insert(id.to_owned()), "told twice: {event}");
            }
        }
        let next = page.link("next").unwrap();
        if next == url {
            return told;
        }
        url = next;
    }
}

/// A caller of the latest version.
pub async fn through(server: &TestServer) -> Caller {
    server.through(Api::V5).await
}
