//! `Idempotency-Key` on POST (TMF630 "Retry safety").

use crate::client::{Request, Response, Server, V4, V5, interaction};
use std::sync::Arc;

fn create(base: &str, key: &str, members: &str) -> Request {
    Request::new("POST", base, "").header("Idempotency-Key", key).body(&interaction(members))
}

/// What makes two answers the same.
fn told(response: &Response) -> (u16, &str, &str, &str) {
    let header = |name: &str| response.headers[name].as_str();
    (response.status, header("location"), header("etag"), &response.body)
}

async fn stored(server: &Server) -> String {
    let list = server.send(Request::new("GET", V5, "")).await;
    list.headers["x-total-count"].clone()
}

#[tokio::test]
async fn a_repetition_gets_the_same_answer_even_after_a_change_and_a_restart() {
    let server = Server::start().await;
    let request = create(V5, "k-1", r#""reason":"a","n":0.10"#).query("fields=reason,n");
    // The address is in the answer, and the server is on another port after a restart.
    let request = request.header("Host", "care.example");
    let first = server.send(request.clone()).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let change = Request::new("PATCH", V5, &id).header("Content-Type", "application/json");
    let changed = server.send(change.body(r#"{"reason":"b"}"#)).await;
    assert_ne!(changed.headers["etag"], first.headers["etag"]);
    let server = server.restart().await;
    let again = server.send(request).await;
    assert_eq!(told(&again), told(&first));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(stored(&server).await, "1");
    assert_eq!(server.get(V5, &id).await["reason"], "b");
}

#[tokio::test]
async fn a_key_is_good_for_one_request_at_one_address() {
    let server = Server::start().await;
    assert_eq!(server.send(create(V5, "k", r#""reason":"a""#)).await.status, 201);
    for other in [
        create(V5, "k", r#""reason":"b""#),
        create(V5, "k", r#""reason": "a""#),
        create(V5, "k", r#""reason":"a""#).query("fields=reason"),
    ] {
        server.send(other).await.error(409);
    }
    let v4 = r#"{"direction":"in","reason":"a","status":"opened","channel":[{"id":"7","href":"h"}],
                 "interactionDate":{"startDateTime":"2024-05-01T00:00:00Z"}}"#;
    let v4 = Request::new("POST", V4, "").header("Idempotency-Key", "k").body(v4);
    let made = server.send(v4).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(!made.headers.contains_key("idempotency-replayed"));
    assert_eq!(stored(&server).await, "2");
}

#[tokio::test]
async fn keys_that_are_none() {
    let server = Server::start().await;
    for key in ["", "two words", "é", &"x".repeat(256)] {
        let message = server.send(create(V5, key, r#""reason":"a""#)).await.error(400);
        assert!(message.contains("Idempotency-Key"), "{message}");
    }
    let twice = create(V5, "a", r#""reason":"a""#).header("Idempotency-Key", "a");
    server.send(twice).await.error(400);
    // What was refused is not remembered.
    server.send(create(V5, "k", r#""reason":1"#)).await.error(400);
    assert_eq!(server.send(create(V5, "k", r#""reason":"a""#)).await.status, 201);
    assert_eq!(server.send(create(V5, &"x".repeat(255), r#""reason":"a""#)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_at_once_one_is_made_and_all_are_answered_the_same() {
    let server = Arc::new(Server::start().await);
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let server = Arc::clone(&server);
            let request = create(V5, "k", r#""reason":"a""#);
            tokio::spawn(async move { server.send(request).await })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    assert!(answers.iter().all(|answer| told(answer) == told(&answers[0])));
    let first = answers.iter().filter(|a| !a.headers.contains_key("idempotency-replayed"));
    assert_eq!((first.count(), answers[0].status), (1, 201));
    assert_eq!(stored(&server).await, "1");
}
