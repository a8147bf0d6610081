//! Connections are bounded, on either side, and so is waiting: who finds none, or a lock that somebody
//! keeps, is told so, and the others go on.

use crate::proxy::Proxy;
use crate::scene::{
    cluster, is_installed, is_unavailable, reads_are_refused, recovers, server, through,
    writes_are_refused,
};
use futures::future::join_all;
use harness::{Api, DEADLINE, Database, TestServer, eventually, shows};
use reqwest::Client;
use serde_json::json;

/// What is said when all connections of our own are taken, or a lock.
const BUSY: &str = "Too many requests";
/// Streams at a time.
const STREAMS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_nobody_takes_stop_only_streams() {
    if !is_installed() {
        return;
    }
    shows!(["database.bounds"]);
    let cluster = cluster(&[]);
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    let mut large = caller.api.sample("large");
    large["description"] = "x".repeat(900 << 10).into();
    join_all((0..40).map(|_| caller.create(&large))).await;
    let id = caller.create_sample("small").await.id();
    let open = async || {
        let url = format!("{}/partyInteraction", caller.root());
        reqwest::get(url).await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let stream = open().await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    is_unavailable(caller.get("/partyInteraction").await, BUSY);
    caller.get("/partyInteraction?reason=small").await.is(200);
    caller.read(&id).await.is(200);
    caller.patch(&id, &json!({"status": "closed"})).await.is(200);
    drop(streams);
    eventually(async || open().await.status() == 200).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_connections_is_a_503() {
    if !is_installed() {
        return;
    }
    shows!(["database.away", "database.back"]);
    let cluster = cluster(&[]);
    // Of a role as of all: the same error, and superusers are let in.
    cluster.sql(&["CREATE ROLE care LOGIN", "CREATE SCHEMA care AUTHORIZATION care"]).unwrap();
    let server = server(&cluster.url().replace("postgres@", "care@")).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    let away = "cannot be reached";
    let limit = |most: i32| format!("ALTER ROLE care CONNECTION LIMIT {most}");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'care'";
    cluster.sql(&[&limit(0), end]).unwrap();
    writes_are_refused(&caller, &id, away).await;
    reads_are_refused(&caller, &id, away).await;
    cluster.sql(&[&limit(-1)]).unwrap();
    recovers(&caller).await;
    server.stop().await;
}

/// Locks are kept without a session by a transaction that is prepared and not ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_somebody_keeps_is_not_waited_for() {
    if !is_installed() {
        return;
    }
    shows!(["database.bounds", "database.back"]);
    let cluster = cluster(&["max_prepared_transactions=1"]);
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    for (lock, stops_reads) in
        [("SELECT one FROM counter FOR UPDATE", false), ("LOCK TABLE interaction", true)]
    {
        let keep = format!("BEGIN; {lock}; PREPARE TRANSACTION 'kept'");
        cluster.sql(&[&keep]).unwrap();
        let path = format!("/partyInteraction/{id}");
        let create = async || caller.post("/partyInteraction", &Api::V5.sample("call")).await;
        // Beside each other: they do not wait for one another's patience.
        let (writes, reads) = tokio::join!(
            join_all((0..20).map(|_| create())),
            join_all(["/partyInteraction", &path].map(|path| caller.get(path)))
        );
        writes.into_iter().for_each(|answer| drop(is_unavailable(answer, BUSY)));
        for answer in reads {
            if stops_reads {
                is_unavailable(answer, BUSY);
            } else {
                answer.is(200);
            }
        }
        cluster.sql(&["ROLLBACK PREPARED 'kept'"]).unwrap();
        recovers(&caller).await;
    }
    let all = caller.get("/partyInteraction").await.is(200);
    assert_eq!(all.ids(), [id]);
    server.stop().await;
}

/// As a machine does that is not cut off but does nothing. The database's own bounds do not help then.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_not_waited_for() {
    if !is_installed() {
        return;
    }
    shows!(["database.bounds", "database.back"]);
    let cluster = cluster(&[]);
    let proxy = Proxy::to(&cluster).await;
    // Writes wait for each other.
    let one_by_one = "[limits]\nwrite_batch = 1";
    let server = TestServer::on(Database::at(proxy.url()), one_by_one).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    caller.get("/partyInteraction").await.is(200);
    proxy.freeze(true);
    // More patient than other callers: the server waits longer than the database would. But not one write
    // after the other.
    let http = Client::builder().no_proxy().timeout(DEADLINE * 2).build().unwrap();
    let root = format!("{}/partyInteraction", caller.root());
    let mut calls = vec![
        http.get(format!("{root}/{id}")),
        http.get(&root),
        http.delete(format!("{root}/{id}")),
    ];
    calls.extend((0..16).map(|_| http.post(&root).json(&caller.api.sample("call"))));
    for answer in join_all(calls.into_iter().map(reqwest::RequestBuilder::send)).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 503, "{answer:?}");
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
    }
    proxy.freeze(false);
    recovers(&caller).await;
    server.stop().await;
}
