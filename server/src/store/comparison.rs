//! The back-ends agree: the same random units of work, one after the other, have the same outcomes on
//! both, and leave the same behind.
//!
//! Needs `TEST_POSTGRES_STORES`, the URL of a database that may be filled with anything; `cargo xtask
//! test` gives one. Without it there is nothing to compare with, and the tests say so.

use super::contract::administration::{DeadQuery, ReplayFrom};
use super::contract::delivery::{
    Dead, DeliveryStore, Failed, Lease, Progress, Redelivered, Retention,
};
use super::contract::succession::{Original, Part, Row, Successor};
use super::contract::{
    Answered, Before, CreatedOne, Creation, ImportBatch, ImportItem, Items, OnConflict, Once,
    PageQuery, Record, Sameness, Start, Store, Subscription,
};
use super::postgres::{PostgresOptions, PostgresStore, PostgresSuccessor};
use super::sqlite::{SqliteOptions, SqliteOriginal, SqliteStore};
use crate::domain::event::{Event, EventKind};
use crate::domain::index;
use crate::domain::interaction::Interaction;
use crate::query::filter::tests::filter;
use crate::query::sort::{Sort, SortKey};
use crate::query::vocabulary::Kind;
use futures::TryStreamExt;
use proptest::prelude::*;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

const DATES: [&str; 4] =
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000001Z", "2026-02-01T00:00:00+02:00", "soon"];
const STATUSES: [&str; 4] = ["opened", "closed", "\\u0000", "ö"];
const FILTERS: [&str; 7] = [
    "",
    "status=opened",
    "status=opened|closed&direction=in",
    "status=\0",
    "creationDate>=2026-01-01&creationDate<2026-02-01",
    "status!=opened",
    "href=http://elsewhere/1|http://h/2&status=opened",
];

