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
