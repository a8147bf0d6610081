//! The database goes away and comes back: crashed and started again, or its connections ended one by
//! one. Nobody has to start our server again.

use crate::scene::{
    cluster, is_installed, reads_are_refused, recovers, server, through, writes_are_refused,
};
use crate::writers::Writers;
use harness::{Listener, eventually, shows};
use std::collections::BTreeSet;

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
    // Delivery went on by itself too.
    let made: BTreeSet<_> = crate::scene::creates_told(&caller).await;
    let told = |one: &harness::Notification| one.text_at("/event/partyInteraction/id").to_owned();
    eventually(async || {
        let known: BTreeSet<_> = listener.acknowledged().iter().map(|one| told(one)).collect();
        made.is_subset(&known)
    })
    .await;
    server.stop().await;
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
