//! Creates with a key happen once: however often, however concurrently, and after a restart.

use super::*;
use crate::store::contract::{Answered, CreateOnce, CreatedOne, Once};
use std::sync::Arc;

const HOUR: i64 = 3_600;

/// A create under `key` at `now`, whose answer tells the interaction's id.
fn once(key: u8, request: u8, id: &str, now: i64) -> (Record, Vec<Event>, Once) {
    let one = Some(CreatedOne { version: 1, location: format!("http://h/{id}") });
    let answer = Answered { one, body: id.to_owned() };
    let expires = now + HOUR;
    let once = Once { key: [key; 32], request: [request; 32], answer, now, expires };
    (record(id, 1, r#"{"status":"opened"}"#), vec![event(id)], once)
}

async fn create(f: &Fixture, create: (Record, Vec<Event>, Once)) -> CreateOnce {
    let (record, events, once) = create;
    f.store.create_once(vec![Creation { record, events }], once).await.unwrap()
}

fn replayed(id: &str) -> CreateOnce {
    CreateOnce::Replayed(once(0, 0, id, 0).2.answer)
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer() {
    let f = Fixture::new();
    assert_eq!(create(&f, once(1, 1, "a", 0)).await, CreateOnce::Created);
    assert_eq!(create(&f, once(1, 1, "b", 1)).await, replayed("a"));
    assert_eq!(create(&f, once(1, 2, "c", 1)).await, CreateOnce::KeyReused);
    assert_eq!(create(&f, once(2, 1, "d", 1)).await, CreateOnce::Created);
    // Whatever has become of the interaction.
    f.store.delete("a".to_owned(), 1, vec![]).await.unwrap();
    let f = f.reopen().await;
    assert_eq!(create(&f, once(1, 1, "e", 2)).await, replayed("a"));
    assert_eq!((f.count("interaction"), f.count("idempotency"), f.count("outbox")), (1, 2, 2));
}

#[tokio::test]
async fn a_create_that_did_not_happen_is_not_remembered() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    assert_eq!(create(&f, once(1, 1, "a", 0)).await, CreateOnce::IdTaken);
    let (record, _, key) = once(1, 1, "b", 0);
    let events = vec![event("b"); 2];
    assert!(f.store.create_once(vec![Creation { record, events }], key).await.is_err());
    assert_eq!(f.count("idempotency"), 0);
    assert_eq!(create(&f, once(1, 1, "c", 0)).await, CreateOnce::Created);
}

#[tokio::test]
async fn several_are_created_once_too() {
    let f = Fixture::new();
    let creations = |ids: &[&str]| -> Vec<Creation> {
        let creation =
            |id: &&str| Creation { record: record(id, 1, "{}"), events: vec![event(id)] };
        ids.iter().map(creation).collect()
    };
    let once = |body: &str| Once {
        answer: Answered { one: None, body: body.to_owned() },
        ..once(1, 1, "", 0).2
    };
    let first = f.store.create_once(creations(&["a", "b"]), once("[a,b]")).await.unwrap();
    assert_eq!(first, CreateOnce::Created);
    let f = f.reopen().await;
    let again = f.store.create_once(creations(&["c", "d"]), once("[c,d]")).await.unwrap();
    assert_eq!(again, CreateOnce::Replayed(once("[a,b]").answer));
    assert_eq!((f.count("interaction"), f.count("outbox")), (2, 2));
}

#[tokio::test]
async fn a_key_expires_and_its_row_goes() {
    let f = Fixture::new();
    for key in 0..20 {
        assert_eq!(create(&f, once(key, 1, &format!("a{key}"), 0)).await, CreateOnce::Created);
    }
    assert_eq!(create(&f, once(19, 1, "b", HOUR - 1)).await, replayed("a19"));
    assert_eq!(create(&f, once(19, 2, "c", HOUR)).await, CreateOnce::Created);
    assert_eq!(create(&f, once(19, 2, "d", HOUR)).await, replayed("c"));
    for key in 20..23 {
        create(&f, once(key, 1, &format!("e{key}"), HOUR)).await;
    }
    assert_eq!(f.count("idempotency"), 4);
    assert_eq!(f.count("interaction"), 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_at_once_one_is_made() {
    // In one transaction, and in one each.
    for max_batch in [512, 1] {
        let f = Arc::new(Fixture::with(SqliteOptions { max_batch, ..SqliteOptions::default() }));
        let creates: Vec<_> = (0..32)
            .map(|n| {
                let f = Arc::clone(&f);
                tokio::spawn(async move { create(&f, once(1, 1, &n.to_string(), 0)).await })
            })
            .collect();
        let mut made = 0;
        let mut answers = Vec::new();
        for create in creates {
            match create.await.unwrap() {
                CreateOnce::Created => made += 1,
                CreateOnce::Replayed(answer) => answers.push(answer.body),
                other => panic!("{other:?}"),
            }
        }
        answers.dedup();
        assert_eq!((made, answers.len(), f.count("interaction")), (1, 1, 1));
        assert!(f.store.get(&answers[0]).await.unwrap().is_some());
    }
}
