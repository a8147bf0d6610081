//! No room: what was begun is undone, what is there is read, and with room again writes go on.

use crate::scene::{
    cluster, health, is_installed, is_unavailable, reads_go_on, reasons, recovers, server, through,
};
use crate::writers::Writers;
use harness::{Answer, Caller, TestServer, eventually, shows};
use test_postgres::{Cluster, FORGETFUL, SmallDisk};

/// More than an empty database needs, and soon full.
const TABLES_MIB: u32 = 16;
/// More than PostgreSQL writes before it begins to use its log again.
const LOG_MIB: u32 = 96;

/// Where mounting is not allowed this is not tested, but for continuous integration.
fn small_disk(mebibytes: u32) -> Option<SmallDisk> {
    match SmallDisk::mount(mebibytes) {
        Ok(disk) => Some(disk),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("not tested: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A create that needs pages of its own.
async fn large(caller: &Caller) -> Answer {
    let mut noise = String::new();
    while noise.len() < 64 << 10 {
        noise.push_str(&uuid::Uuid::new_v4().to_string());
    }
    let mut body = caller.api.sample("large");
    body["description"] = noise.into();
    caller.post("/partyInteraction", &body).await
}

/// The disk of a server's database fills up, and there is room again.
async fn takes_nothing_and_loses_nothing(server: &TestServer, disk: &SmallDisk) {
    let caller = through(server).await;
    let id = caller.create_sample("call").await.id();
    let full = "disk is full";
    let ballast = disk.fill().unwrap();
    while large(&caller).await.status == 201 {}
    let writers = Writers::start(&caller, full);
    writers.are_refused(1).await;
    is_unavailable(large(&caller).await, full);
    reads_go_on(&caller, &id).await;
    std::fs::remove_file(ballast).unwrap();
    recovers(&caller).await;
    writers.make(100).await;
    writers.end(&caller).await;
}

/// PostgreSQL's tables have a disk of their own, which fills up.
#[tokio::test(flavor = "multi_thread")]
async fn full_tables_take_nothing_and_lose_nothing() {
    if !is_installed() {
        return;
    }
    let Some(disk) = small_disk(TABLES_MIB) else { return };
    shows!(["database.full", "database.back", "database.once"]);
    let cluster = cluster(&[]);
    let tablespace = format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display());
    cluster.sql(&[&tablespace, "ALTER DATABASE postgres SET default_tablespace = small"]).unwrap();
    let server = server(&cluster.url()).await;
    takes_nothing_and_loses_nothing(&server, &disk).await;
    server.stop().await;
}

/// SQLite's file has a disk that fills up, with its log. What was acknowledged is there for the next
/// server, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_takes_nothing_and_loses_nothing() {
    let Some(disk) = small_disk(TABLES_MIB) else { return };
    shows!(["database.full", "database.back", "database.once"]);
    let file = disk.path().join("tmf683.db");
    let mut server = server(&format!("sqlite:{}", file.display())).await;
    takes_nothing_and_loses_nothing(&server, &disk).await;
    let made = reasons(&through(&server).await).await;
    server.restart().await;
    assert_eq!(reasons(&through(&server).await).await, made);
    server.stop().await;
}

/// The log has a disk of its own: without room there PostgreSQL panics, and cannot begin again before
/// there is some.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_costs_nothing() {
    if !is_installed() {
        return;
    }
    let Some(disk) = small_disk(LOG_MIB) else { return };
    shows!(["database.away", "database.back", "database.once"]);
    let cluster = Cluster::start_with_log_on(&disk, FORGETFUL).unwrap();
    let server = server(&cluster.url()).await;
    let caller = through(&server).await;
    let ballast = disk.fill().unwrap();
    // It is told that the disk is full, or nothing any more.
    let writers = Writers::start(&caller, "database");
    writers.are_refused(1).await;
    let said = || std::fs::read_to_string(cluster.log()).unwrap();
    eventually(async || said().contains("PANIC")).await;
    std::fs::remove_file(ballast).unwrap();
    // It may have come to itself, or not: then an operator starts it.
    eventually(async || health(&caller, "ready").await.status == 200 || cluster.go_on().is_ok())
        .await;
    recovers(&caller).await;
    writers.make(100).await;
    writers.end(&caller).await;
    server.stop().await;
}
