//! The database goes away and comes back: crashed and started again, or its connections ended one by
//! one. Nobody has to start our server again.

use crate::scene::{
    cluster, creates_told, is_installed, reads_are_refused, recovers, server, through,
    writes_are_refused,
};
use crate::writers::Writers;
use harness::{Caller, Listener, Notification, eventually, shows};
use reqwest::Method;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What is said of a database that is not there.
const AWAY: &str = "cannot be reached";

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_database_costs_nothing() {
    if !is_installed() {
        return;
    }
    shows!(["database.away", "database.back", "database.once"]);
    let cluster = cluster(&[]);
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    let listener = Listener::good().await;
    caller.post("/hub", &caller.api.subscription(&listener.callback())).await.is(201);
    let id = caller.create_sample("first").await.id();
    let streamed = Arc::<Mutex<Vec<String>>>::default();
    let stream = tokio::spawn(follow(caller.clone(), Arc::clone(&streamed)));
    let writers = Writers::start(&caller, AWAY);
    for _ in 0..2 {
        writers.make(100).await;
        cluster.stop().unwrap();
        writes_are_refused(&caller, &id, AWAY).await;
        reads_are_refused(&caller, &id, AWAY).await;
        writers.are_refused(1).await;
        cluster.go_on().unwrap();
        recovers(&caller).await;
    }
    writers.make(100).await;
    writers.end(&caller).await;
    // Those who are told went on by themselves too.
    let made = creates_told(&caller).await;
    let id = |one: &Arc<Notification>| one.text_at("/event/partyInteraction/id").to_owned();
    eventually(async || {
        let told: BTreeSet<_> = listener.acknowledged().iter().map(id).collect();
        made.is_subset(&told)
    })
    .await;
    eventually(async || {
        let told = streamed.lock().unwrap().clone();
        let each: BTreeSet<_> = told.iter().cloned().collect();
        assert_eq!(each.len(), told.len(), "told twice");
        made.is_subset(&each)
    })
    .await;
    stream.abort();
    server.stop().await;
}

/// Reads the stream of events, and takes it up where it ends: whose creation it tells of.
async fn follow(caller: Caller, told: Arc<Mutex<Vec<String>>>) {
    let mut last = "0".to_owned();
    loop {
        let call = caller.call(Method::GET, "/events").header("accept", "text/event-stream");
        let mut stream = call.header("last-event-id", &last).stream().await;
        while let Some(event) = stream.next().await {
            last = event.id;
            if event.kind == "PartyInteractionCreateEvent" {
                let id = event.body["event"]["partyInteraction"]["id"].as_str().unwrap();
                told.lock().unwrap().push(id.to_owned());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_ended_by_an_operator_are_made_again() {
    if !is_installed() {
        return;
    }
    shows!(["database.back", "database.once"]);
    let cluster = cluster(&[]);
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    let writers = Writers::start(&caller, AWAY);
    for _ in 0..10 {
        writers.make(20).await;
        let ended = cluster.sql(&["SELECT count(pg_terminate_backend(pid)) > 0
             FROM pg_stat_activity WHERE application_name = 'tmf683'"]);
        assert_eq!(ended.unwrap(), "t");
    }
    recovers(&caller).await;
    writers.end(&caller).await;
    server.stop().await;
}
