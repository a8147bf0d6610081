//! Lists from a replica: a real standby, whose replay is held up, goes on, and which is killed. Who
//! reads it never sees less than was promised, and never learns that it is away.

use harness::{Answer, Api, Caller, Database, TestServer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use test_postgres::{Cluster, FORGETFUL};
use tokio::task::yield_now;

/// A database, one that follows it, and a server on both.
struct Replicated {
    primary: Cluster,
    standby: Cluster,
    server: TestServer,
    caller: Caller,
}

impl Replicated {
    /// `None`: there is no PostgreSQL here.
    async fn start(staleness_ms: u32) -> Option<Self> {
        let primary = cluster()?;
        let standby = primary.standby(FORGETFUL).expect("a standby");
        let settings = settings(&standby, staleness_ms);
        let server = TestServer::on(Database::at(primary.url()), &settings).await;
        let caller = server.through(Api::V5).await;
        Some(Self { primary, standby, server, caller })
    }

    /// Another server on the same two.
    async fn beside(&self, staleness_ms: u32) -> (TestServer, Caller) {
        let settings = settings(&self.standby, staleness_ms);
        let server = TestServer::on(Database::at(self.primary.url()), &settings).await;
        let caller = server.through(Api::V5).await;
        (server, caller)
    }

    /// Replay is held up, or goes on.
    fn replay(&self, goes_on: bool) {
        let what = if goes_on { "resume" } else { "pause" };
        self.standby.sql(&[&format!("SELECT pg_wal_replay_{what}()")]).expect("a standby");
        if !goes_on {
            let state = "SELECT pg_get_wal_replay_pause_state()";
            while self.standby.sql(&[state]).unwrap() != "paused" {}
        }
    }
}

fn cluster() -> Option<Cluster> {
    if !test_postgres::is_installed() {
        assert!(std::env::var_os("CI").is_none(), "continuous integration has PostgreSQL");
        eprintln!("not tested: there is no PostgreSQL");
        return None;
    }
    Some(Cluster::start(FORGETFUL).expect("a cluster"))
}

/// Without delivery, which writes now and then, and lists show what their server has written.
fn settings(replica: &Cluster, staleness_ms: u32) -> String {
    let url = replica.url();
    format!(
        "explain = true\n[replica]\nurl = \"{url}\"\nstaleness_ms = {staleness_ms}\n\
         [delivery]\nenabled = false\n"
    )
}

/// For ever, as tests go.
const VERY_STALE: u32 = 3_600_000;

async fn list(caller: &Caller) -> Answer {
    caller.get("/partyInteraction").await.is(200)
}

fn is_from_replica(list: &Answer) -> bool {
    list.header("x-query-plan").contains("from the replica, at most ")
}

/// Lists until one comes from there, and answers with it.
async fn list_from(caller: &Caller, replica: bool) -> Answer {
    let until = async {
        loop {
            let list = list(caller).await;
            if is_from_replica(&list) == replica {
                return list;
            }
            yield_now().await;
        }
    };
    tokio::time::timeout(harness::DEADLINE, until).await.expect("a list from there")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_acknowledges_its_lists_show() {
    let Some(r) = Replicated::start(VERY_STALE).await else { return };
    let (other, other_caller) = r.beside(VERY_STALE).await;
    list_from(&other_caller, true).await;
    for n in 0..20 {
        r.caller.create_sample("call").await;
        assert_eq!(list(&r.caller).await.ids().len(), n + 1);
    }
    assert_eq!(list_from(&r.caller, true).await.ids().len(), 20);
    list_from(&other_caller, true).await;

    r.replay(false);
    let late = r.caller.create_sample("late").await.id();
    let own = list(&r.caller).await;
    assert!(!is_from_replica(&own) && own.ids().contains(&late), "{own}");
    // Who has acknowledged nothing is shown what is as old as allowed, and one interaction as it is.
    let others = list(&other_caller).await;
    assert!(is_from_replica(&others) && !others.ids().contains(&late), "{others}");
    other_caller.read(&late).await.is(200);

    r.replay(true);
    assert!(list_from(&r.caller, true).await.ids().contains(&late));
    r.server.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_is_older_than_the_bound() {
    let Some(r) = Replicated::start(VERY_STALE).await else { return };
    let (reader, reading) = r.beside(200).await;
    list_from(&reading, true).await;
    r.replay(false);
    let late = r.caller.create_sample("late").await.id();
    let fresh = list_from(&reading, false).await;
    assert!(fresh.ids().contains(&late), "{fresh}");
    // From now on it is too old, until it has caught up.
    for _ in 0..10 {
        assert!(!is_from_replica(&list(&reading).await));
    }
    r.replay(true);
    assert!(list_from(&reading, true).await.ids().contains(&late));
    r.server.stop().await;
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_goes_away_is_not_missed() {
    let Some(r) = Replicated::start(VERY_STALE).await else { return };
    let made = r.caller.create_sample("call").await.id();
    list_from(&r.caller, true).await;
    let (stopped, caller) = (Arc::new(AtomicBool::new(false)), r.server.through(Api::V5).await);
    let until_then = Arc::clone(&stopped);
    let listing = tokio::spawn(async move {
        while !until_then.load(Ordering::Relaxed) {
            list(&caller).await;
        }
    });
    tokio::task::block_in_place(|| r.standby.stop()).expect("a stop");
    stopped.store(true, Ordering::Relaxed);
    listing.await.unwrap();
    for _ in 0..20 {
        let list = list(&r.caller).await;
        assert!(!is_from_replica(&list));
        assert_eq!(list.ids(), [made.as_str()]);
    }
    r.standby.go_on().expect("a start");
    list_from(&r.caller, true).await;
    r.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_another_database_is_no_replica() {
    let Some(r) = Replicated::start(VERY_STALE).await else { return };
    let Some(foreign) = cluster() else { return };
    let stranger = TestServer::on(Database::at(foreign.url()), "").await;
    let strange = stranger.through(Api::V5).await;
    for _ in 0..3 {
        strange.create_sample("elsewhere").await;
    }
    let own = settings(&foreign, VERY_STALE);
    let server = TestServer::on(Database::at(r.primary.url()), &own).await;
    let caller = server.through(Api::V5).await;
    // Long enough for both to be looked at: the right one is taken.
    list_from(&r.caller, true).await;
    for _ in 0..100 {
        assert_eq!(list(&caller).await.ids(), [] as [&str; 0]);
    }
    server.stop().await;
    stranger.stop().await;
    r.server.stop().await;
}
