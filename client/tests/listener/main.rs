//! Listeners on real sockets, posted to as servers do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod examples;
mod paths;
mod refusals;
mod repeats;
mod signatures;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tmf683_client::listener::{Listener, Notification, Receiver, Running, Wire, v5};

const CREATED: &str = "PartyInteractionCreateEvent";

/// A listener on a free port.
struct Listening<E: Wire> {
    running: Running<E>,
    http: reqwest::Client,
}

impl<E: Wire> Listening<E> {
    async fn at(listener: Listener<E>) -> Self {
        let running = listener.start(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { running, http: reqwest::Client::new() }
    }

    async fn with(receiver: Receiver<E>) -> Self {
        Self::at(Listener::new(receiver)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.local_addr())
    }

    /// A JSON body to the callback, not yet sent.
    fn request(&self, body: impl ToString) -> RequestBuilder {
        let request = self.http.post(self.url("/events")).body(body.to_string());
        request.header("Content-Type", "application/json")
    }

    async fn post(&self, body: impl ToString) -> Response {
        self.request(body).send().await.unwrap()
    }

    /// Posts an event that was created under `id`; gives the status.
    async fn event(&self, id: &str) -> u16 {
        self.post(event(id)).await.status().as_u16()
    }

    async fn stop(self) {
        assert!(self.running.stop(Duration::from_secs(10)).await);
    }
}

/// What a handler was called with, in order.
#[derive(Clone)]
struct Heard<E>(Arc<Mutex<Vec<Notification<E>>>>);

impl<E> Default for Heard<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<E> Heard<E> {
    fn push(&self, notification: Notification<E>) {
        self.0.lock().unwrap().push(notification);
    }

    fn take(&self) -> Vec<Notification<E>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Heard<v5::Event> {
    fn ids(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap();
        heard.iter().map(|event| event.id().unwrap_or("-").to_owned()).collect()
    }
}

/// A receiver that takes everything, and what it takes.
fn hearing() -> (Receiver<v5::Event>, Heard<v5::Event>) {
    let heard = Heard::default();
    let ears = heard.clone();
    let receiver = Receiver::v5(move |event| {
        ears.push(event);
        async { Ok::<_, String>(()) }
    });
    (receiver, heard)
}

fn event(id: &str) -> Value {
    let interaction = json!({"id": "1", "@type": "PartyInteraction", "status": "opened"});
    json!({"eventId": id, "eventType": CREATED, "event": {"partyInteraction": interaction}})
}

/// The answer is a TMF `Error` that names the culprit.
async fn refuses(response: Response, status: u16, culprit: &str) {
    let (came, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    assert_eq!(came, status, "{text}");
    assert_eq!(headers["content-type"], "application/json", "{text}");
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(error["status"], status.to_string(), "{text}");
    assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{text}");
    assert!(error["reason"].as_str().is_some_and(|reason| reason.contains(culprit)), "{text}");
}
