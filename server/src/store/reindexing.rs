//! A PostgreSQL database whose index was made by the rules of an earlier release has one of ours
//! afterwards: what was found wrongly is not, what was not is, and what changes leaves nothing behind.
//!
//! Judged where `TEST_POSTGRES_STORES` tells of one, see [`super::comparison`]. The same of SQLite is told
//! in its `tests/files.rs`.

use super::comparison::database;
use super::contract::{Before, Items, PageQuery, Start, Store};
use super::postgres::{PostgresOptions, PostgresStore};
use crate::query::filter::tests::filter;
use std::process::Command;

const POSTGRES: &str = include_str!("postgres/migrations/0001_initial.sql");

/// More than are indexed together.
const MANY: usize = 700;

/// Interactions that are opened. The index says that all are closed.
fn rows() -> String {
    let row = |n: usize| {
        let date = format!("2026-01-01T00:{:02}:{:02}Z", n / 60, n % 60);
        let text = format!(r#"{{"status":"opened","reason":"{n}","creationDate":"{date}"}}"#);
        format!(
            "INSERT INTO interaction (seq, id, version, document) VALUES ({n}, '{n}', 1, '{text}');"
        )
    };
    (1..=MANY).map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_other_rules_is_made_anew() {
    let Some(url) = database() else { return };
    let entries = "INSERT INTO attribute_text SELECT 3, 'closed', seq FROM interaction;
         CREATE TABLE schema_version (one INTEGER PRIMARY KEY, version BIGINT NOT NULL);
         INSERT INTO schema_version VALUES (1, 1);";
    let counter = format!("UPDATE counter SET interaction = {MANY}, interactions = {MANY};");
    let all = ["BEGIN;", POSTGRES, &rows(), entries, &counter, "COMMIT"].concat();
    let made =
        Command::new("psql").args(["--quiet", "--dbname", &url, "--command"]).arg(all).status();
    assert!(made.unwrap().success());
    let store = PostgresStore::open(&url, PostgresOptions::default()).await.unwrap();
    judge(&store).await;
}

async fn judge(store: &dyn Store) {
    let total = async |query: &str| {
        let (filter, start) = (filter(query, ""), Start::Offset(0));
        let page = PageQuery { filter, start, limit: Some(1), ..PageQuery::default() };
        let page = store.page(page).await.unwrap();
        let is_empty = matches!(page.items, Items::Read(items) if items.is_empty());
        assert_eq!(is_empty, page.total == 0, "{query}");
        page.total
    };
    let many = MANY as u64;
    assert_eq!(total("status=closed").await, 0);
    assert_eq!(total("status=opened").await, many);
    assert_eq!(total("reason=650").await, 1);
    assert_eq!(total("creationDate>=2026-01-01T00:10:00Z").await, many - 599);
    let one = store.current("650").await.unwrap().unwrap();
    store.delete("650".to_owned(), Before::of(&one), vec![]).await.unwrap();
    assert_eq!(total("reason=650").await, 0);
    assert_eq!(total("status=opened").await, many - 1);
    store.close().await.unwrap();
}
