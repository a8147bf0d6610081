//! Each unit of work does what the contract says.

use super::*;
use crate::store::contract::{Outcome, StoreError};

#[tokio::test]
async fn created_is_read_as_it_was_written() {
    let f = Fixture::new();
    let text = r#"{"status":"opened","n":0.10,"big":12345678901234567890123}"#;
    let mut record = record("a", 1, text);
    record.interaction.foreign_href = Some("http://old/a".to_owned());
    let written = record.interaction.clone();
    assert!(f.store.create(record, vec![event("a")]).await.unwrap());
    assert_eq!(f.store.get("a").await.unwrap(), Some(written));
    assert_eq!(f.store.get("b").await.unwrap(), None);
}

#[tokio::test]
async fn an_id_is_taken_once() {
    let f = Fixture::new();
    assert!(f.store.create(record("a", 1, r#"{"n":1}"#), vec![event("a")]).await.unwrap());
    assert!(!f.store.create(record("a", 1, r#"{"n":2}"#), vec![event("a")]).await.unwrap());
    assert_eq!(f.store.get("a").await.unwrap().unwrap().text, r#"{"n":1}"#);
    assert_eq!(f.count("outbox"), 1);
}

#[tokio::test]
async fn replacing_is_conditional() {
    let f = Fixture::new();
    let replace = |id: &str, version, expected| {
        f.store.replace(record(id, version, r#"{"n":2}"#), expected, vec![event(id)])
    };
    assert_eq!(replace("a", 2, 1).await.unwrap(), Outcome::Missing);
    f.store.create(record("a", 1, r#"{"n":1}"#), vec![]).await.unwrap();
    assert_eq!(replace("a", 3, 2).await.unwrap(), Outcome::Changed);
    assert_eq!(replace("a", 2, 1).await.unwrap(), Outcome::Done);
    assert_eq!(replace("a", 2, 1).await.unwrap(), Outcome::Changed);
    let stored = f.store.get("a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.text.as_str()), (2, r#"{"n":2}"#));
    assert_eq!(f.count("outbox"), 1);
}

#[tokio::test]
async fn replacing_keeps_the_place_and_the_index() {
    let f = Fixture::new();
    for id in ["a", "b"] {
        let text = r#"{"status":"opened","direction":"inbound"}"#;
        f.store.create(record(id, 1, text), vec![]).await.unwrap();
    }
    let changed = record("a", 2, r#"{"status":"closed","direction":"inbound"}"#);
    f.store.replace(changed, 1, vec![]).await.unwrap();
    let ids = async |query: &str| {
        let page = f.store.page(filter(query), 0, None).await.unwrap();
        page.items.into_iter().map(|i| i.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["a", "b"]);
    assert_eq!(ids("status=opened").await, ["b"]);
    assert_eq!(ids("status=closed").await, ["a"]);
    assert_eq!(ids("direction=inbound").await, ["a", "b"]);
}

#[tokio::test]
async fn deleting_is_conditional_and_takes_the_index_along() {
    let f = Fixture::new();
    let delete = |id: &str, expected| f.store.delete(id.to_owned(), expected, vec![event(id)]);
    assert_eq!(delete("a", 1).await.unwrap(), Outcome::Missing);
    f.store.create(record("a", 1, r#"{"status":"opened"}"#), vec![]).await.unwrap();
    assert_eq!(delete("a", 2).await.unwrap(), Outcome::Changed);
    assert_eq!(delete("a", 1).await.unwrap(), Outcome::Done);
    assert_eq!(f.store.get("a").await.unwrap(), None);
    assert_eq!((f.count("attribute"), f.count("outbox")), (0, 1));
}

#[tokio::test]
async fn the_event_is_in_the_outbox() {
    let f = Fixture::new();
    let mut event = event("a");
    event.correlation_id = Some("c-1".to_owned());
    f.store.create(record("a", 1, "{}"), vec![event.clone()]).await.unwrap();
    let sql = "SELECT concat_ws(' ', event_id, kind, interaction_id, time, correlation_id,
                                document) FROM outbox";
    let row: String = f.sql().query_row(sql, [], |row| row.get(0)).unwrap();
    let expected =
        format!("{} PartyInteractionCreateEvent a 2026-01-01T00:00:00Z c-1 {{}}", event.id);
    assert_eq!(row, expected);
}

#[tokio::test]
async fn a_change_without_its_event_does_not_happen() {
    let f = Fixture::new();
    let event = event("a");
    f.store.create(record("a", 1, r#"{"status":"x"}"#), vec![event.clone()]).await.unwrap();
    let mut second = record("b", 1, r#"{"status":"y"}"#);
    second.extension_paths = vec!["vip".to_owned()];
    // Event ids are unique, so this insert fails, after those of the interaction.
    let error = f.store.create(second, vec![event]).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { what: "creating an interaction", .. }));
    assert_eq!(f.store.get("b").await.unwrap(), None);
    assert_eq!(f.count("interaction"), 1);
    assert_eq!(f.count("attribute WHERE value = 'y'"), 0);
    assert!(!f.store.knows_extension_path("vip"));
}

#[tokio::test]
async fn of_two_conditional_changes_one_wins() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    for version in 1..20 {
        let replace = || f.store.replace(record("a", version + 1, "{}"), version, vec![]);
        let (one, other) = tokio::join!(replace(), replace());
        let outcomes = [one.unwrap(), other.unwrap()];
        assert!(outcomes.contains(&Outcome::Done) && outcomes.contains(&Outcome::Changed));
    }
}

#[tokio::test]
async fn extension_paths_are_known_after_the_reply_and_after_a_restart() {
    let f = Fixture::new();
    let mut first = record("a", 1, "{}");
    first.extension_paths = vec!["vip".to_owned(), "note.mood".to_owned()];
    let mut second = record("b", 1, "{}");
    second.extension_paths = vec!["vip".to_owned()];
    assert!(!f.store.knows_extension_path("vip"));
    f.store.create(first, vec![]).await.unwrap();
    f.store.create(second, vec![]).await.unwrap();
    assert!(f.store.knows_extension_path("vip") && f.store.knows_extension_path("note.mood"));
    let f = f.reopen().await;
    assert!(f.store.knows_extension_path("vip") && f.store.knows_extension_path("note.mood"));
    assert!(!f.store.knows_extension_path("note"));
}

#[tokio::test]
async fn a_check_writes_and_reads() {
    let f = Fixture::new();
    f.store.check().await.unwrap();
    f.store.check().await.unwrap();
    assert_eq!(f.count("heartbeat WHERE beat = 2"), 1);
    f.sql().execute_batch("DROP TABLE heartbeat").unwrap();
    assert!(f.store.check().await.is_err());
}
