//! The emitted client's calls as they arrive: what a server would see, and how answers come back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::json;
use tmf683_generated::calling::Hooks;
use tmf683_generated::v5::{client, types};
use tmf683_generated::{v4, v5};

/// Answers one request with `answer`; the thread returns the request's text.
fn once(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = connection.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let length = text.split_once("content-length: ").and_then(|(_, rest)| {
                rest.split_once("\r\n").and_then(|(length, _)| length.parse().ok())
            });
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
            if count == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
                connection.write_all(answer.as_bytes()).unwrap();
                return text;
            }
        }
    });
    (base, seen)
}

fn client(base: &str) -> client::Client {
    client::Client::new_with_client(base, reqwest::Client::new(), Hooks::default())
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

#[tokio::test]
async fn a_list_takes_filters_and_gives_headers() {
    let answer = concat!(
        "HTTP/1.1 206 Partial Content\r\nx-total-count: 7\r\ncontent-length: 12\r\n",
        "connection: close\r\n\r\n[{\"id\":\"1\"}]"
    );
    let (base, seen) = once(answer);
    let filters = [("status", "open & shut"), ("relatedParty.id", "1")];
    let list = client(&base)
        .list_party_interaction_filtered(
            None,
            Some("id"),
            None,
            Some(1),
            None,
            Some("-id,status"),
            &filters,
        )
        .await
        .unwrap();
    assert_eq!(list.headers()["x-total-count"], "7");
    assert_eq!(list[0].id.as_deref(), Some("1"));
    let request = seen.join().unwrap();
    let line = "GET /partyInteraction?fields=id&limit=1&sort=-id%2Cstatus&status=open+%26+shut&relatedParty.id=1 HTTP";
    assert!(request.starts_with(line), "{request}");
}

#[tokio::test]
async fn each_patch_says_what_it_is() {
    let check = |request: String, media_type: &str, body: &str| {
        assert!(request.starts_with("PATCH /partyInteraction/a%20b HTTP"), "{request}");
        let header = format!("content-type: {media_type}\r\n");
        assert_eq!(request.matches("content-type: ").count(), 1, "{request}");
        assert!(request.contains(&header), "{request}");
        assert!(request.ends_with(body), "{request}");
    };
    let (base, seen) = once(EMPTY);
    let change = json!({ "reason": null });
    client(&base).merge_patch_party_interaction("a b", None, None, &change).await.unwrap();
    check(seen.join().unwrap(), "application/merge-patch+json", r#"{"reason":null}"#);

    let change = types::JsonPatchOperations(vec![types::JsonPatch {
        op: Some(types::JsonPatchOp::Remove),
        path: Some("/reason".to_owned()),
        ..Default::default()
    }]);
    let text = r#"[{"op":"remove","path":"/reason"}]"#;
    let (base, seen) = once(EMPTY);
    client(&base).json_patch_party_interaction("a b", None, None, &change).await.unwrap();
    check(seen.join().unwrap(), "application/json-patch+json", text);
    let (base, seen) = once(EMPTY);
    client(&base).json_patch_query_party_interaction("a b", None, None, &change).await.unwrap();
    check(seen.join().unwrap(), "application/json-patch-query+json", text);

    let (base, seen) = once(EMPTY);
    let v4 = v4::client::Client::new_with_client(&base, reqwest::Client::new(), Hooks::default());
    let change = json!({ "reason": "x" });
    v4.merge_patch_party_interaction("a b", None, None, &change).await.unwrap();
    check(seen.join().unwrap(), "application/merge-patch+json", r#"{"reason":"x"}"#);
}

#[tokio::test]
async fn hooks_see_the_request_and_errors_are_typed() {
    let answer = concat!(
        "HTTP/1.1 418 I'm a teapot\r\ncontent-length: 26\r\nconnection: close\r\n\r\n",
        "{\"code\":\"1\",\"reason\":\"no\"}"
    );
    let (base, seen) = once(answer);
    let hooks = Hooks::before(|request| {
        let value = reqwest::header::HeaderValue::from_static("Bearer t");
        request.headers_mut().insert("authorization", value);
    });
    let client = v5::client::Client::new_with_client(&base, reqwest::Client::new(), hooks);
    let error = client.retrieve_party_interaction("1", None, Some("\"e\"")).await.unwrap_err();
    let request = seen.join().unwrap();
    assert!(request.contains("authorization: Bearer t\r\n"), "{request}");
    assert!(request.contains("if-none-match: \"e\"\r\n"), "{request}");
    match error {
        client::Error::ErrorResponse(error) => {
            assert_eq!(error.status(), 418);
            assert_eq!(error.reason.as_deref(), Some("no"));
        }
        other => panic!("{other:?}"),
    }
}
