//! What several processes on one database learn of each other, and by what.
//!
//! Needs `TEST_POSTGRES_STORES`, as [`crate::store::comparison`] does, and says so without it.

use super::{PostgresOptions, PostgresStore};
use crate::store::comparison::{creation, psql, schema};
use crate::store::contract::Store;
use crate::store::contract::delivery::DeliveryStore;
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
