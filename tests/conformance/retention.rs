//! Events are kept for those who have still to get them, then removed; what that means for a replay, and
//! for who has lost some.

use crate::watching::{eventually, lag_is, state_of, subscribe, until};
use harness::{Api, Listener, TestServer, shows};
use serde_json::json;

/// Waits until so many events are kept. Not by asking for a replay: an event asked for is kept.
async fn kept_are(server: &TestServer, expected: i64) {
    let database = rusqlite::Connection::open(server.database()).unwrap();
    let count = || database.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0));
    eventually(async || count() == Ok(expected)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_cannot_be_told_again() {
    shows!(["events.retention", "admin.replay"]);
    let mut server = TestServer::on_sqlite("[events]\nretention_count = 2").await;
    let v5 = server.through(Api::V5).await;
    let listener = Listener::good().await;
    let mut closed = Listener::good().await;
    let id = subscribe(&v5, &listener.callback(), None).await;
    let waiting = subscribe(&v5, &closed.callback(), None).await;
    closed.close().await;
    // Of one interaction, so that they come in the order of the log.
    let call = v5.create_sample("0").await.id();
    for reason in 1..5 {
        v5.patch(&call, &json!({"reason": reason.to_string()})).await.is(200);
    }
    let told = listener.receives(5).await;
    let path = format!("/subscriptions/{id}/replay");
    // Old events are looked for when the server starts. What one has still to get stays.
    server.restart().await;
    let admin = server.through(Api::ADMIN).await;
    admin.post(&path, &json!({"fromEventId": told[0]})).await.is(200);
    listener.receives(10).await;
    assert_eq!(state_of(&admin, &waiting).await["lag"], 5);
    admin.post_text(&format!("/subscriptions/{waiting}/resume"), "").await.is(200);
    closed.open().await;
    closed.acknowledges(5).await;
    lag_is(&admin, &waiting, 0).await;
    lag_is(&admin, &id, 0).await;
    server.restart().await;
    let admin = server.through(Api::ADMIN).await;
    kept_are(&server, 2).await;
    let removed = json!({"fromEventId": told[0]});
    admin.post(&path, &removed).await.refuses(400, "/fromEventId");
    let long_ago = json!({"fromTime": "2000-01-01T00:00:00Z"});
    admin.post(&path, &long_ago).await.refuses(400, "/fromTime");
    let kept = json!({"fromEventId": told[3]});
    let again = listener.received();
    admin.post(&path, &kept).await.is(200);
    assert!(listener.receives(again + 2).await.ends_with(&told[3..]));
    assert_eq!(state_of(&admin, &id).await.get("lostEventsAt"), None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_events_is_marked() {
    shows!(["events.lost"]);
    let settings = "[events]\nretention_count = 1\nprune_beyond_cursors = true";
    let mut server = TestServer::on_sqlite(settings).await;
    let (admin, v5) = (server.through(Api::ADMIN).await, server.through(Api::V5).await);
    let mut listener = Listener::good().await;
    let id = subscribe(&v5, &listener.callback(), None).await;
    listener.close().await;
    for reason in 0..3 {
        v5.create_sample(&reason.to_string()).await;
    }
    assert_eq!(state_of(&admin, &id).await.get("lostEventsAt"), None);
    server.restart().await;
    let admin = server.through(Api::ADMIN).await;
    kept_are(&server, 1).await;
    let marked = until(&admin, &id, |now| now["lostEventsAt"].is_string()).await;
    assert_eq!(marked["lag"], 1, "{marked}");
    listener.open().await;
    admin.post_text(&format!("/subscriptions/{id}/resume"), "").await.is(200);
    let told = listener.acknowledges(1).await;
    assert_eq!(told[0].text_at("/event/partyInteraction/reason"), "2");
    lag_is(&admin, &id, 0).await;
    server.stop().await;
}
