//! What is signed is taken, and nothing else; the handler never sees the rest.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tmf683_client::listener::Secret;

use crate::{Listening, event, hearing, refuses};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const FOREIGN: &str = "whsec_AAECAwQFBgcICQoLDA0ODw==";

fn secret(text: &str) -> Secret {
    text.parse().unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn over_the_wire() {
    let (receiver, heard) = hearing();
    let receiver = receiver.secret(secret(SECRET)).secret(secret(NEXT));
    let listening = Listening::with(receiver).await;
    let body = event("e").to_string();
    let sign = |by: &str, time: u64| secret(by).sign("e", time, body.as_bytes());
    let right = sign(SECRET, now());

    let send = async |time: String, signature: &str| {
        let request = listening.request(&body).header("webhook-id", "e");
        let request = request.header("webhook-timestamp", time);
        request.header("webhook-signature", signature).send().await.unwrap()
    };
    let refused = [
        (now().to_string(), sign(FOREIGN, now()), "webhook-signature"),
        (now().to_string(), "v1,AAAA".to_owned(), "webhook-signature"),
        (now().to_string(), String::new(), "webhook-signature"),
        (now().to_string(), secret(SECRET).sign("e", now(), b"{}"), "webhook-signature"),
        ((now() - 400).to_string(), sign(SECRET, now() - 400), "too long ago"),
        ((now() + 400).to_string(), sign(SECRET, now() + 400), "in the future"),
        ((now() - 100).to_string(), right.clone(), "webhook-signature"),
        ("soon".to_owned(), right.clone(), "webhook-timestamp"),
    ];
    for (time, signature, culprit) in refused {
        refuses(send(time, &signature).await, 401, culprit).await;
    }
    refuses(listening.post(&body).await, 401, "webhook-id").await;
    assert!(heard.ids().is_empty());

    let time = now();
    assert_eq!(send(time.to_string(), &sign(SECRET, time)).await.status(), 204);
    assert_eq!(heard.ids(), ["e"]);
    // The other secret, and both while one replaces the other: the event is a repeat by now.
    assert_eq!(send(time.to_string(), &sign(NEXT, time)).await.status(), 204);
    let both = format!("{} {}", sign(FOREIGN, time), sign(NEXT, time));
    assert_eq!(send(time.to_string(), &both).await.status(), 204);
    assert_eq!(heard.ids(), ["e"]);
    listening.stop().await;
}

#[tokio::test]
async fn the_tolerance_can_be_set() {
    let (receiver, heard) = hearing();
    let receiver = receiver.secret(secret(SECRET)).tolerance(Duration::from_secs(3600));
    let listening = Listening::with(receiver).await;
    let (body, time) = (event("e").to_string(), now() - 1800);
    let request = listening.request(&body).header("webhook-id", "another");
    let request = request.header("webhook-timestamp", time);
    let signature = secret(SECRET).sign("another", time, body.as_bytes());
    let response = request.header("webhook-signature", signature).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(heard.ids(), ["e"]);
    listening.stop().await;
}

#[tokio::test]
async fn without_a_secret_nothing_is_verified() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    let request = listening.request(event("e")).header("webhook-signature", "v1,AAAA");
    assert_eq!(request.send().await.unwrap().status(), 204);
    assert_eq!(heard.ids(), ["e"]);
    listening.stop().await;
}
