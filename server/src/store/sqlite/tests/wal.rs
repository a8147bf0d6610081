//! The write-ahead log does not grow for ever, whoever reads, and is copied beside the writer.

use super::*;
use crate::store::sqlite::wal::MOST;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

fn length(f: &Fixture) -> u64 {
    let path = format!("{}-wal", f.path.display());
    std::fs::metadata(path).unwrap().len()
}

/// Writes a mebibyte.
async fn write(f: &Fixture) {
    write_bytes(f, 1 << 20).await;
}

async fn write_bytes(f: &Fixture, bytes: usize) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
    let text = format!(r#"{{"note":"{}"}}"#, "x".repeat(bytes));
    f.store.create(record(&id, 1, &text), vec![]).await.unwrap();
}

/// Pages in the log, and how many of them are in the database as well.
fn pages(connection: &Connection) -> (i64, i64) {
    connection.query_row("SELECT count(*) FROM heartbeat", [], |_| Ok(())).unwrap();
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
    connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], pages).unwrap()
}

#[tokio::test]
async fn it_is_copied_long_before_the_writer_would() {
    let f = Fixture::new();
    let sql = f.sql();
    for _ in 0..17 {
        write(&f).await;
    }
    // There are thousands of these until then.
    while pages(&sql).1 == 0 {
        write_bytes(&f, 1).await;
        assert!(length(&f) < MOST, "nobody copies");
    }
}

#[tokio::test]
async fn it_is_cut_when_a_stream_is_over_though_others_read_without_a_pause() {
    let f = Fixture::new();
    for _ in 0..4 {
        write(&f).await;
    }
    let page = f.store.page(PageQuery::default()).await.unwrap();
    let Items::Streamed(stream) = page.items else { panic!("read at once") };
    while length(&f) <= MOST + MOST / 4 {
        write(&f).await;
    }
    let (f, is_over) = (Arc::new(f), Arc::new(AtomicBool::new(false)));
    let readers = [(); 3].map(|()| {
        let (f, is_over) = (Arc::clone(&f), Arc::clone(&is_over));
        thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                futures::executor::block_on(f.store.get("0")).unwrap();
            }
        })
    });
    drop(stream);
    // As many as are written between two attempts, some times over: only the writer is waited for.
    let mut writes = 0;
    while length(&f) > MOST {
        write(&f).await;
        writes += 1;
        assert!(writes < 400, "{} bytes", length(&f));
    }
    is_over.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}
