//! Imports: what becomes of each item, and that a second run changes nothing.

use super::*;
use crate::store::contract::{ImportBatch, ImportItem, Imported, OnConflict, Sameness};

fn item(id: &str, text: &str, sameness: Sameness) -> ImportItem {
    let creation = Creation { record: record(id, 1, text), events: vec![event(id)] };
    ImportItem { creation, sameness }
}

async fn import(f: &Fixture, on_conflict: OnConflict, items: &[ImportItem]) -> Vec<Imported> {
    let batch = ImportBatch { items: items.into(), on_conflict };
    f.store.import(batch).await.unwrap()
}

#[tokio::test]
async fn what_becomes_of_what_is_there() {
    let by_members = || Sameness::ByMembersBut(vec!["lastUpdate"]);
    let stored = r#"{"status":"a","lastUpdate":"1"}"#;
    for (text, sameness, on_conflict, expected, status) in [
        (stored, by_members(), OnConflict::Stop, Imported::Same, "a"),
        (r#"{"lastUpdate":"2","status":"a"}"#, by_members(), OnConflict::Stop, Imported::Same, "a"),
        (r#"{"status":"b"}"#, Sameness::ById, OnConflict::Stop, Imported::Same, "a"),
        (r#"{"status":"b"}"#, by_members(), OnConflict::Skip, Imported::Skipped, "a"),
        (r#"{"status":"b"}"#, by_members(), OnConflict::Stop, Imported::Stopped, "a"),
        (r#"{"status":"b"}"#, by_members(), OnConflict::Replace, Imported::Replaced, "b"),
    ] {
        let f = Fixture::new();
        f.store.create(record("x", 7, stored), vec![]).await.unwrap();
        let items = [
            item("before", "{}", by_members()),
            item("x", text, sameness),
            item("behind", "{}", by_members()),
        ];
        let fates = import(&f, on_conflict, &items).await;
        assert_eq!(fates[..2], [Imported::Created, expected], "{text}");
        let goes_on = expected != Imported::Stopped;
        assert_eq!(fates.len(), if goes_on { 3 } else { 2 });
        assert_eq!(f.count("interaction"), if goes_on { 3 } else { 2 });
        // Told of what is new, and of nothing else.
        assert_eq!(f.count("outbox"), f.count("interaction") - 1);
        let (total, found) = f.listed(&filter(&format!("status={status}")), 0, None).await;
        assert_eq!((total, found[0].id.as_str()), (1, "x"), "{text}");
        assert_eq!(found[0].version > 7, expected == Imported::Replaced);
    }
}

#[tokio::test]
async fn an_id_that_comes_twice_meets_itself() {
    let f = Fixture::new();
    let by_text = || Sameness::ByMembersBut(vec![]);
    let items = [item("x", r#"{"n":1}"#, by_text()), item("x", r#"{"n":2}"#, by_text())];
    let fates = import(&f, OnConflict::Skip, &items).await;
    assert_eq!(fates, [Imported::Created, Imported::Skipped]);
    assert_eq!(import(&f, OnConflict::Stop, &items[..1]).await, [Imported::Same]);
    assert_eq!(f.count("interaction"), 1);
}

#[tokio::test]
async fn what_is_replaced_by_its_own_batch_is_found_by_its_last_content_only() {
    let f = Fixture::new();
    let by_text = || Sameness::ByMembersBut(vec![]);
    let items =
        [item("x", r#"{"status":"a"}"#, by_text()), item("x", r#"{"status":"b"}"#, by_text())];
    let fates = import(&f, OnConflict::Replace, &items).await;
    assert_eq!(fates, [Imported::Created, Imported::Replaced]);
    assert_eq!(f.listed(&filter("status=a"), 0, None).await.0, 0);
    assert_eq!(f.listed(&filter("status=b"), 0, None).await.0, 1);
    f.store.close().await.unwrap();
    assert_eq!(f.count("attribute"), 1);
}

#[tokio::test]
async fn paths_another_process_stores_are_known() {
    let (f, path) = (Fixture::new(), "vip.level");
    assert!(!f.store.knows_extension_path(path));
    f.sql().execute("INSERT INTO extension_path (path) VALUES (?1)", [path]).unwrap();
    assert!(f.store.knows_extension_path(path));
}
