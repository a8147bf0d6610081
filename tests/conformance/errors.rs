//! Errors have TM Forum's shape whatever went wrong, and waiting has an end. (TMF630 "Errors")

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use harness::{APIS, Answer, DEADLINE, TestServer, shows};
use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// `code`, `reason`, `status` and `@type`, and nothing that TM Forum's `Error` has not.
#[track_caller]
fn is_an_error(answer: &Answer) {
    let body = answer.json();
    let members = body.as_object().unwrap();
    for name in ["code", "reason", "status", "@type"] {
        assert!(members.get(name).is_some_and(Value::is_string), "{name}: {answer}");
    }
    let known = ["code", "reason", "status", "@type", "message", "referenceError"];
    assert!(members.keys().all(|name| known.contains(&name.as_str())), "{answer}");
    assert_eq!(body["status"], answer.status.to_string(), "{answer}");
    assert_eq!(body["@type"], "Error", "{answer}");
    assert!(answer.header("content-type").starts_with("application/json"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_the_same_shape() {
    let server = TestServer::with("[limits]\nbody_bytes = 2000\nurl_bytes = 200").await;
    for api in APIS {
        shows!(api, ["error.shape"]);
        let caller = server.through(api).await;
        let one = format!("/partyInteraction/{}", caller.create_sample("call").await.id());
        let long = format!("/partyInteraction?reason={}", "x".repeat(200));
        let call = |method, path: &str| caller.call(method, path);
        let json = "application/json";
        for (status, call) in [
            (400, call(Method::GET, "/partyInteraction?colour=red")),
            (400, call(Method::POST, "/partyInteraction").body(json, "{}")),
            (400, call(Method::POST, "/partyInteraction").body(json, "{")),
            (400, call(Method::PATCH, &one).body(json, "{\"id\": \"x\"}")),
            (404, call(Method::GET, "/partyInteraction/none")),
            (404, call(Method::DELETE, "/hub/none")),
            (405, call(Method::PUT, "/partyInteraction")),
            (405, call(Method::GET, "/hub/none")),
            (406, call(Method::GET, &one).header("accept", "text/html")),
            (412, call(Method::DELETE, &one).header("if-match", "\"x\"")),
            (413, call(Method::POST, "/hub").body(json, "x".repeat(2001))),
            (414, call(Method::GET, &long)),
            (415, call(Method::PATCH, &one).body("text/plain", "x")),
        ] {
            is_an_error(&call.send().await.is(status));
        }
        let subscription = api.subscription(&format!("http://127.0.0.1:9{}", api.base));
        caller.post("/hub", &subscription).await.is(201);
        is_an_error(&caller.post("/hub", &subscription).await.is(409));
    }
    server.stop().await;
}

/// Certification kits and gateways do so.
#[tokio::test(flavor = "multi_thread")]
async fn a_get_may_state_a_content_type() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["media.get-content-type"]);
        let caller = server.through(api).await;
        let one = format!("/partyInteraction/{}", caller.create_sample("call").await.id());
        for path in ["/partyInteraction", &one] {
            let plain = caller.get(path).await.is(200);
            for media_type in ["application/json", "application/json;charset=utf-8", "text/plain"] {
                let call = caller.call(Method::GET, path).header("content-type", media_type);
                assert_eq!(call.send().await.is(200).text, plain.text, "{media_type}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = TestServer::with("[limits]\nbody_seconds = 1").await;
    for api in APIS {
        shows!(api, ["media.slow-body"]);
        let caller = server.through(api).await;
        let address = caller.origin().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {}/partyInteraction HTTP/1.1\r\nHost: {address}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"reason\":",
            api.base
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let end = timeout(DEADLINE, stream.read_to_string(&mut answer));
        end.await.expect("the end of the connection").unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    server.stop().await;
}

/// While somebody else holds the database, writes wait: as many as may, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_waiting_writes_are_a_503() {
    for api in APIS {
        shows!(api, ["media.busy"]);
        let server = TestServer::on_sqlite("[limits]\nwrite_queue = 1").await;
        let caller = server.through(api).await;
        let other = rusqlite::Connection::open(server.database()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut answers: FuturesUnordered<_> = (0..8)
            .map(|number| {
                let (caller, body) = (caller.clone(), api.sample(&number.to_string()));
                async move { caller.post("/partyInteraction", &body).await }
            })
            .collect();
        let first = answers.next().await.unwrap().is(503);
        is_an_error(&first);
        assert!(first.header("retry-after").parse::<u64>().is_ok(), "{first}");
        other.execute_batch("ROLLBACK").unwrap();
        let mut made = 0;
        while let Some(answer) = answers.next().await {
            match answer.status {
                201 => made += 1,
                _ => drop(answer.is(503)),
            }
        }
        let all = caller.get("/partyInteraction").await.is(200);
        assert_eq!(all.header("x-total-count"), made.to_string(), "{all}");
        assert!(made > 0, "who waited was served");
        server.stop().await;
    }
}

/// A server that writes nothing still judges: its 503 says that the body was fine.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_judged_before_it_would_wait() {
    let server = TestServer::with("[limits]\nwrite_queue = 0\nwrite_batch = 1").await;
    for api in APIS {
        shows!(api, ["media.busy"]);
        let caller = server.through(api).await;
        let body = api.sample("call");
        is_an_error(&caller.post("/partyInteraction", &body).await.is(503));
        let mut wrong = body.clone();
        wrong["reason"] = Value::Bool(true);
        caller.post("/partyInteraction", &wrong).await.refuses(400, "/reason");
        let all = caller.get("/partyInteraction").await.is(200);
        assert_eq!(all.header("x-total-count"), "0", "{all}");
    }
    server.stop().await;
}
