//! What was acknowledged is on disk, however the process ends. (DESIGN D8)

use harness::{APIS, Api, Caller, DEADLINE, Database, ServerProcess, TestServer, shows};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Clients that write at once.
const WRITERS: usize = 32;
/// Creates acknowledged before the process is ended, while all writers still write.
const ACKNOWLEDGED_BEFORE_THE_END: usize = 200;
/// More than any writer gets to do, so that none is done before the end.
const CREATES_PER_WRITER: usize = 10_000;

/// A writer: creates until the server is gone, and reports each id that was acknowledged.
async fn write(caller: Caller, writer: usize, acknowledged: UnboundedSender<String>) {
    for number in 0..CREATES_PER_WRITER {
        let body = caller.api.sample(&format!("writer {writer} call {number}")).to_string();
        let call = caller.call(reqwest::Method::POST, "/partyInteraction");
        match call.body("application/json", body).try_send().await {
            Ok(answer) if answer.status == 201 => {
                acknowledged.send(answer.id()).unwrap();
            }
            // A server that stops in order may still say so; it is not an acknowledgement.
            Ok(answer) => drop(answer.is(503)),
            Err(_) => return,
        }
    }
}

/// Writers at work, through all APIs, and what has been acknowledged to them.
async fn writers(server: &ServerProcess) -> (JoinSet<()>, UnboundedReceiver<String>) {
    let (sender, acknowledged) = unbounded_channel();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let caller = server.through(APIS[writer % APIS.len()]).await;
        writers.spawn(write(caller, writer, sender.clone()));
    }
    (writers, acknowledged)
}

async fn some(acknowledged: &mut UnboundedReceiver<String>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    while ids.len() < ACKNOWLEDGED_BEFORE_THE_END {
        let id = timeout(DEADLINE, acknowledged.recv()).await.expect("a create in time");
        ids.insert(id.unwrap());
    }
    ids
}

/// Everything acknowledged, once the writers have noticed the end.
async fn rest(
    mut ids: BTreeSet<String>,
    writers: JoinSet<()>,
    mut acknowledged: UnboundedReceiver<String>,
) -> BTreeSet<String> {
    timeout(DEADLINE, writers.join_all()).await.expect("writers that notice");
    while let Some(id) = acknowledged.recv().await {
        ids.insert(id);
    }
    ids
}

/// Starts again on the same database: all of `ids` are listed, and can be read through every API.
async fn all_there(database: &Database, ids: &BTreeSet<String>) {
    let mut server = ServerProcess::start_on(database, &[]).await;
    for api in APIS {
        let caller = server.through(api).await;
        let list = caller.get("/partyInteraction?fields=none").await.is(200);
        let listed: BTreeSet<_> = list.ids().into_iter().collect();
        let lost: Vec<_> = ids.difference(&listed).collect();
        assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), ids.len());
        assert_eq!(list.header("x-total-count"), listed.len().to_string());
    }
    let caller = server.through(Api::V5).await;
    for id in ids {
        caller.read(id).await.is(200);
    }
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sudden_death_loses_nothing_acknowledged() {
    shows!(["server.durable"]);
    let database = Database::empty();
    let mut server = ServerProcess::start_on(&database, &[]).await;
    let (writers, mut acknowledged) = writers(&server).await;
    let ids = some(&mut acknowledged).await;
    server.kill().await;
    let ids = rest(ids, writers, acknowledged).await;
    all_there(&database, &ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_in_flight() {
    shows!(["server.durable", "server.drains"]);
    let database = Database::empty();
    let mut server = ServerProcess::start_on(&database, &[]).await;
    let (writers, mut acknowledged) = writers(&server).await;
    let ids = some(&mut acknowledged).await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
    let ids = rest(ids, writers, acknowledged).await;
    if let Some(file) = database.file() {
        // Checkpointed: the file is whole without its log.
        let log = file.with_extension("db-wal");
        assert_eq!(log.metadata().map_or(0, |log| log.len()), 0, "{}", log.display());
    }
    all_there(&database, &ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_bytes_tags_and_deletions() {
    shows!(["server.durable"]);
    let mut server = TestServer::start().await;
    let (mut kept, mut deleted) = (Vec::new(), Vec::new());
    for api in APIS {
        let caller = server.through(api).await;
        let id = caller.create_sample("kept").await.id();
        caller.patch(&id, &serde_json::json!({"status": "patched"})).await.is(200);
        kept.push((id.clone(), with_tag(&caller, &id).await));
        let id = caller.create_sample("deleted").await.id();
        caller.delete(&format!("/partyInteraction/{id}")).await.is(204);
        deleted.push(id);
    }
    server.restart().await;
    for ((api, (id, before)), deleted) in APIS.iter().zip(&kept).zip(&deleted) {
        let caller = server.through(*api).await;
        assert_eq!(with_tag(&caller, id).await, *before);
        caller.read(deleted).await.is(404);
        let list = caller.get("/partyInteraction").await.is(200);
        assert_eq!(list.ids(), kept.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());
    }
    server.stop().await;
}

/// What a read shows but for the address, and its entity tag.
async fn with_tag(caller: &Caller, id: &str) -> (String, String) {
    let read = caller.read(id).await.is(200);
    (read.text.replace(caller.origin(), ""), read.header("etag").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_nobody_elses_to_read() {
    shows!(["server.private-file"]);
    let server = TestServer::on_sqlite("").await;
    server.through(Api::V5).await.create_sample("call").await;
    let directory = server.database().parent().unwrap().to_owned();
    let mut found = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("tmf683.db") {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(format!("{mode:o}"), "600", "{}", entry.path().display());
            found += 1;
        }
    }
    assert!(found >= 2, "a database and its log");
    server.stop().await;
}
