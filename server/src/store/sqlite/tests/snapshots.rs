//! The snapshots reading threads keep: never older than a reply of this process, never in the way.

use super::*;
use crate::store::contract::Outcome;

/// Tries again until it holds.
async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_has_a_reply_reads_what_it_told_of() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    for version in 1..200 {
        assert_eq!(f.store.get("a").await.unwrap().unwrap().version, version);
        let outcome = f.store.replace(record("a", version + 1, "{}"), version, vec![]).await;
        assert_eq!(outcome.unwrap(), Outcome::Done);
    }
}

#[tokio::test]
async fn what_another_process_writes_is_seen_a_moment_later() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    f.store.get("a").await.unwrap();
    let other = Connection::open(&f.path).unwrap();
    other.execute("UPDATE interaction SET version = 2", []).unwrap();
    eventually(async || f.store.get("a").await.unwrap().unwrap().version == 2).await;
}

#[tokio::test]
async fn who_is_idle_does_not_hold_up_checkpoints() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    f.store.get("a").await.unwrap();
    let other = Connection::open(&f.path).unwrap();
    other.execute("UPDATE interaction SET version = 2", []).unwrap();
    eventually(async || {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        other.query_row(checkpoint, [], |row| row.get::<_, i64>(0)).unwrap() == 0
    })
    .await;
}
