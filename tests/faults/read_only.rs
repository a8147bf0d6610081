//! A database that takes no changes: it says so, and is read. Once there is one that takes them, it is
//! found.

use crate::proxy::Proxy;
use crate::scene::{
    cluster, is_installed, reads_go_on, recovers, server, through, writes_are_refused,
};
use harness::{eventually, shows};

/// What is said of it.
const READ_ONLY: &str = "read-only";

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_is_read() {
    if !is_installed() {
        return;
    }
    shows!(["database.read-only", "database.back"]);
    let cluster = cluster(&[]);
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    let reload = "SELECT pg_reload_conf()";
    for _ in 0..2 {
        cluster.sql(&["ALTER SYSTEM SET default_transaction_read_only = on", reload]).unwrap();
        eventually(async || {
            caller.post("/partyInteraction", &caller.api.sample("?")).await.status == 503
        })
        .await;
        writes_are_refused(&caller, &id, READ_ONLY).await;
        reads_go_on(&caller, &id).await;
        cluster.sql(&["ALTER SYSTEM RESET default_transaction_read_only", reload]).unwrap();
        recovers(&caller).await;
    }
    server.stop().await;
}

/// A name, or a proxy, may lead to a standby for a while, and then to the primary again.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_led_to_a_standby_finds_the_primary_again() {
    if !is_installed() {
        return;
    }
    shows!(["database.read-only", "database.back"]);
    let primary = cluster(&[]);
    let proxy = Proxy::to(&primary).await;
    let server = server(&proxy.url()).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    let standby = primary.standby(&["fsync=off"]).unwrap();
    let place = "SELECT pg_current_wal_lsn()";
    let place = primary.sql(&[place]).unwrap();
    let caught_up = format!("SELECT pg_last_wal_replay_lsn() >= '{place}'");
    eventually(async || standby.sql(&[&caught_up]).unwrap() == "t").await;
    // What is read there from now on is old.
    standby.sql(&["SELECT pg_wal_replay_pause()"]).unwrap();

    proxy.lead_to(&standby);
    proxy.cut_all();
    eventually(async || caller.read(&id).await.status == 200).await;
    writes_are_refused(&caller, &id, READ_ONLY).await;
    reads_go_on(&caller, &id).await;

    proxy.lead_to(&primary);
    eventually(async || caller.delete(&format!("/partyInteraction/{id}")).await.status == 204)
        .await;
    // The connections to the standby are still there, and nobody reads from them.
    for _ in 0..20 {
        caller.read(&id).await.is(404);
        assert_eq!(caller.get("/partyInteraction").await.is(200).ids(), [] as [String; 0]);
    }
    recovers(&caller).await;
    server.stop().await;
}