/// A unit of work; small numbers stand for ids, versions and all else.
#[derive(Clone, Debug)]
enum Step {
    Create(Vec<u8>, u8),
    CreateOnce(u8, u8, u8),
    Import(Vec<(u8, u8)>, u8, bool),
    Replace(u8, u8, u8),
    Delete(u8, u8),
    Page { filter: usize, sort: u8, offset: u64, limit: Option<u64> },
    Subscribe(u8, u8),
    Unsubscribe(u8),
    Claim(u8, i64),
    Progress(u8, u8, u8),
    Release(u8),
    Administer(u8, u8, u8),
    Prune(u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let small = 0..6_u8;
    prop_oneof![
        6 => (prop::collection::vec(small.clone(), 0..3), any::<u8>()).prop_map(|(a, b)| Create(a, b)),
        3 => (small.clone(), small.clone(), 0..3_u8).prop_map(|(a, b, c)| CreateOnce(a, b, c)),
        3 => (prop::collection::vec((small.clone(), 0..3_u8), 0..5), 0..3_u8, any::<bool>())
            .prop_map(|(a, b, c)| Import(a, b, c)),
        5 => (small.clone(), 0..4_u8, any::<u8>()).prop_map(|(a, b, c)| Replace(a, b, c)),
        2 => (small.clone(), 0..4_u8).prop_map(|(a, b)| Delete(a, b)),
        6 => (0..FILTERS.len(), 0..4_u8, 0..4_u64, prop::option::of(0..4_u64))
            .prop_map(|(filter, sort, offset, limit)| Page { filter, sort, offset, limit }),
        2 => (small.clone(), 0..3_u8).prop_map(|(a, b)| Subscribe(a, b)),
        1 => small.clone().prop_map(Unsubscribe),
        3 => (0..2_u8, 0..20_i64).prop_map(|(a, b)| Claim(a, b)),
        3 => (0..2_u8, small.clone(), any::<u8>()).prop_map(|(a, b, c)| Progress(a, b, c)),
        1 => (0..2_u8).prop_map(Release),
        3 => (0..6_u8, small, 0..12_u8).prop_map(|(a, b, c)| Administer(a, b, c)),
        1 => (0..10_u8, any::<bool>()).prop_map(|(a, b)| Prune(a, b)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn both_stores_do_the_same(steps in prop::collection::vec(step(), 1..60)) {
        let Some(url) = database() else { return Ok(()) };
        runtime().block_on(compare(&url, &[], &steps))?;
    }

    #[test]
    fn a_successor_goes_on_as_the_original_does(
        before in prop::collection::vec(step(), 1..40),
        after in prop::collection::vec(step(), 1..20),
    ) {
        let Some(url) = database() else { return Ok(()) };
        runtime().block_on(compare(&url, &before, &after))?;
    }
}

#[test]
fn an_id_that_moved_while_it_was_read_is_there_once() {
    let Some(url) = database() else { return };
    runtime().block_on(async {
        let successor = PostgresSuccessor::open(&url).await.unwrap();
        successor.begin("x".to_owned()).await.unwrap();
        for (number, seed) in [(7, 0), (9, 1), (8, 2)] {
            let interaction = creation(3, 1, seed, 0).record.interaction;
            let row = Row::Interaction { number, interaction };
            successor.amend(Part::Interactions, vec![], vec![row.clone()]).await.unwrap();
            let found = successor.rows(Part::Interactions, Part::Interactions.start()).await;
            assert_eq!(found.unwrap(), [row]);
        }
        successor.finish().await.unwrap();
        let store = PostgresStore::open(&url, PostgresOptions::default()).await.unwrap();
        for (query, expected) in [("status=\0", 1), ("status=opened", 0), ("status=closed", 0)] {
            let filter = filter(query, "http://h/");
            let page = store.page(PageQuery { filter, ..PageQuery::default() }).await.unwrap();
            assert_eq!(page.total, expected, "{query}");
        }
    });
}

#[test]
fn of_two_runs_the_later_one_goes_on() {
    let Some(url) = database() else { return };
    runtime().block_on(async {
        let [earlier, later] = [
            PostgresSuccessor::open(&url).await.unwrap(),
            PostgresSuccessor::open(&url).await.unwrap(),
        ];
        let row = || vec![Row::ExtensionPath("p".to_owned())];
        assert!(earlier.amend(Part::ExtensionPaths, vec![], row()).await.is_err());
        earlier.begin("x".to_owned()).await.unwrap();
        earlier.amend(Part::ExtensionPaths, vec![], row()).await.unwrap();
        later.begin("x".to_owned()).await.unwrap();
        assert!(earlier.amend(Part::ExtensionPaths, row(), vec![]).await.is_err());
        assert!(earlier.finish().await.is_err());
        let found = later.rows(Part::ExtensionPaths, Part::ExtensionPaths.start()).await;
        assert_eq!(found.unwrap(), row());
        later.finish().await.unwrap();
        assert!(later.amend(Part::ExtensionPaths, row(), vec![]).await.is_err());
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Steps of one store, which the other succeeds, and steps of both.
async fn compare(url: &str, before: &[Step], steps: &[Step]) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let sqlite = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    for (place, step) in (0..).zip(before) {
        done(&sqlite, step, place).await;
    }
    if !before.is_empty() {
        // Who works on subscriptions is not among what is copied.
        sqlite.release("owner-0".to_owned()).await.unwrap();
        sqlite.release("owner-1".to_owned()).await.unwrap();
        succeed(&SqliteOriginal::open(&path).unwrap(), url).await;
    }
    let postgres = PostgresStore::open(url, PostgresOptions::default()).await.unwrap();
    prop_assert_eq!(left(&postgres).await, left(&sqlite).await, "before the first step");
    for (place, step) in (before.len()..).zip(steps) {
        let place = i64::try_from(place).unwrap();
        let expected = (done(&sqlite, step, place).await, left(&sqlite).await);
        let found = (done(&postgres, step, place).await, left(&postgres).await);
        prop_assert_eq!(found, expected, "after step {}, {:?}", place, step);
    }
    agrees_with_its_documents(&sqlite).await?;
    agrees_with_its_documents(&postgres).await?;
    sqlite.close().await.unwrap();
    postgres.close().await.unwrap();
    Ok(())
}

/// What the index finds is what the documents say: changes leave no entry behind, and forget none.
async fn agrees_with_its_documents(store: &dyn Store) -> Result<(), TestCaseError> {
    let mut stored = Vec::new();
    for id in 0..6 {
        stored.extend(store.get(&id.to_string()).await.unwrap());
    }
    for query in FILTERS {
        let filter = filter(query, "http://h/");
        let matches = |one: &&Interaction| filter.matches(one, &one.members().unwrap());
        let expected = stored.iter().filter(matches).count() as u64;
        let page = PageQuery { filter: filter.clone(), limit: Some(0), ..PageQuery::default() };
        prop_assert_eq!(store.page(page).await.unwrap().total, expected, "{}", query);
    }
    Ok(())
}

/// Copies all there is.
async fn succeed(original: &SqliteOriginal, url: &str) {
    let successor = PostgresSuccessor::open(url).await.unwrap();
    successor.begin("x".to_owned()).await.unwrap();
    for part in Part::ALL {
        let mut after = part.start();
        loop {
            let rows = original.rows(part, after).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = last.place();
            successor.amend(part, vec![], rows).await.unwrap();
        }
    }
    successor.finish().await.unwrap();
}

/// What became of a step, as text.
async fn done(store: &dyn Store, step: &Step, place: i64) -> String {
    let ids = |id: &u8| id.to_string();
    let owner = |owner: &u8| format!("owner-{owner}");
    match step {
        Step::Create(ids, seed) => {
            let creations = ids.iter().map(|id| creation(*id, 1, *seed, place));
            told(store.create(creations.collect()).await)
        }
        Step::CreateOnce(id, key, request) => {
            let one = CreatedOne { version: 1, location: format!("at {id}") };
            let answer = Answered { one: Some(one).filter(|_| *id > 0), body: "{}".to_owned() };
            let (key, request) = ([*key; 32], [*request; 32]);
            let once = Once { key, request, answer, now: place, expires: place + 10 };
            told(store.create_once(vec![creation(*id, 1, 0, place)], once).await)
        }
        Step::Import(items, on_conflict, by_id) => {
            let by_id = if *by_id { Sameness::ById } else { Sameness::ByMembersBut(vec![]) };
            let item = |(id, seed): &(u8, u8)| ImportItem {
                creation: creation(*id, 1, *seed, place),
                sameness: by_id.clone(),
            };
            let kinds = [OnConflict::Skip, OnConflict::Replace, OnConflict::Stop];
            let on_conflict = kinds[usize::from(*on_conflict)];
            let items = items.iter().map(item).collect();
            told(store.import(ImportBatch { items, on_conflict }).await)
        }
        Step::Replace(id, version, seed) => {
            let version = i64::from(*version);
            let Creation { record, events } = creation(*id, version + 1, *seed, place);
            let before = before(store, &ids(id), version).await;
            told(store.replace(record, before, events).await)
        }
        Step::Delete(id, version) => {
            let events = creation(*id, 0, 0, place).events;
            let before = before(store, &ids(id), i64::from(*version)).await;
            told(store.delete(ids(id), before, events).await)
        }
        Step::Page { filter: which, sort, offset, limit } => {
            let sort = sorted(*sort);
            let (start, limit) = (Start::Offset(*offset), *limit);
            let filter = filter(FILTERS[*which], "http://h/");
            let page = store.page(PageQuery { filter, sort, start, limit }).await.unwrap();
            let items = match page.items {
                Items::Read(items) => items,
                Items::Streamed(chunks) => chunks.try_concat().await.unwrap(),
            };
            format!("{} {} {} {items:?}", page.total, page.count, page.has_next)
        }
        Step::Subscribe(id, what) => {
            let subscription = Subscription {
                id: ids(id),
                api_version: "v5".to_owned(),
                base_url: "http://h".to_owned(),
                callback: format!("http://listener/{what}\0"),
                query: Some("\0".to_owned()).filter(|_| *what == 1),
                created_at: DATES[0].to_owned(),
            };
            told(store.subscribe(subscription, 4).await)
        }
        Step::Unsubscribe(id) => told(store.unsubscribe(ids(id), "v5".to_owned()).await),
        Step::Claim(who, until) => {
            let lease = Lease { owner: owner(who), now: place, until: place + until };
            // Enough for all: which are taken where there is no room is not said.
            told(store.claim(lease, 100).await)
        }
        Step::Progress(who, id, seed) => {
            let head = store.events_after(0, 1000).await.unwrap().head;
            let failed = Failed { error: "no\0".replace('\0', ""), at: place };
            let seed = i64::from(*seed);
            let dead = Dead { seq: 1 + seed % 7, attempts: 3, failed: failed.clone() };
            let again = Redelivered {
                seq: 1 + seed % 5,
                failed: Some(failed.clone()).filter(|_| seed % 3 == 0),
            };
            let progress = Progress {
                subscription_id: ids(id),
                epoch: seed % 2,
                cursor: head.min(seed % 9),
                attempts: u32::try_from(seed % 4).unwrap(),
                next_attempt: Some(seed).filter(|seed| seed % 2 == 0),
                last_failure: Some(failed).filter(|_| seed % 5 == 0),
                dead: vec![dead; usize::from(seed % 2 == 0)],
                redelivered: vec![again; usize::from(seed % 4 == 1)],
                ended: seed % 11 == 0,
                ..Progress::default()
            };
            told(store.progress(owner(who), vec![progress]).await)
        }
        Step::Release(who) => told(store.release(owner(who)).await),
        Step::Administer(what, id, seq) => match what {
            0 => told(store.pause(ids(id)).await),
            1 => told(store.resume(ids(id)).await),
            2 => told(store.replay(ids(id), ReplayFrom::Event(format!("e-{seq}-0"))).await),
            3 => told(store.subscription(&ids(id)).await),
            4 => told(store.pause("\0".to_owned()).await),
            _ => {
                // Their numbers may differ, their order does not.
                let dead = store.dead(DeadQuery::default(), 0, None).await.unwrap();
                match dead.items.get(usize::from(*seq)) {
                    Some(one) => told(store.redeliver(one.id).await),
                    None => told(store.redeliver(-1).await),
                }
            }
        },
        Step::Prune(keep, beyond_cursors) => {
            let keep = Some(u64::from(*keep));
            let beyond_cursors = *beyond_cursors;
            let retention =
                Retention { now: place, older_than: None, keep, beyond_cursors, most: 5 };
            told(store.prune(retention).await)
        }
    }
}

/// What is there, said to be read at this version.
pub(super) async fn before(store: &dyn Store, id: &str, version: i64) -> Before {
    let stored = store.current(id).await.unwrap();
    Before { version, ..stored.as_ref().map(Before::of).unwrap_or_default() }
}

/// What can be seen of the whole, as text.
async fn left(store: &dyn Store) -> String {
    let mut dead = store.dead(DeadQuery::default(), 0, None).await.unwrap();
    dead.items.iter_mut().for_each(|one| one.id = 0);
    let log = store.events_after(0, 1000).await.unwrap();
    let some = store.events_after(2, 2).await.unwrap();
    let mut queued = Vec::new();
    let mut items = Vec::new();
    for id in 0..6 {
        queued.push(store.queued(&id.to_string(), 10).await.unwrap());
        items.push(store.get(&id.to_string()).await.unwrap());
    }
    let paths = [0, 1, 2].map(|n| store.knows_extension_path(&format!("x{n}\0")));
    let subscriptions = store.subscriptions(None, 0, None).await.unwrap();
    format!("{items:?}\n{log:?}\n{some:?}\n{queued:?}\n{paths:?}\n{subscriptions:?}\n{dead:?}")
}

/// A result; of a failure only that it is one.
fn told<T: std::fmt::Debug, E>(result: Result<T, E>) -> String {
    result.map_or("failed".to_owned(), |value| format!("{value:?}"))
}

pub(super) fn creation(id: u8, version: i64, seed: u8, place: i64) -> Creation {
    let (status, date) = (STATUSES[usize::from(seed % 4)], DATES[usize::from(seed / 4 % 4)]);
    let direction = if seed.is_multiple_of(2) { "in" } else { "out" };
    let text = format!(
        r#"{{"status":"{status}","direction":"{direction}","creationDate":"{date}","n":{seed}.0}}"#
    );
    let foreign_href = seed.is_multiple_of(3).then(|| format!("http://elsewhere/{id}"));
    let interaction = Interaction { id: id.to_string(), version, foreign_href, text: text.clone() };
    let keys = index::keys(&interaction.members().unwrap()).into();
    let extension_paths = vec![format!("x{}\0", seed % 3)];
    let event = Event {
        id: format!("e-{place}-{id}"),
        kind: EventKind::Create,
        interaction_id: id.to_string(),
        foreign_href: None,
        time: DATES[0].to_owned(),
        correlation_id: None,
        document: text,
        changed: vec!["a\0".to_owned(); usize::from(seed % 2)],
    };
    Creation { record: Record { interaction, keys, extension_paths }, events: vec![event] }
}

fn sorted(which: u8) -> Option<Sort> {
    let key = |name: &str, kind, descending| SortKey {
        name: name.to_owned(),
        places: vec![(vec![name.to_owned()], kind)],
        descending,
    };
    let keys = match which {
        0 => return None,
        1 => vec![key("creationDate", Kind::Instant, false)],
        2 => vec![key("creationDate", Kind::Instant, true)],
        _ => vec![key("status", Kind::Text, true)],
    };
    Some(Sort { keys, href_prefix: "http://h/".to_owned() })
}

/// The URL of a PostgreSQL schema of one's own, where there is a database for tests.
pub(super) fn database() -> Option<String> {
    let Ok(url) = std::env::var("TEST_POSTGRES_STORES") else {
        assert!(std::env::var_os("CI").is_none(), "continuous integration tests them");
        eprintln!("not tested: no TEST_POSTGRES_STORES");
        return None;
    };
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("c{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    psql(&url, &format!("CREATE SCHEMA {name}"));
    Some(format!("{url}?options=-c%20search_path%3D{name}"))
}

/// What a statement answers.
pub(super) fn psql(url: &str, statement: &str) -> String {
    psql_with(url, &["--command", statement])
}

/// What psql answers, run with these arguments.
pub(super) fn psql_with(url: &str, arguments: &[&str]) -> String {
    let usual = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname", url];
    let said = Command::new("psql").args(usual).args(arguments).output().unwrap();
    assert!(said.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().trim_end().to_owned()
}
