//! Opening: which files are made, which are taken, which are left alone.

use super::*;
use crate::store::contract::administration::AdministrationStore;
use crate::store::contract::delivery::DeliveryStore;
use crate::store::sqlite::error::OpenError;
use crate::store::sqlite::schema::{APPLICATION_ID, VERSION};
use std::fs;
use std::path::Path;

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, SqliteOptions::default())
}

/// Refused, with these words, and the file is what it was.
#[track_caller]
fn refused(path: &Path, words: &str) {
    let before = fs::read(path).unwrap();
    let error = open(path).unwrap_err().to_string();
    assert!(error.contains(words) && error.contains(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::read(path).unwrap(), before);
}

#[tokio::test]
async fn an_empty_database_is_brought_to_the_latest_version() {
    let f = Fixture::new();
    let read =
        |name: &str| -> i64 { f.sql().pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    assert_eq!(read("user_version"), VERSION);
    assert_eq!(read("application_id"), i64::from(APPLICATION_ID));
    let check: String = f.sql().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_file_of_no_length_is_a_new_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    fs::write(&path, "").unwrap();
    open(&path).unwrap().check().await.unwrap();
}

#[tokio::test]
async fn a_reopened_store_has_everything() {
    let f = Fixture::new();
    for n in 0..10 {
        f.store.create(record(&n.to_string(), 1, "{}"), vec![]).await.unwrap();
    }
    let f = f.reopen().await;
    let (total, items) = f.listed(&Filter::default(), 0, None).await;
    assert_eq!((total, items.len()), (10, 10));
    assert_eq!(items[9].id, "9");
}

#[tokio::test]
async fn a_subscription_from_before_delivery_gets_what_it_was_promised() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.db");
    let sql = Connection::open(&path).unwrap();
    for step in [
        include_str!("../migrations/0001_initial.sql"),
        include_str!("../migrations/0002_idempotency.sql"),
        "INSERT INTO subscription (id, api_version, callback, created_at)
             VALUES ('1', 'v4', 'http://listener/', '2026-01-02T00:00:00.000Z');
         INSERT INTO outbox (event_id, kind, interaction_id, time, document)
             SELECT value, 'PartyInteractionCreateEvent', 'a',
                 '2026-01-0' || value || 'T00:00:00.000Z', '{}'
             FROM json_each('[1, 2, 3]')",
    ] {
        sql.execute_batch(step).unwrap();
    }
    sql.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    sql.pragma_update(None, "user_version", 2).unwrap();
    drop(sql);
    let store = open(&path).unwrap();
    let status = store.subscription("1").await.unwrap().unwrap();
    assert_eq!((status.lag, status.subscription.base_url.as_str()), (2, ""));
    assert_eq!(store.events_after(1, 9).await.unwrap().events.len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", f.path.display());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("newer.db");
    open(&path).unwrap().close().await.unwrap();
    let newer = VERSION + 6;
    let sql = Connection::open(&path).unwrap();
    sql.pragma_update(None, "user_version", newer).unwrap();
    sql.pragma_update(None, "journal_mode", "DELETE").unwrap();
    drop(sql);
    refused(&path, &format!("version {newer}, this release knows versions up to {VERSION}"));
}

#[test]
fn a_database_of_another_application_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (name, pragma) in [("a.db", "user_version = 0"), ("b.db", "application_id = 77")] {
        let path = directory.path().join(name);
        let sql = Connection::open(&path).unwrap();
        sql.execute_batch(&format!("PRAGMA {pragma}; CREATE TABLE theirs (x)")).unwrap();
        drop(sql);
        refused(&path, "another application");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    fs::write(&path, "Buy milk. ".repeat(1000)).unwrap();
    refused(&path, "not a SQLite database");
    fs::write(&path, "Short").unwrap();
    refused(&path, "not a SQLite database");
}

#[test]
fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = open(&directory.path().join("no/where.db")).unwrap_err();
    assert!(matches!(error, OpenError::NoDirectory { .. }), "{error}");
    assert!(error.to_string().contains("no/where.db"));
    assert!(open(directory.path()).is_err());
}

#[tokio::test]
async fn an_index_of_other_rules_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.db");
    let sql = Connection::open(&path).unwrap();
    for step in [
        include_str!("../migrations/0001_initial.sql"),
        include_str!("../migrations/0002_idempotency.sql"),
        include_str!("../migrations/0003_delivery.sql"),
        r#"INSERT INTO interaction (id, version, document)
               SELECT 'i' || value, 1, '{"status":"opened","reason":"' || value || '"}'
               FROM json_each('[1, 2, 3]');
           INSERT INTO interaction (id, version, document) VALUES ('i4', 1, 'no JSON');
           INSERT INTO attribute (path, value, seq) SELECT 3, 'closed', seq FROM interaction"#,
    ] {
        sql.execute_batch(step).unwrap();
    }
    sql.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    sql.pragma_update(None, "user_version", 3).unwrap();
    let store = open(&path).unwrap();
    let entries = || -> String {
        let sql_text = "SELECT group_concat(path || value || '@' || seq, ' ') FROM attribute";
        sql.query_row(sql_text, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(entries(), "3opened@1 3opened@2 3opened@3 51@1 52@2 53@3");
    assert_eq!(store.delete("i2".to_owned(), 1, vec![]).await.unwrap(), Outcome::Done);
    assert_eq!(store.delete("i4".to_owned(), 1, vec![]).await.unwrap(), Outcome::Done);
    assert_eq!(entries(), "3opened@1 3opened@3 51@1 53@3");
}
