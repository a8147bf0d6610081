//! The log of amendments: complete, whoever writes, and bounded.

use super::*;
use crate::store::contract::{ImportBatch, ImportItem, OnConflict, Sameness};

/// What is kept of the index in these tests: all of it.
fn keeping() -> Fixture {
    Fixture::with(SqliteOptions { walked_entries: 0, ..SqliteOptions::default() })
}

async fn total(f: &Fixture, query: &str) -> u64 {
    f.listed(&filter(query), 0, Some(1)).await.0
}

#[tokio::test]
async fn whatever_changes_an_interaction_is_noticed() {
    let f = keeping();
    for id in ["a", "b", "c", "d", "e"] {
        f.store.create(record(id, 1, r#"{"status":"s"}"#), vec![]).await.unwrap();
    }
    assert_eq!((total(&f, "status=s").await, f.count("amendment")), (5, 0));
    let other = || record("a", 2, r#"{"status":"t"}"#);
    f.store.replace(other(), 1, vec![]).await.unwrap();
    assert_eq!((total(&f, "status=s").await, f.count("amendment")), (4, 1));
    f.store.delete("b".to_owned(), 1, vec![]).await.unwrap();
    assert_eq!((total(&f, "status=s").await, f.count("amendment")), (3, 2));
    let creation = Creation { record: record("c", 2, r#"{"status":"t"}"#), events: vec![] };
    let sameness = Sameness::ByMembersBut(Vec::new());
    let batch = ImportBatch {
        items: [ImportItem { creation, sameness }].into(),
        on_conflict: OnConflict::Replace,
    };
    f.store.import(batch).await.unwrap();
    assert_eq!((total(&f, "status=s").await, f.count("amendment")), (2, 3));
    // A process that knows nothing of the log.
    let behind = "DELETE FROM attribute WHERE seq = 4; DELETE FROM interaction WHERE seq = 4";
    f.sql().execute_batch(behind).unwrap();
    assert_eq!((total(&f, "status=s").await, f.count("amendment")), (1, 4));
    // What did not happen is not in it.
    f.store.replace(other(), 1, vec![]).await.unwrap();
    f.store.delete("b".to_owned(), 1, vec![]).await.unwrap();
    assert_eq!((total(&f, "").await, f.count("amendment")), (3, 4));
}

#[tokio::test]
async fn a_log_that_does_not_reach_back_is_done_without() {
    let f = keeping();
    for id in ["a", "b", "c"] {
        f.store.create(record(id, 1, r#"{"status":"s"}"#), vec![]).await.unwrap();
    }
    assert_eq!((total(&f, "status=s").await, total(&f, "status!=s").await), (3, 0));
    for id in ["a", "b"] {
        f.store.replace(record(id, 2, r#"{"status":"t"}"#), 1, vec![]).await.unwrap();
    }
    f.sql().execute("DELETE FROM amendment WHERE number = 1", []).unwrap();
    assert_eq!((total(&f, "status=s").await, total(&f, "status!=s").await), (1, 2));
}

#[tokio::test]
async fn the_log_is_bounded() {
    let f = keeping();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    let many = "INSERT INTO amendment (seq)
        WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200000)
        SELECT 1 FROM n";
    f.sql().execute_batch(many).unwrap();
    let kept = f.count("amendment");
    assert!((65_536..65_536 + 1024).contains(&kept), "{kept}");
    assert_eq!(f.count("amendment WHERE number = 200000"), 1, "the last one is always there");
}
