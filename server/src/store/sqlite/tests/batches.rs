//! Group commit: shared transactions, failures that stay alone, a queue with an end.

use super::*;
use crate::store::contract::{Lack, StoreError};
use futures::future::join_all;
use std::sync::mpsc;
use std::time::Duration;

/// Keeps the writer busy until the sender is used or dropped.
async fn hold(f: &Fixture) -> (mpsc::Sender<()>, impl Future<Output = ()>) {
    let (go, wait) = mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let job = f.store.writer().submit("holding", move |_| {
        if let Some(started) = started.take() {
            started.send(()).unwrap();
        }
        let _ = wait.recv();
        Ok(())
    });
    let mut job = Box::pin(job);
    assert!(futures::poll!(&mut job).is_pending());
    has_started.await.unwrap();
    (go, async { job.await.unwrap() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_concurrent_creates_are_all_durable_in_few_commits() {
    let f = Fixture::new();
    let (go, held) = hold(&f).await;
    let ids: Vec<String> = (0..64).map(|n| format!("i{n}")).collect();
    let creates = ids.iter().map(|id| f.store.create(record(id, 1, "{}"), vec![event(id)]));
    let mut creates = Box::pin(join_all(creates));
    assert!(futures::poll!(&mut creates).is_pending());
    drop(go);
    held.await;
    assert!(creates.await.into_iter().all(|created| created.unwrap()));
    let stats = f.store.stats();
    assert_eq!((stats.commits, stats.jobs, stats.largest_batch), (2, 65, 64));
    let f = f.reopen().await;
    for id in &ids {
        assert!(f.store.get(id).await.unwrap().is_some());
    }
    assert_eq!((f.count("interaction"), f.count("outbox")), (64, 64));
}

#[tokio::test]
async fn a_batch_has_its_limit() {
    let f = Fixture::with(SqliteOptions { max_batch: 1, ..SqliteOptions::default() });
    let ids: Vec<String> = (0..10).map(|n| format!("i{n}")).collect();
    let creates = ids.iter().map(|id| f.store.create(record(id, 1, "{}"), vec![]));
    assert!(join_all(creates).await.into_iter().all(|created| created.unwrap()));
    assert_eq!((f.store.stats().commits, f.store.stats().largest_batch), (10, 1));
}

#[tokio::test]
async fn failing_and_panicking_jobs_fail_alone() {
    let f = Fixture::new();
    let (go, held) = hold(&f).await;
    let mut first = record("first", 1, "{}");
    first.extension_paths = vec!["kept".to_owned()];
    let mut broken = record("broken", 1, "{}");
    broken.extension_paths = vec!["lost".to_owned()];
    let twice = event("broken");
    let (first, broken, panicking, last) = (
        f.store.create(first, vec![]),
        f.store.create(broken, vec![twice.clone(), twice]),
        f.store.writer().submit("panicking", |unit| -> rusqlite::Result<()> {
            unit.connection.execute("INSERT INTO extension_path VALUES ('gone')", [])?;
            panic!("on purpose")
        }),
        f.store.create(record("last", 1, "{}"), vec![]),
    );
    let mut all = Box::pin(futures::future::join4(first, broken, panicking, last));
    assert!(futures::poll!(&mut all).is_pending());
    drop(go);
    held.await;
    let (first, broken, panicking, last) = all.await;
    assert!(first.unwrap() && last.unwrap());
    assert!(matches!(broken, Err(StoreError::Failed { what: "creating interactions", .. })));
    let Err(StoreError::Failed { what: "panicking", source }) = panicking else {
        panic!("{panicking:?}")
    };
    assert_eq!(source.to_string(), "panic: on purpose");
    assert!(f.store.get("last").await.unwrap().is_some());
    assert!(f.store.get("broken").await.unwrap().is_none());
    assert_eq!(f.count("extension_path"), 1);
    assert!(f.store.knows_extension_path("kept") && !f.store.knows_extension_path("lost"));
    assert_eq!((f.store.stats().failures, f.store.stats().commits), (2, 2));
    assert!(f.store.create(record("after", 1, "{}"), vec![]).await.unwrap());
}

#[tokio::test]
async fn a_failed_commit_fails_its_jobs_and_nothing_else() {
    let f = Fixture::new();
    // A deferred constraint is judged by the commit only.
    let sql = "CREATE TABLE child (of INTEGER REFERENCES interaction (seq)
                   DEFERRABLE INITIALLY DEFERRED)";
    f.sql().execute_batch(sql).unwrap();
    let (go, held) = hold(&f).await;
    let (create, orphan) = (
        f.store.create(record("a", 1, "{}"), vec![]),
        f.store.writer().submit("orphaning", |unit| {
            unit.connection.execute("INSERT INTO child VALUES (99)", [])
        }),
    );
    let mut both = Box::pin(futures::future::join(create, orphan));
    assert!(futures::poll!(&mut both).is_pending());
    drop(go);
    held.await;
    let (create, orphan) = both.await;
    assert!(matches!(create, Err(StoreError::Failed { what: "creating interactions", .. })));
    assert!(matches!(orphan, Err(StoreError::Failed { what: "orphaning", .. })));
    assert_eq!(f.store.get("a").await.unwrap(), None);
    assert!(f.store.create(record("a", 1, "{}"), vec![]).await.unwrap());
}

/// How long the file may become, in pages; at the least, as long as it is.
async fn bound(f: &Fixture, pages: i64) {
    let bound = f.store.writer().submit("bounding the file", move |unit| {
        unit.connection.pragma_update(None, "max_page_count", pages)
    });
    bound.await.unwrap();
}

#[tokio::test]
async fn without_room_nobody_is_to_blame() {
    let f = Fixture::new();
    assert!(f.store.create(record("before", 1, "{}"), vec![]).await.unwrap());
    bound(&f, 1).await;
    let large = format!(r#"{{"note":"{}"}}"#, "x".repeat(1 << 20));
    let (go, held) = hold(&f).await;
    let (small, large) = (
        f.store.create(record("small", 1, "{}"), vec![event("small")]),
        f.store.create(record("large", 1, &large), vec![event("large")]),
    );
    let mut both = Box::pin(futures::future::join(small, large));
    assert!(futures::poll!(&mut both).is_pending());
    drop(go);
    held.await;
    let (small, large) = both.await;
    for refused in [small, large] {
        let Err(StoreError::Unavailable { lack: Lack::Room, .. }) = refused else {
            panic!("{refused:?}")
        };
    }
    assert!(f.store.get("before").await.unwrap().is_some());
    assert_eq!((f.count("interaction"), f.count("outbox")), (1, 0));
    bound(&f, 1 << 30).await;
    assert!(f.store.create(record("small", 1, "{}"), vec![event("small")]).await.unwrap());
    assert_eq!((f.count("interaction"), f.count("outbox")), (2, 1));
}

#[tokio::test]
async fn what_may_not_be_written_is_read() {
    let f = Fixture::new();
    assert!(f.store.create(record("a", 1, "{}"), vec![]).await.unwrap());
    let close = f.store.writer().submit("allowing reads only", |unit| {
        unit.connection.pragma_update(None, "query_only", true)
    });
    close.await.unwrap();
    let refused = f.store.create(record("b", 1, "{}"), vec![]).await;
    let Err(StoreError::Unavailable { lack: Lack::Writing, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(f.store.get("a").await.unwrap().is_some());
    assert!(f.store.get("b").await.unwrap().is_none());
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let f = Fixture::with(SqliteOptions { queue_length: 2, ..SqliteOptions::default() });
    let (go, held) = hold(&f).await;
    let create = |id: &str| f.store.create(record(id, 1, "{}"), vec![]);
    let (mut one, mut two) = (create("1"), create("2"));
    assert!(futures::poll!(&mut one).is_pending() && futures::poll!(&mut two).is_pending());
    assert!(matches!(create("3").await, Err(StoreError::Busy)));
    drop(go);
    held.await;
    assert!(one.await.unwrap() && two.await.unwrap());
    assert!(create("3").await.unwrap());
}

#[tokio::test]
async fn a_queue_without_room_is_always_busy() {
    let f = Fixture::with(SqliteOptions { queue_length: 0, ..SqliteOptions::default() });
    let created = f.store.create(record("1", 1, "{}"), vec![]).await;
    assert!(matches!(created, Err(StoreError::Busy)));
    assert_eq!(f.store.get("1").await.unwrap(), None);
}

/// As room for what waits: for one such record, twice.
const LARGE: usize = 100_000;

fn large(id: &str) -> Record {
    record(id, 1, &format!(r#"{{"note":"{}"}}"#, "x".repeat(LARGE)))
}

#[tokio::test]
async fn what_waits_has_a_bound_in_bytes_whoever_has_gone_away() {
    let queue_bytes = 2 * LARGE + LARGE / 2;
    let f = Fixture::with(SqliteOptions { queue_bytes, ..SqliteOptions::default() });
    let (go, held) = hold(&f).await;
    for id in ["1", "2"] {
        let mut gone = f.store.create(large(id), vec![]);
        assert!(futures::poll!(&mut gone).is_pending());
    }
    assert!(matches!(f.store.create(large("3"), vec![]).await, Err(StoreError::Busy)));
    let told = vec![Event { document: large("4").interaction.text, ..event("4") }];
    assert!(matches!(f.store.delete("4".into(), 1, told).await, Err(StoreError::Busy)));
    let mut small = f.store.create(record("small", 1, "{}"), vec![]);
    assert!(futures::poll!(&mut small).is_pending());
    drop(go);
    held.await;
    assert!(small.await.unwrap());
    for id in ["1", "2"] {
        assert!(f.store.get(id).await.unwrap().is_some());
    }
    // What has been answered takes no room any more.
    for id in ["3", "4", "5", "6"] {
        assert!(f.store.create(large(id), vec![]).await.unwrap());
    }
}

#[tokio::test]
async fn a_write_larger_than_all_the_room_waits_alone() {
    let f = Fixture::with(SqliteOptions { queue_bytes: 1000, ..SqliteOptions::default() });
    let (go, held) = hold(&f).await;
    let mut alone = f.store.create(large("1"), vec![]);
    assert!(futures::poll!(&mut alone).is_pending());
    assert!(matches!(f.store.create(large("2"), vec![]).await, Err(StoreError::Busy)));
    drop(go);
    held.await;
    assert!(alone.await.unwrap());
    assert!(f.store.create(large("2"), vec![]).await.unwrap());
}

#[tokio::test]
async fn a_write_goes_on_when_nobody_waits() {
    let f = Fixture::new();
    let (go, held) = hold(&f).await;
    let mut create = f.store.create(record("a", 1, "{}"), vec![]);
    assert!(futures::poll!(&mut create).is_pending());
    drop(create);
    drop(go);
    held.await;
    f.store.check().await.unwrap();
    assert!(f.store.get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_lock_of_another_process_is_busy() {
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::default() };
    let f = Fixture::with(options);
    let other = f.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = f.store.create(record("a", 1, "{}"), vec![]).await;
    assert!(matches!(busy, Err(StoreError::Busy)));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(f.store.create(record("a", 1, "{}"), vec![]).await.unwrap());
}
