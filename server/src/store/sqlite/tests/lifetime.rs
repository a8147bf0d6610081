//! Closing, and the connections that threads hold.

use super::*;
use crate::store::contract::StoreError;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_finishes_what_is_queued_and_leaves_one_file() {
    let f = Fixture::new();
    let store = Arc::new(f.store);
    let mut creates = Vec::new();
    for n in 0..100 {
        let store = Arc::clone(&store);
        creates.push(tokio::spawn(async move {
            let created = store.create(record(&n.to_string(), 1, "{}"), vec![]).await;
            // Reads from all threads, so that all hold a connection when the store is closed.
            let read = store.get("0").await;
            assert!(matches!(read, Ok(_) | Err(StoreError::Closed)));
            created
        }));
    }
    creates.push(tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            store.close().await.unwrap();
            Ok(false)
        }
    }));
    let mut created = 0;
    for create in creates {
        match create.await.unwrap() {
            Ok(done) => created += i64::from(done),
            Err(e) => assert!(matches!(e, StoreError::Closed)),
        }
    }
    for suffix in ["-wal", "-shm"] {
        assert!(!PathBuf::from(format!("{}{suffix}", f.path.display())).exists(), "{suffix}");
    }
    let sql = Connection::open(&f.path).unwrap();
    let stored: i64 =
        sql.query_row("SELECT count(*) FROM interaction", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, created);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    f.store.get("a").await.unwrap();
    let (one, two) = tokio::join!(f.store.close(), f.store.close());
    one.and(two).unwrap();
    f.store.close().await.unwrap();
    let closed = |e| matches!(e, StoreError::Closed);
    assert!(closed(f.store.create(record("b", 1, "{}"), vec![]).await.unwrap_err()));
    assert!(closed(f.store.get("a").await.unwrap_err()));
    assert!(closed(f.store.page(asking("")).await.err().unwrap()));
    assert!(closed(f.store.check().await.unwrap_err()));
}

#[tokio::test]
async fn one_thread_reads_from_several_stores() {
    let stores = [Fixture::new(), Fixture::new(), Fixture::new()];
    for (n, f) in stores.iter().enumerate() {
        f.store.create(record("a", 1, &format!(r#"{{"n":{n}}}"#)), vec![]).await.unwrap();
    }
    stores[1].store.get("a").await.unwrap();
    stores[1].store.close().await.unwrap();
    for n in [0, 2, 0] {
        let read = stores[n].store.get("a").await.unwrap().unwrap();
        assert_eq!(read.text, format!(r#"{{"n":{n}}}"#));
    }
    assert!(matches!(stores[1].store.get("a").await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_store_on_the_same_path_is_another_store() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    f.store.get("a").await.unwrap();
    let f = f.reopen().await;
    assert!(f.store.get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_write_is_seen_by_the_next_read_on_any_thread() {
    let f = Fixture::new();
    let store = Arc::new(f.store);
    store.get("0").await.unwrap();
    for n in 0..50 {
        let id = n.to_string();
        store.create(record(&id, 1, "{}"), vec![]).await.unwrap();
        assert!(store.get(&id).await.unwrap().is_some());
        let elsewhere = Arc::clone(&store);
        let read = tokio::task::spawn_blocking(move || {
            futures::executor::block_on(elsewhere.get(&id)).unwrap()
        });
        assert!(read.await.unwrap().is_some());
    }
}
