//! What acknowledges an event, what does not, and when it is tried again. (TMF630 "Hub")

use crate::watching::{lag_is, state_of, subscribe, until};
use chrono::{DateTime, TimeDelta, Utc};
use harness::{Api, Listener, Reaction, TestServer, shows};
use serde_json::{Value, json};

const HASTY: &str = "[delivery]
    timeout_seconds = 1
    lease_seconds = 3
    retry_seconds = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]";

/// Any of them, in the head of an answer, acknowledges.
const ACKNOWLEDGING: [Reaction; 6] = [
    Reaction::Status(200),
    Reaction::Status(201),
    Reaction::Status(202),
    Reaction::Status(204),
    Reaction::Status(299),
    Reaction::BreakOff(200),
];

/// None of them does. 410 is another matter.
const FAILING: [Reaction; 14] = [
    Reaction::Status(301),
    Reaction::Status(304),
    Reaction::Status(400),
    Reaction::Status(401),
    Reaction::Status(404),
    Reaction::Status(409),
    Reaction::Status(413),
    Reaction::Status(429),
    Reaction::Status(500),
    Reaction::Status(503),
    Reaction::Status(599),
    Reaction::BreakOff(500),
    Reaction::HangUp,
    Reaction::Hang,
];

#[tokio::test(flavor = "multi_thread")]
async fn any_2xx_acknowledges_and_nothing_else() {
    for api in [Api::V4, Api::V5] {
        shows!(api, ["hub.acknowledged", "event.stable-id"]);
        let server = TestServer::with(HASTY).await;
        let (admin, caller) = (server.through(Api::ADMIN).await, server.through(api).await);
        // The first event fails in every way there is; each of the others is taken at once.
        let script = [&FAILING[..], &ACKNOWLEDGING[..]].concat();
        let listener = Listener::with(move |n| script[n]).await;
        let id = subscribe(&caller, &listener.callback(), None).await;
        let call = caller.create_sample("0").await.id();
        for reason in 1..ACKNOWLEDGING.len() {
            caller.patch(&call, &json!({"reason": reason.to_string()})).await.is(200);
        }
        let told = listener.receives(FAILING.len() + ACKNOWLEDGING.len()).await;
        let (first, others) = told.split_at(FAILING.len() + 1);
        assert!(first.iter().all(|event| *event == first[0]), "{api}: {told:?}");
        let mut events = others.to_vec();
        events.dedup();
        assert_eq!((events.len(), others.contains(&first[0])), (ACKNOWLEDGING.len() - 1, false));
        lag_is(&admin, &id, 0).await;
        server.stop().await;
    }
}

/// Between its failure and the next attempt.
#[track_caller]
fn wait(now: &Value) -> TimeDelta {
    let time = |name: &str| {
        let text = now[name].as_str().unwrap_or_else(|| panic!("no {name}: {now}"));
        DateTime::parse_from_rfc3339(text).unwrap()
    };
    time("nextAttemptAt") - time("lastErrorAt")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_may_ask_for_more_time() {
    shows!(["delivery.schedule", "delivery.retry-after"]);
    let settings = "[delivery]\nretry_seconds = [600]\nretry_after_most_seconds = 1800";
    let server = TestServer::with(settings).await;
    let (admin, v5) = (server.through(Api::ADMIN).await, server.through(Api::V5).await);
    let date = (Utc::now() + TimeDelta::minutes(20)).format("%a, %d %b %Y %H:%M:%S GMT");
    let date: &str = Box::leak(format!("Retry-After: {date}").into_boxed_str());
    // Seconds to wait, at least and at most. The schedule is kept give or take a fifth.
    for (reaction, least, most) in [
        (Reaction::Status(500), 480, 720),
        (Reaction::HangUp, 480, 720),
        (Reaction::Header(503, "Retry-After: 1000"), 1000, 1000),
        (Reaction::Header(429, "retry-after: 1000"), 1000, 1000),
        (Reaction::Header(503, "Retry-After: 5"), 480, 720),
        (Reaction::Header(503, "Retry-After: 1801"), 1800, 1800),
        (Reaction::Header(503, "Retry-After: 99999999999999999999999"), 1800, 1800),
        (Reaction::Header(503, "Retry-After: soon"), 480, 720),
        (Reaction::Header(503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"), 480, 720),
        (Reaction::Header(503, "Retry-After: Fri, 21 Oct 2095 07:28:00 GMT"), 1800, 1800),
        (Reaction::Header(503, date), 1100, 1200),
    ] {
        let listener = Listener::with(move |_| reaction).await;
        let id = subscribe(&v5, &listener.callback(), None).await;
        v5.create_sample("call").await;
        let now = until(&admin, &id, |now| now["nextAttemptAt"].is_string()).await;
        let (least, most) = (TimeDelta::seconds(least), TimeDelta::seconds(most));
        assert!((least..=most).contains(&wait(&now)), "{reaction:?}: {now}");
        v5.delete(&format!("/hub/{id}")).await.is(204);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    shows!(["delivery.redirects"]);
    let server = TestServer::with("[delivery]\nretry_seconds = []").await;
    let (admin, v4) = (server.through(Api::ADMIN).await, server.through(Api::V4).await);
    let elsewhere = Listener::good().await;
    let location: &str = Box::leak(format!("Location: {}", elsewhere.callback()).into_boxed_str());
    for status in [301, 302, 303, 307, 308] {
        let listener = Listener::with(move |_| Reaction::Header(status, location)).await;
        let id = subscribe(&v4, &listener.callback(), None).await;
        v4.create_sample("call").await;
        let now = until(&admin, &id, |now| now["deadDeliveries"] == 1).await;
        let told = now["lastError"].as_str().unwrap();
        assert!(told.contains(&status.to_string()) && told.contains("redirect"), "{now}");
        v4.delete(&format!("/hub/{id}")).await.is(204);
    }
    server.stop().await;
    assert_eq!(elsewhere.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_hangs_keeps_nobody_waiting() {
    shows!(["delivery.apart"]);
    let settings =
        "[delivery]\ntimeout_seconds = 60\nlease_seconds = 180\n[shutdown]\ngrace_seconds = 0";
    let server = TestServer::with(settings).await;
    let (admin, v5) = (server.through(Api::ADMIN).await, server.through(Api::V5).await);
    let hanging = Listener::with(|_| Reaction::Hang).await;
    let good = Listener::good().await;
    let id = subscribe(&v5, &hanging.callback(), None).await;
    subscribe(&v5, &good.callback(), None).await;
    for reason in 0..20 {
        v5.create_sample(&reason.to_string()).await;
    }
    good.acknowledges(20).await;
    hanging.receives(4).await;
    // All this in less than the time of one attempt, of which there are four at a time.
    let now = state_of(&admin, &id).await;
    assert_eq!((&now["failedAttempts"], now.get("lastError")), (&json!(0), None), "{now}");
    assert_eq!((&now["lag"], hanging.received()), (&json!(20), 4));
    server.stop().await;
}
