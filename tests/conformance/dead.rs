//! Deliveries that are given up: when the schedule ends, seen by the operator, tried again on request.
//! And subscriptions that end because their listener says so.

use crate::watching::{eventually, lag_is, state_of, subscribe, until};
use harness::{APIS, Answer, Api, Caller, Listener, Reaction, TestServer, shows};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Two further attempts, at once.
const HASTY: &str = "[delivery]\nretry_seconds = [0, 0]";
/// An attempt and those two.
const ATTEMPTS: usize = 3;

/// A listener that fails until it is told otherwise.
async fn failing() -> (Listener, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    let reaction = Arc::clone(&is_well);
    let listener = Listener::with(move |_| match reaction.load(Ordering::SeqCst) {
        true => Reaction::OK,
        false => Reaction::Status(507),
    });
    (listener.await, is_well)
}

async fn redeliver(admin: &Caller, id: &str) -> Answer {
    admin.post_text(&format!("/deliveries/{id}/redeliver"), "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_seen_and_tried_again() {
    let server = TestServer::with(HASTY).await;
    let admin = server.through(Api::ADMIN).await;
    for api in [Api::V4, Api::V5] {
        shows!(api, ["delivery.given-up", "admin.dead", "admin.redeliver", "event.stable-id"]);
        let caller = server.through(api).await;
        let (listener, is_well) = failing().await;
        let id = subscribe(&caller, &listener.callback(), None).await;
        let calls = [caller.create_sample("0").await.id(), caller.create_sample("1").await.id()];
        until(&admin, &id, |now| now["deadDeliveries"] == 2 && now["lag"] == 0).await;
        let of_us = format!("/deliveries?state=dead&subscriptionId={id}");
        let dead = admin.get(&of_us).await.is(200);
        assert_eq!(dead.header("x-total-count"), "2");
        let tried = listener.receives(2 * ATTEMPTS).await;
        assert_eq!(tried.len(), 2 * ATTEMPTS, "{tried:?}");
        let events = dead.each("eventId");
        assert_eq!(dead.each("interactionId"), calls);
        for shown in dead.json().as_array().unwrap() {
            let of_it = tried.iter().filter(|event| shown["eventId"] == **event);
            assert_eq!(of_it.count(), ATTEMPTS, "{shown}");
            assert_eq!((&shown["attempts"], &shown["state"]), (&json!(ATTEMPTS), &json!("dead")));
            assert_eq!(shown["eventType"], "PartyInteractionCreateEvent");
            assert_eq!(shown["subscriptionId"], json!(id));
            assert!(shown["lastError"].as_str().unwrap().contains("507"), "{shown}");
            assert!(shown["eventTime"].as_str() <= shown["diedAt"].as_str(), "{shown}");
        }
        let first = dead.text_at("/0/id");
        let page = admin.get(&format!("{of_us}&offset=1&limit=1")).await.is(200);
        assert_eq!((page.header("x-total-count"), page.ids()), ("2", dead.ids()[1..].to_vec()));

        // It fails again, and is dead again.
        assert_eq!(redeliver(&admin, &first).await.is(200).text_at("/state"), "queued");
        eventually(async || admin.get(&of_us).await.member("/0/attempts") == ATTEMPTS + 1).await;
        assert_eq!(listener.receives(2 * ATTEMPTS + 1).await.last(), Some(&events[0]));

        // Nothing is sent while it is paused; what was asked for goes first when it is resumed.
        admin.post_text(&format!("/subscriptions/{id}/pause"), "").await.is(200);
        redeliver(&admin, &first).await.is(200);
        let queued = admin.get(&of_us.replace("dead", "queued")).await.is(200);
        assert_eq!(queued.ids(), [first.as_str()]);
        assert_eq!(admin.get(&of_us).await.ids(), dead.ids()[1..]);
        // When the newer one is told, the pause of the older one is known.
        let other = Listener::good().await;
        let newer = subscribe(&caller, &other.callback(), None).await;
        let last = caller.create_sample("2").await.id();
        other.acknowledges(1).await;
        is_well.store(true, Ordering::SeqCst);
        admin.post_text(&format!("/subscriptions/{id}/resume"), "").await.is(200);
        let told = listener.acknowledges(2).await;
        assert_eq!(told[0].text_at("/eventId"), events[0]);
        assert_eq!(told[1].text_at("/event/partyInteraction/id"), last);
        told[0].is_declared_by(&caller.document);
        until(&admin, &id, |now| now["deadDeliveries"] == 1).await;
        redeliver(&admin, &first).await.refuses(404, &first);

        redeliver(&admin, &dead.ids()[1]).await.is(200);
        assert_eq!(listener.acknowledges(3).await[2].text_at("/eventId"), events[1]);
        until(&admin, &id, |now| now["deadDeliveries"] == 0).await;
        caller.delete(&format!("/hub/{newer}")).await.is(204);
        assert_eq!(admin.get(&of_us).await.text, "[]");
        caller.delete(&format!("/hub/{id}")).await.is(204);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_is_dead_no_longer() {
    shows!(["admin.replay"]);
    let server = TestServer::with(HASTY).await;
    let (admin, v4) = (server.through(Api::ADMIN).await, server.through(Api::V4).await);
    let (listener, is_well) = failing().await;
    let id = subscribe(&v4, &listener.callback(), None).await;
    for died in 1..=2 {
        v4.create_sample("call").await;
        until(&admin, &id, |now| now["deadDeliveries"] == died).await;
    }
    let events = admin.get("/deliveries").await.is(200).each("eventId");
    is_well.store(true, Ordering::SeqCst);
    let from = json!({"fromEventId": events[1]});
    let replayed = admin.post(&format!("/subscriptions/{id}/replay"), &from).await.is(200);
    assert_eq!(replayed.member("/deadDeliveries"), 1, "{replayed}");
    assert_eq!(listener.acknowledges(1).await[0].text_at("/eventId"), events[1]);
    lag_is(&admin, &id, 0).await;
    assert_eq!(admin.get("/deliveries").await.each("eventId"), events[..1]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_has_ended_for_good_and_may_come_again() {
    let server = TestServer::with(HASTY).await;
    let admin = server.through(Api::ADMIN).await;
    for api in APIS {
        shows!(api, ["delivery.gone", "admin.ended"]);
        let caller = server.through(api).await;
        let listener = Listener::with(|n| match n {
            0..ATTEMPTS => Reaction::Status(500),
            ATTEMPTS => Reaction::Status(410),
            _ => Reaction::OK,
        })
        .await;
        let id = subscribe(&caller, &listener.callback(), None).await;
        caller.create_sample("given up").await;
        until(&admin, &id, |now| now["deadDeliveries"] == 1).await;
        let dead = admin.get(&format!("/deliveries?subscriptionId={id}")).await.text_at("/0/id");
        caller.create_sample("refused").await;
        until(&admin, &id, |now| now["state"] == "ended").await;
        for word in ["pause", "resume"] {
            let path = format!("/subscriptions/{id}/{word}");
            admin.post_text(&path, "").await.refuses(409, "ended");
        }
        let from = json!({"fromTime": "2026-01-01T00:00:00Z"});
        admin.post(&format!("/subscriptions/{id}/replay"), &from).await.refuses(409, "ended");
        redeliver(&admin, &dead).await.refuses(409, "ended");
        caller.create_sample("unheard").await;

        let again = subscribe(&caller, &listener.callback(), None).await;
        assert_eq!(state_of(&admin, &again).await["state"], "active");
        assert_eq!(state_of(&admin, &id).await["state"], "ended", "it is still seen");
        let heard = caller.create_sample("heard").await.id();
        let told = listener.acknowledges(1).await;
        assert_eq!(told[0].text_at("/event/partyInteraction/id"), heard);
        lag_is(&admin, &again, 0).await;
        assert_eq!(listener.received(), ATTEMPTS + 2);
        caller.delete(&format!("/hub/{again}")).await.is(204);
    }
    server.stop().await;
}
