//! Lists that are longer than is read at once: whole, from one snapshot, and cut rather than kept.

use super::*;
use crate::store::contract::{Chunks, Page, StoreError};
use futures::StreamExt;
use std::time::Duration;

/// Interactions of some size, more than three chunks of them.
async fn filled(options: SqliteOptions) -> Fixture {
    let f = Fixture::with(options);
    let note = "x".repeat(16 << 10);
    for n in 0..120 {
        let text = format!(r#"{{"status":"s{}","note":[{{"text":"{note}"}}]}}"#, n % 2);
        f.store.create(record(&format!("i{n:03}"), 1, &text), vec![]).await.unwrap();
    }
    f
}

fn one_stream() -> SqliteOptions {
    SqliteOptions { stream_connections: 1, ..SqliteOptions::default() }
}

#[track_caller]
fn streamed(page: Page) -> Chunks {
    match page.items {
        Items::Streamed(chunks) => chunks,
        Items::Read(items) => panic!("{} items were read at once", items.len()),
    }
}

/// Streams as soon as nobody else does.
async fn stream(f: &Fixture) -> Chunks {
    loop {
        match f.store.page(asking("")).await {
            Ok(page) => return streamed(page),
            Err(StoreError::Busy) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_stream_is_one_snapshot() {
    let f = filled(SqliteOptions::default()).await;
    for (query, expected) in [("", 120), ("status=s0|s1", 120), ("note.text~^x", 120)] {
        let page = f.store.page(asking(query)).await.unwrap();
        assert_eq!((page.total, page.count), (expected, expected), "{query}");
        let mut chunks = streamed(page);
        let first = chunks.next().await.unwrap().unwrap();
        f.store.delete("i119".to_owned(), 1, vec![]).await.unwrap();
        let rest = chunks.try_concat().await.unwrap();
        let ids: Vec<_> = first.into_iter().chain(rest).map(|i| i.id).collect();
        assert_eq!(ids, (0..120).map(|n| format!("i{n:03}")).collect::<Vec<_>>(), "{query}");
        let again = record("i119", 1, r#"{"status":"s1","note":[{"text":"x"}]}"#);
        f.store.create(again, vec![]).await.unwrap();
    }
}

#[tokio::test]
async fn streams_leave_the_turns_of_short_lists_alone() {
    let f = filled(SqliteOptions { list_connections: 1, ..one_stream() }).await;
    let kept = stream(&f).await;
    assert!(matches!(f.store.page(asking("")).await, Err(StoreError::Busy)));
    assert_eq!(f.listed(&filter(""), 3, Some(2)).await.1.len(), 2);
    drop(kept);
    drop(stream(&f).await);
}

#[tokio::test]
async fn who_takes_nothing_loses_the_rest() {
    let f = filled(SqliteOptions { stream_stall: Duration::ZERO, ..one_stream() }).await;
    let stalled = stream(&f).await;
    // There is one stream at a time: that there is another tells that the first was given up.
    drop(stream(&f).await);
    let taken: Vec<_> = stalled.collect().await;
    let (last, before) = taken.split_last().unwrap();
    assert!(matches!(last, Err(StoreError::Failed { .. })));
    assert!(before.iter().all(Result::is_ok));
}

#[tokio::test]
async fn closing_cuts_streams() {
    let f = filled(SqliteOptions::default()).await;
    let chunks = stream(&f).await;
    f.store.close().await.unwrap();
    assert!(chunks.try_concat().await.is_err());
}
