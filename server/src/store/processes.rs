//! What several processes on one database learn of each other, and by what.
//!
//! Needs `TEST_POSTGRES_STORES`, as [`super::comparison`] does, and says so without it.

use super::comparison::{before, creation, database, psql, psql_with};
use super::contract::delivery::DeliveryStore;
use super::contract::{Outcome, PageQuery, Store};
use super::postgres::{PostgresOptions, PostgresStore};
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
        let url = database()?;
        let open = async || PostgresStore::open(&url, options.clone()).await.unwrap();
        Some(Self { writer: open().await, reader: open().await, url })
    }

    /// Writes until the reader has seen some of it.
    async fn see(&self) {
        let writing = async {
            for place in 0.. {
                assert!(self.writer.create(vec![creation(1, 1, 0, place)]).await.unwrap());
                let before = before(&self.writer, "1", 1).await;
                self.writer.delete("1".to_owned(), before, Vec::new()).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn tables_may_be_partitioned_and_old_ranges_go() {
    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/");
    let Some(Two { writer, reader, url }) = Two::open(PostgresOptions::default()).await else {
        return;
    };
    assert!(writer.create(vec![creation(1, 1, 0, 0), creation(2, 1, 1, 0)]).await.unwrap());
    writer.close().await.unwrap();
    reader.close().await.unwrap();
    psql_with(&url, &["--file", &format!("{DOCS}partitioned.sql")]);
    let partitioned = "SELECT string_agg(relname::TEXT || partstrat::TEXT, ',' ORDER BY relname)
        FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid
        WHERE relnamespace = current_schema()::regnamespace";
    assert_eq!(psql(&url, partitioned), "attribute_instantr,attribute_textr,interactionh,outboxr");

    let store = PostgresStore::open(&url, PostgresOptions::default()).await.unwrap();
    let many = (3..100).map(|id| creation(id, 1, id, 1)).collect();
    assert!(store.create(many).await.unwrap());
    assert!(!store.create(vec![creation(99, 1, 0, 2)]).await.unwrap(), "an id is there once");
    let changed = creation(5, 2, 7, 3);
    let outcome = store.replace(changed.record, before(&store, "5", 1).await, changed.events);
    let outcome = outcome.await.unwrap();
    assert_eq!(outcome, Outcome::Done);
    let outcome = store.delete("99".to_owned(), before(&store, "99", 1).await, Vec::new());
    assert_eq!(outcome.await.unwrap(), Outcome::Done);
    let log = store.events_after(0, 1000).await.unwrap();
    assert_eq!((store.page(PageQuery::default()).await.unwrap().total, log.head), (98, 100));
    store.close().await.unwrap();

    psql_with(&url, &["--set", "up_to=90", "--file", &format!("{DOCS}retention.sql")]);
    let store = PostgresStore::open(&url, PostgresOptions::default()).await.unwrap();
    let page = store.page(PageQuery::default()).await.unwrap();
    assert_eq!((page.total, page.count), (8, 8));
    assert!(store.get("90").await.unwrap().is_none() && store.get("91").await.unwrap().is_some());
    store.close().await.unwrap();
}
