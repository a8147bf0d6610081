//! What several processes on one database learn of each other, and by what.
//!
//! Needs `TEST_POSTGRES_STORES`, as [`crate::store::comparison`] does, and says so without it.

use super::{PostgresOptions, PostgresStore};
use crate::store::comparison::{creation, psql, schema};
use crate::store::contract::delivery::DeliveryStore;
use crate::store::contract::{PageQuery, Store};
use futures::future::join_all;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);
const DEADLINE: Duration = Duration::from_secs(30);

/// Two processes on an empty database.
struct Two {
    writer: PostgresStore,
    reader: PostgresStore,
    url: String,
}

impl Two {
    /// `None`: there is no PostgreSQL.
    async fn open(options: PostgresOptions) -> Option<Self> {
        let Ok(url) = std::env::var("TEST_POSTGRES_STORES") else {
            assert!(std::env::var_os("CI").is_none(), "continuous integration has a database");
            eprintln!("not tested: no TEST_POSTGRES_STORES");
            return None;
        };
        let url = schema(&url);
        let open = async || PostgresStore::open(&url, options.clone()).await.unwrap();
        Some(Self { writer: open().await, reader: open().await, url })
    }

    /// Writes until the reader has seen some of it.
    async fn see(&self) {
        let writing = async {
            for place in 0.. {
                assert!(self.writer.create(vec![creation(1, 1, 0, place)]).await.unwrap());
                self.writer.delete("1".to_owned(), 1, Vec::new()).await.unwrap();
            }
        };
        let seen = async {
            tokio::select! {
                seen = self.reader.log_beyond(0) => seen.unwrap(),
                () = writing => 0,
            }
        };
        assert!(timeout(DEADLINE, seen).await.expect("news in time") > 0);
    }

    async fn close(self) {
        self.writer.close().await.unwrap();
        self.reader.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creates_with_one_id_one_is_made_however_many_share_a_commit() {
    let Some(two) = Two::open(PostgresOptions::default()).await else { return };
    for round in 0..5 {
        let all = (0..64).map(|n| {
            let store = if n % 2 == 0 { &two.writer } else { &two.reader };
            // Each id four times, and one that is there from the round before.
            let id = if n % 16 == 15 { (round * 16).max(1) - 1 } else { round * 16 + n % 16 + 1 };
            store.create(vec![creation(id, 1, n, i64::from(round) * 100 + i64::from(n))])
        });
        let made = join_all(all).await.into_iter().filter(|made| *made.as_ref().unwrap()).count();
        assert_eq!(made, if round == 0 { 16 } else { 15 });
    }
    let page = two.reader.page(PageQuery::default()).await.unwrap();
    let log = two.writer.events_after(0, 1000).await.unwrap();
    assert_eq!((page.total, log.events.len(), log.head), (76, 76, 76));
    let numbers: Vec<i64> = log.events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=76).collect::<Vec<_>>());
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_enough() {
    let options = PostgresOptions { look_every: NEVER, ..PostgresOptions::default() };
    let Some(two) = Two::open(options).await else { return };
    two.see().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_listened_on_again() {
    let options = PostgresOptions { look_every: NEVER, ..PostgresOptions::default() };
    let Some(two) = Two::open(options).await else { return };
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE query LIKE 'NOTIFY \"tmf683 ' || current_schema() || '\"%' AND state = 'idle'";
    // Both listen, sooner or later.
    let end = async { while psql(&two.url, ended) != "2" {} };
    timeout(DEADLINE, end).await.expect("two who listen");
    two.see().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_notice_is_needed() {
    let options = PostgresOptions { notices: false, ..PostgresOptions::default() };
    let Some(two) = Two::open(options).await else { return };
    two.see().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_is_there_when_asked_for() {
    let options = PostgresOptions { look_every: NEVER, notices: false, ..Default::default() };
    let Some(two) = Two::open(options).await else { return };
    let created = creation(1, 1, 0, 0);
    let path = created.record.extension_paths[0].clone();
    assert!(two.writer.create(vec![created]).await.unwrap());
    assert!(!two.reader.knows_extension_path(&path), "nobody has looked");
    two.reader.refresh().await.unwrap();
    assert!(two.reader.knows_extension_path(&path));
    two.close().await;
}
