//! A standby takes the primary's place, under load. With synchronous replication nothing that was
//! acknowledged is lost.

use crate::proxy::Proxy;
use crate::scene::{
    cluster, creates_told, is_installed, is_unavailable, recovers, server, through,
};
use crate::writers::Writers;
use harness::{Listener, eventually, shows};
use reqwest::Method;
use std::collections::BTreeSet;
use test_postgres::Cluster;

const RELOAD: &str = "SELECT pg_reload_conf()";

/// Commits wait for whoever follows; an empty name: for nobody.
fn wait_for(cluster: &Cluster, standby: &str) {
    let names = format!("ALTER SYSTEM SET synchronous_standby_names = '{standby}'");
    cluster.sql(&[&names, RELOAD]).unwrap();
}

/// Two, of which the first has nothing acknowledged that the second has not.
async fn primary_and_standby() -> [Cluster; 2] {
    let first = cluster(&[]);
    let second = first.standby(&["fsync=off"]).unwrap();
    wait_for(&first, "*");
    let is_safe = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    eventually(async || first.sql(&[is_safe]).unwrap() == "1").await;
    [first, second]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_all_that_was_acknowledged() {
    if !is_installed() {
        return;
    }
    shows!(["database.failover", "database.once"]);
    let [first, second] = primary_and_standby().await;
    let [one, two] = [Proxy::to(&first).await, Proxy::to(&second).await];
    // Of several the one that takes changes is meant, whichever comes first.
    let hosts = format!("{},{}", two.address(), one.address());
    let server = server(&format!("postgres://postgres@{hosts}/postgres")).await;
    let caller = through(&server).await;
    let listener = Listener::good().await;
    caller.post("/hub", &caller.api.subscription(&listener.callback())).await.is(201);
    let writers = Writers::start(&caller, "database");
    writers.make(200).await;
    first.stop().unwrap();
    second.promote().unwrap();
    recovers(&caller).await;
    writers.make(200).await;
    writers.end(&caller).await;
    let made = creates_told(&caller).await;
    eventually(async || {
        let told = listener.acknowledged();
        let told: BTreeSet<_> =
            told.iter().map(|one| one.text_at("/event/partyInteraction/id").to_owned()).collect();
        made.is_subset(&told)
    })
    .await;
    server.stop().await;
}

/// A machine that has frozen still takes connections, and says nothing on them.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_is_passed_over() {
    if !is_installed() {
        return;
    }
    shows!(["database.failover"]);
    let [first, second] = primary_and_standby().await;
    // So named that all begin with it.
    let [one, two] = [Proxy::to(&first).await, Proxy::to(&second).await];
    let hosts = format!("{},{}", one.address(), two.address());
    let server = server(&format!("postgres://postgres@{hosts}/postgres")).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    one.freeze(true);
    one.cut_all();
    second.promote().unwrap();
    recovers(&caller).await;
    caller.read(&id).await.is(200);
    server.stop().await;
    // One that has not met the first before.
    crate::scene::server(&format!("postgres://postgres@{hosts}/postgres")).await.stop().await;
}

/// Who ends PostgreSQL's wait for a standby, be it a timeout, has the commit done here and not there:
/// PostgreSQL only warns.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_replicated_is_not_acknowledged() {
    if !is_installed() {
        return;
    }
    shows!(["database.failover", "database.once"]);
    let cluster = cluster(&[]);
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    wait_for(&cluster, "nobody");
    let create = || {
        let call = caller.call(Method::POST, "/partyInteraction").header("idempotency-key", "1");
        call.body("application/json", caller.api.sample("call").to_string()).send()
    };
    // Whatever waits is not waited for: deliveries write too.
    let give_up =
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let mut answer = std::pin::pin!(create());
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut answer => break answer,
            () = tokio::task::yield_now() => drop(cluster.sql(&[give_up]).unwrap()),
        }
    };
    is_unavailable(answer, "cannot be reached");
    wait_for(&cluster, "");
    recovers(&caller).await;
    create().await.is(201);
    let all = caller.get("/partyInteraction").await.is(200);
    assert_eq!(all.header("x-total-count"), "1");
    server.stop().await;
}
