//! Bounds that need a connection: slow bodies, and what a request makes in the server.

use crate::client::{Request, Server, V4, V5, interaction};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = Server::with(|limits| limits.body_seconds = 1).await;
    for base in [V4, V5] {
        let since = Instant::now();
        let half = Request::new("POST", base, "").body("{\"reason\":");
        let response = half.send_announcing(server.address(), 1000).await;
        let message = response.error(408);
        assert!(message.contains("body_seconds"), "{message}");
        assert_eq!(response.headers["connection"], "close");
        assert!(since.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn dribbling_does_not_prolong_the_wait() {
    let server = Server::with(|limits| limits.body_seconds = 1).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head =
        format!("POST {V5}/partyInteraction HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let dribble = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        while writer.write_all(b" ").await.is_ok() {
            pace.tick().await;
        }
    });
    let mut answer = [0; 12];
    reader.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    // The server reads no more, so writing ends too.
    dribble.await.unwrap();
}

#[tokio::test]
async fn an_interaction_cannot_outgrow_its_bound() {
    let server = Server::with(|limits| limits.document_bytes = 2_000).await;
    let long = "x".repeat(1_500);
    let body = interaction(&format!(r#""reason":"{long}{long}""#));
    let refused = server.send(Request::new("POST", V5, "").body(&body)).await.error(413);
    assert!(refused.contains("document_bytes"), "{refused}");
    let id = server.create(&format!(r#""reason":"{long}""#)).await;
    let before = server.get(V5, &id).await;
    let copy = |to: usize| format!(r#"{{"op":"copy","from":"/reason","path":"/r{to}"}}"#);
    let copies: Vec<String> = (0..40).map(copy).collect();
    for (media_type, body) in [
        ("application/merge-patch+json", format!(r#"{{"description":"{long}"}}"#)),
        ("application/json-patch+json", format!("[{}]", copies.join(","))),
        ("application/json-patch+json", format!("[{}]", copy(1))),
    ] {
        let request = Request::new("PATCH", V5, &id).header("Content-Type", media_type);
        let refused = server.send(request.body(&body)).await.error(413);
        assert!(refused.contains("document_bytes"), "{refused}");
    }
    assert_eq!(server.get(V5, &id).await, before);
}

#[tokio::test]
async fn a_patch_has_only_so_many_operations() {
    let server = Server::with(|limits| limits.patch_operations = 2).await;
    let id = server.create(r#""reason":"x""#).await;
    let operations = [r#"{"op":"test","path":"/reason","value":"x"}"#; 3].join(",");
    let request = Request::new("PATCH", V5, &id)
        .header("Content-Type", "application/json-patch+json")
        .body(&format!("[{operations}]"));
    let refused = server.send(request).await.error(400);
    assert!(refused.contains("patch_operations"), "{refused}");
}

#[tokio::test]
async fn a_body_has_only_so_many_items_and_values() {
    let server = Server::with(|limits| (limits.array_items, limits.json_values) = (10, 45)).await;
    let array = |items: usize| format!("[{}]", vec!["0"; items].join(","));
    for (members, complaint) in [
        (format!(r#""x":{{"y":{}}}"#, array(11)), "in `/x/y` (limits.array_items)"),
        (
            format!(r#""x":[{}]"#, [array(9), array(9), array(9), array(9)].join(",")),
            "(limits.json_values)",
        ),
    ] {
        let request = Request::new("POST", V5, "").body(&interaction(&members));
        let refused = server.send(request).await.error(400);
        assert!(refused.contains(complaint), "{refused}");
    }
    // What patches make, step by step, is bounded too.
    let id = server.create(&format!(r#""reason":"a","x":[{}]"#, array(10))).await;
    let add = format!(r#"[{{"op":"add","path":"/x/-","value":{}}}]"#, array(10));
    let patch = || {
        let request = Request::new("PATCH", V5, &id);
        request.header("Content-Type", "application/json-patch+json").body(&add)
    };
    assert_eq!(server.send(patch()).await.status, 200);
    let before = server.get(V5, &id).await;
    let refused = server.send(patch()).await.error(413);
    assert!(refused.contains("limits.json_values"), "{refused}");
    assert_eq!(server.get(V5, &id).await, before);
}

/// The canonical form of what v4 sends is deeper than what was sent.
#[tokio::test]
async fn what_is_as_deep_as_it_may_be_can_be_read_again() {
    let server = Server::with(|limits| limits.json_depth = 100).await;
    let item = |depth: usize| {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let of = |rest: &str| format!(r#"{{"id":"1","href":"h","name":"n","role":"r"{rest}}}"#);
        let channel = of(&format!(r#","x":{deep}"#));
        format!(
            r#"{{"direction":"in","reason":"a","status":"opened","channel":[{}],
                 "interactionDate":{{"startDateTime":"2024-05-01T00:00:00Z"}},
                 "interactionItem":[{{"reason":"a","item":{},"channel":[{channel}]}}]}}"#,
            of(""),
            of("")
        )
    };
    server.send(Request::new("POST", V4, "").body(&item(96))).await.error(400);
    let made = server.send(Request::new("POST", V4, "").body(&item(95))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for base in [V4, V5] {
        let change = Request::new("PATCH", base, &id).header("Content-Type", "application/json");
        let changed = server.send(change.body(&format!(r#"{{"status":"by {base}"}}"#))).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let fields = Request::new("GET", base, &id).query("fields=status");
        assert_eq!(server.send(fields).await.json()["status"], format!("by {base}"));
    }
}
