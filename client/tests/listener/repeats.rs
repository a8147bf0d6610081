//! Every event once: repeats, failures, and two at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use tmf683_client::listener::{HandlerError, Receiver, Seen, SeenInMemory, v5};
use tokio::sync::{Notify, Semaphore};

use crate::{CREATED, Heard, Listening, event, hearing, refuses};

/// A receiver whose handler says when it begins and waits until it may end.
struct Gate {
    heard: Heard<v5::Event>,
    begun: Arc<Notify>,
    go: Arc<Semaphore>,
}

fn gated() -> (Receiver<v5::Event>, Gate) {
    let (heard, begun, go) =
        (Heard::default(), Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let gate = Gate { heard: heard.clone(), begun: begun.clone(), go: go.clone() };
    let receiver = Receiver::v5(move |event| {
        let (heard, begun, go) = (heard.clone(), begun.clone(), go.clone());
        async move {
            begun.notify_one();
            go.acquire().await?.forget();
            heard.push(event);
            anyhow::Ok(())
        }
    });
    (receiver, gate)
}

#[tokio::test]
async fn a_repeat_is_acknowledged_and_not_handed_over() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    for id in ["a", "b", "a", "b", "a"] {
        assert_eq!(listening.event(id).await, 204);
    }
    assert_eq!(heard.ids(), ["a", "b"]);
    listening.stop().await;
}

#[tokio::test]
async fn without_an_id_every_notification_is_handed_over() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver).await;
    for body in [
        json!({"eventType": CREATED}),
        json!({"eventType": CREATED}),
        json!({"eventType": CREATED, "eventId": ""}),
        json!({"eventType": CREATED, "eventId": "", "event": {}}),
        json!({"eventType": CREATED, "eventId": null, "event": null}),
    ] {
        assert_eq!(listening.post(body).await.status(), 204);
    }
    assert_eq!(heard.ids(), ["-"; 5]);
    listening.stop().await;
}

#[tokio::test]
async fn what_failed_comes_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let receiver = Receiver::v5(move |_| {
        let call = count.fetch_add(1, Ordering::Relaxed);
        async move {
            match call {
                0 => Err("the database at 10.0.0.1 is down"),
                1 => panic!("a broken handler"),
                2 => std::future::pending().await,
                _ => Ok(()),
            }
        }
    });
    let listening = Listening::with(receiver.handler_timeout(Duration::from_millis(50))).await;
    refuses(listening.post(event("e")).await, 503, "could not be handled").await;
    refuses(listening.post(event("e")).await, 500, "broke").await;
    refuses(listening.post(event("e")).await, 503, "could not be handled").await;
    assert_eq!(listening.event("e").await, 204);
    assert_eq!(listening.event("e").await, 204);
    assert_eq!(calls.load(Ordering::Relaxed), 4);
    listening.stop().await;
}

#[tokio::test]
async fn two_at_the_same_time_are_one() {
    let (receiver, gate) = gated();
    let listening = Listening::with(receiver).await;
    let first = tokio::spawn(listening.request(event("e")).send());
    gate.begun.notified().await;
    let second = listening.post(event("e")).await;
    assert_eq!(second.headers()["retry-after"], "1");
    refuses(second, 503, "being handled").await;
    // Others are not held up.
    let other = tokio::spawn(listening.request(event("f")).send());
    gate.begun.notified().await;
    gate.go.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap().status(), 204);
    assert_eq!(other.await.unwrap().unwrap().status(), 204);
    assert_eq!(listening.event("e").await, 204);
    let mut ids = gate.heard.ids();
    ids.sort();
    assert_eq!(ids, ["e", "f"]);
    listening.stop().await;
}

#[tokio::test]
async fn no_more_at_once_than_allowed() {
    let (receiver, gate) = gated();
    let listening = Listening::with(receiver.at_once(1)).await;
    let first = tokio::spawn(listening.request(event("e")).send());
    gate.begun.notified().await;
    let second = listening.post(event("f")).await;
    assert_eq!(second.headers()["retry-after"], "1");
    refuses(second, 503, "too many").await;
    gate.go.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap().status(), 204);
    assert_eq!(listening.event("f").await, 204);
    assert_eq!(gate.heard.ids(), ["e", "f"]);
    listening.stop().await;
}

#[tokio::test]
async fn a_sender_that_hangs_up_takes_nothing_along() {
    let (receiver, gate) = gated();
    let listening = Listening::with(receiver).await;
    let impatient = tokio::spawn(listening.request(event("e")).send());
    gate.begun.notified().await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    assert_eq!(listening.event("e").await, 503);
    // Stopping would wait for it too, and does until its grace is over.
    assert!(!listening.running.stop(Duration::from_millis(50)).await);
    gate.go.add_permits(1);
    while gate.heard.ids().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(gate.heard.ids(), ["e"]);
}

/// A memory that can be broken.
#[derive(Default)]
struct Broken {
    contains: bool,
    remember: bool,
    memory: SeenInMemory,
}

impl Seen for Broken {
    fn contains<'a>(&'a self, event_id: &'a str) -> BoxFuture<'a, Result<bool, HandlerError>> {
        if self.contains {
            async { Err("lost".into()) }.boxed()
        } else {
            self.memory.contains(event_id)
        }
    }

    fn remember<'a>(&'a self, event_id: &'a str) -> BoxFuture<'a, Result<(), HandlerError>> {
        if self.remember {
            async { Err("lost".into()) }.boxed()
        } else {
            self.memory.remember(event_id)
        }
    }
}

#[tokio::test]
async fn a_memory_that_fails_loses_nothing() {
    let (receiver, heard) = hearing();
    let seen = Broken { contains: true, ..Default::default() };
    let listening = Listening::with(receiver.seen(seen)).await;
    assert_eq!(listening.event("e").await, 503);
    assert!(heard.ids().is_empty());
    listening.stop().await;

    let (receiver, heard) = hearing();
    let seen = Broken { remember: true, ..Default::default() };
    let listening = Listening::with(receiver.seen(seen)).await;
    assert_eq!(listening.event("e").await, 204);
    assert_eq!(listening.event("e").await, 204);
    assert_eq!(heard.ids(), ["e", "e"]);
    listening.stop().await;
}

#[tokio::test]
async fn the_bound_of_the_memory_can_be_set() {
    let (receiver, heard) = hearing();
    let listening = Listening::with(receiver.seen(SeenInMemory::new(1))).await;
    for id in ["a", "b", "b", "a"] {
        assert_eq!(listening.event(id).await, 204);
    }
    assert_eq!(heard.ids(), ["a", "b", "a"]);
    listening.stop().await;
}
