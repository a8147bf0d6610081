//! Whatever is no notification: refused with a TMF `Error`, and the listener goes on.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tmf683_client::listener::Listener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{CREATED, Listening, event, hearing, refuses};

#[tokio::test]
async fn bodies() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    let odd = |member: &str| format!(r#"{{"eventType": "{CREATED}", {member}}}"#);
    let deep = format!(r#""deep": {}{}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (body, culprit) in [
        (String::new(), "EOF"),
        ("{".to_owned(), "EOF"),
        ("null".to_owned(), "null"),
        ("[]".to_owned(), "line 1"),
        ("\"\"".to_owned(), "line 1"),
        ("{} {}".to_owned(), "trailing"),
        ("{}".to_owned(), "eventType"),
        (r#"{"eventType": "ResourceCreateEvent"}"#.to_owned(), "ResourceCreateEvent"),
        (r#"{"eventType": 1}"#.to_owned(), "integer"),
        (odd(&deep), "recursion"),
        (odd(r#""eventId": 7"#), "integer"),
        (odd(r#""event": []"#), "line 1"),
        (odd(r#""event": {"partyInteraction": "7"}"#), "string"),
        (odd(r#""event": {"partyInteraction": {"note": {}}}"#), "sequence"),
        (odd(r#""eventId": "a", "eventId": "b""#), "duplicate"),
        (odd(r#""title": "\ud800""#), "line 1"),
    ] {
        refuses(listening.post(body).await, 400, culprit).await;
    }
    let long = odd(&format!(r#""event": {{"partyInteraction": "{}"}}"#, "ä".repeat(100_000)));
    let response = listening.post(long).await;
    assert!(response.content_length().unwrap() < 5000, "what is quoted is cut");
    refuses(response, 400, "äää").await;
    let latin = listening.request("").body(&b"{\"eventType\": \"\xe4\"}"[..]);
    refuses(latin.send().await.unwrap(), 400, "utf-8").await;
    assert!(heard.ids().is_empty());
    assert_eq!(listening.event("e").await, 204);
    listening.stop().await;
}

#[tokio::test]
async fn what_vendors_leave_out_or_add_is_no_fault() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    for (id, interaction) in [
        ("1", json!({})),
        ("2", json!({"id": "7", "extra": {"deep": [1]}})),
        ("3", json!({"@type": "MyInteraction", "relatedParty": [{"id": "42"}]})),
        ("4", json!({"relatedParty": [{"@type": "Odd", "partyOrPartyRole": {"@type": "Mine"}}]})),
    ] {
        let body = json!({"eventId": id, "eventType": CREATED, "vendor": true,
            "event": {"partyInteraction": interaction, "more": 1}});
        let response = listening.post(body).await;
        assert_eq!(response.status(), 204, "{}", response.text().await.unwrap());
    }
    assert_eq!(heard.ids(), ["1", "2", "3", "4"]);
    listening.stop().await;
}

#[tokio::test]
async fn media_types() {
    let (receiver, _) = hearing();
    let listening = Listening::with(receiver).await;
    let send = async |name: &str, value: &str| {
        let request = reqwest::Client::new().post(listening.url("/events"));
        let request = request.body(event("e").to_string()).header(name, value);
        request.send().await.unwrap()
    };
    for taken in ["application/json", "Application/JSON; charset=utf-8", "application/x+json"] {
        assert_eq!(send("Content-Type", taken).await.status(), 204, "{taken}");
    }
    assert_eq!(send("Content-Encoding", "identity").await.status(), 204);
    assert_eq!(send("X-None", "-").await.status(), 204);
    for other in ["text/plain", "", "application/xml", "json", "text/x+json"] {
        refuses(send("Content-Type", other).await, 415, "Content-Type").await;
    }
    refuses(send("Content-Encoding", "gzip").await, 415, "Content-Encoding").await;
    listening.stop().await;
}

#[tokio::test]
async fn methods() {
    let (receiver, _) = hearing();
    let listening = Listening::with(receiver).await;
    for path in ["/events", "/listener/partyInteractionStatusChangeEvent"] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let request = reqwest::Client::new().request(method, listening.url(path));
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["allow"], "POST");
            refuses(response, 405, "POST").await;
        }
    }
    listening.stop().await;
}

#[tokio::test]
async fn sizes() {
    let (receiver, heard) = hearing();
    let small = event("e").to_string();
    let listening = Listening::at(Listener::new(receiver).body_bytes(small.len())).await;
    refuses(listening.post(format!("{small} ")).await, 413, &small.len().to_string()).await;
    let pieces = small.clone().into_bytes().into_iter().chain(*b" ");
    let pieces = pieces.map(|byte| Ok::<_, std::io::Error>(vec![byte]));
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let unannounced = listening.request("").body(stream).send().await.unwrap();
    refuses(unannounced, 413, &small.len().to_string()).await;
    assert!(heard.ids().is_empty());
    assert_eq!(listening.post(small).await.status(), 204);
    listening.stop().await;
}

#[tokio::test]
async fn bodies_that_never_end() {
    let (receiver, heard) = hearing();
    let listener = Listener::new(receiver).body_timeout(Duration::from_millis(50));
    let listening = Listening::at(listener).await;
    let address = listening.url("").trim_start_matches("http://").to_owned();
    let head = "POST /events HTTP/1.1\r\nHost: me\r\nContent-Type: application/json\r\n\
                Content-Length: 10\r\n\r\n{";
    let mut slow = TcpStream::connect(&address).await.unwrap();
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("bodyTooSlow"), "{answer}");

    // Gone in the middle: nobody to answer to, and nothing handed over.
    let mut gone = TcpStream::connect(&address).await.unwrap();
    gone.write_all(head.as_bytes()).await.unwrap();
    drop(gone);
    assert_eq!(listening.event("e").await, 204);
    assert_eq!(heard.ids(), ["e"]);
    listening.stop().await;
}

#[tokio::test]
async fn without_a_signature_no_body_is_read() {
    let (receiver, _) = hearing();
    let receiver = receiver.secret("whsec_c2VjcmV0".parse().unwrap());
    let listening = Listening::with(receiver).await;
    let address = listening.url("").trim_start_matches("http://").to_owned();
    let mut stranger = TcpStream::connect(&address).await.unwrap();
    let head = "POST /events HTTP/1.1\r\nHost: me\r\nContent-Length: 100\r\n\r\n";
    stranger.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stranger.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    listening.stop().await;
}
