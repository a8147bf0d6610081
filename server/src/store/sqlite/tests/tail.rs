//! The newest interactions, whose entries are not in the index: found all the same, in every state, and in
//! the index at last.

use super::super::tail::{State, Tail, number_from};
use super::*;
use crate::domain::index::{Key, KeyValue, keys_of};
use crate::store::contract::{ImportBatch, ImportItem, OnConflict, Sameness};
use crate::store::list::questions::contents;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

/// An entry as it is in the index.
type Row = (u16, KeyValue, u64);

fn together(indexed_together: usize) -> SqliteOptions {
    SqliteOptions { indexed_together, ..SqliteOptions::default() }
}

/// All entries that the interactions of a state have.
fn entries(sql: &Connection) -> BTreeSet<Row> {
    documents(sql)
        .into_iter()
        .flat_map(|(number, stored)| {
            keys_of(&stored).into_iter().map(move |key| (key.path, key.value, number))
        })
        .collect()
}

fn documents(sql: &Connection) -> Vec<(u64, Interaction)> {
    let mut all = sql.prepare("SELECT seq, id, version, document FROM interaction").unwrap();
    let rows = all.query_map([], |row| {
        let (id, version, text) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((number_from(row, 0)?, Interaction { id, version, foreign_href: None, text }))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// All entries that are in the index.
fn index_of(sql: &Connection) -> BTreeSet<Row> {
    let mut all = sql.prepare("SELECT path, value, seq FROM attribute").unwrap();
    let rows = all.query_map([], |row| {
        let value = match row.get_ref(1)? {
            rusqlite::types::ValueRef::Integer(us) => KeyValue::Instant(us),
            text => KeyValue::Text(text.as_str()?.to_owned()),
        };
        Ok((row.get(0)?, value, number_from(row, 2)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// What always holds, see [`super::super::indexing`]. Returns how far the index goes.
fn assert_index_is_right(sql: &Connection) -> u64 {
    let (entries, index) = (entries(sql), index_of(sql));
    let indexed = State::of(sql).unwrap().indexed;
    assert!(index.is_subset(&entries), "{:?}", &index - &entries);
    let missing = entries.difference(&index).filter(|(_, _, number)| *number <= indexed);
    assert_eq!(missing.count(), 0);
    indexed
}

#[derive(Clone, Debug)]
enum Step {
    Create(Vec<String>),
    Replace(Index, String),
    Delete(Index),
    /// Somebody begins to look at the state there is.
    Begin,
    /// Somebody who has begun looks.
    Look(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let text = || contents().prop_map(|(_, text)| text);
    prop_oneof![
        4 => vec(text(), 0..6).prop_map(Step::Create),
        3 => (any::<Index>(), text()).prop_map(|(which, text)| Step::Replace(which, text)),
        1 => any::<Index>().prop_map(Step::Delete),
        2 => Just(Step::Begin),
        5 => any::<Index>().prop_map(Step::Look),
    ]
}

/// Everything a tail shows of a state is what documents say.
fn look(tail: &Tail, sql: &Connection) {
    let state = State::of(sql).unwrap();
    let all: BTreeSet<Row> =
        entries(sql).into_iter().filter(|(_, _, number)| *number > state.indexed).collect();
    let keys = all.iter().map(|(path, value, _)| Key { path: *path, value: value.clone() });
    for key in keys.collect::<BTreeSet<_>>() {
        let with: Vec<u64> = all
            .iter()
            .filter(|(path, value, _)| (*path, value) == (key.path, &key.value))
            .map(|(_, _, number)| *number)
            .collect();
        assert_eq!(tail.look(sql, state, |view| view.with(&key, 0)).unwrap(), with);
        let above = with[with.len() / 2];
        let behind = tail.look(sql, state, |view| view.with(&key, above)).unwrap();
        assert_eq!(behind, with[with.len() / 2 + 1..]);
    }
    for path in [3, 6, 7, 17] {
        let here = || all.iter().filter(|row| row.0 == path);
        let present = tail.look(sql, state, |view| view.present(path)).unwrap();
        let expected: BTreeSet<u64> = here().map(|row| row.2).collect();
        assert_eq!(BTreeSet::from_iter(present), expected);
        let has_texts = here().any(|row| matches!(row.1, KeyValue::Text(_)));
        assert_eq!(tail.look(sql, state, |view| view.has_texts(path)).unwrap(), has_texts);
        let instants = here().filter_map(|(_, value, number)| match value {
            KeyValue::Instant(us) => Some((*us, *number)),
            KeyValue::Text(_) => None,
        });
        let mut instants: Vec<(i64, u64)> = instants.collect();
        instants.sort_unstable();
        let from_us = instants.get(instants.len() / 3).map_or(0, |instant| instant.0);
        for descending in [false, true] {
            let is_there = |us: i64| if descending { us <= from_us } else { us >= from_us };
            let mut expected = instants.clone();
            expected.retain(|(us, _)| is_there(*us));
            if descending {
                expected.reverse();
            }
            let mut found = Vec::new();
            loop {
                let next = |view: &super::super::tail::View<'_>| {
                    view.instants(path, from_us, descending, found.len(), 3)
                };
                let next = tail.look(sql, state, next).unwrap();
                if next.is_empty() {
                    break;
                }
                found.extend(next);
            }
            assert_eq!(found, expected);
        }
    }
}

/// A store whose every state somebody may still be looking at.
struct World {
    /// Two processes.
    stores: [SqliteStore; 2],
    fixture: Fixture,
    /// Follows those who look, in whichever order they do.
    tail: Tail,
    looking: Vec<Connection>,
    created: usize,
}

impl World {
    async fn run(mut self, steps: Vec<(Step, bool)>) {
        for (step, process) in steps {
            self.do_step(step, usize::from(process)).await;
            assert_index_is_right(&self.fixture.sql());
        }
        drop(self.looking);
        for store in [&self.stores[0], &self.stores[1], &self.fixture.store] {
            store.close().await.unwrap();
        }
        let sql = self.fixture.sql();
        assert_index_is_right(&sql);
        assert_eq!(index_of(&sql), entries(&sql), "what ends leaves a complete index");
    }

    async fn do_step(&mut self, step: Step, process: usize) {
        let store = &self.stores[process];
        let stored = documents(&self.fixture.sql());
        match step {
            Step::Create(texts) => {
                let first = self.created;
                self.created += texts.len();
                let ids = (first..self.created).map(|n| format!("i{n}"));
                let new = ids
                    .zip(texts)
                    .map(|(id, text)| Creation { record: record(&id, 1, &text), events: vec![] });
                assert!(Store::create(store, new.collect()).await.unwrap());
            }
            Step::Replace(which, text) if !stored.is_empty() => {
                let (_, old) = which.get(&stored);
                let new = record(&old.id, old.version + 1, &text);
                let outcome = store.replace(new, old.version, vec![]).await.unwrap();
                assert_eq!(outcome, Outcome::Done);
            }
            Step::Delete(which) if !stored.is_empty() => {
                let (_, old) = which.get(&stored);
                let outcome = store.delete(old.id.clone(), old.version, vec![]).await.unwrap();
                assert_eq!(outcome, Outcome::Done);
            }
            Step::Begin => {
                let sql = self.fixture.sql();
                sql.execute_batch("BEGIN").unwrap();
                State::of(&sql).unwrap();
                self.looking.push(sql);
            }
            Step::Look(which) if !self.looking.is_empty() => {
                look(&self.tail, which.get(&self.looking));
            }
            Step::Replace(..) | Step::Delete(_) | Step::Look(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_tail_shows_every_state_as_it_is(
        steps in vec((step(), any::<bool>()), 1..60),
        lengths in [1..12_usize, 1..12, 1..12],
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::with(together(lengths[2]));
            let open = |length| SqliteStore::open(&fixture.path, together(length)).unwrap();
            let stores = [open(lengths[0]), open(lengths[1])];
            let tail = Tail::new(lengths[2]);
            World { stores, fixture, tail, looking: Vec::new(), created: 0 }.run(steps).await;
        });
    }
}

fn opened(n: usize) -> Record {
    record(&format!("i{n:03}"), 1, r#"{"status":"opened","direction":"inbound"}"#)
}

#[tokio::test]
async fn generation_by_generation_goes_to_the_index_slice_by_slice() {
    let f = Fixture::with(together(40));
    let mut way = Vec::new();
    for n in 0..200 {
        f.store.create(opened(n), vec![]).await.unwrap();
        let indexed = assert_index_is_right(&f.sql());
        way.push((indexed, f.count("attribute")));
        assert_eq!(f.listed(&filter("status=opened"), 0, Some(1)).await.0, n as u64 + 1);
        assert!(n as u64 + 1 - indexed <= 2 * 40);
    }
    let ends: BTreeSet<u64> = way.iter().map(|(indexed, _)| *indexed).collect();
    assert_eq!(ends, [0, 40, 80, 120, 160].into());
    // For each one created those of one and a quarter, rounded up.
    let most = way.windows(2).map(|pair| pair[1].1 - pair[0].1).max();
    assert_eq!(most, Some(4));
    f.store.close().await.unwrap();
    assert_eq!((assert_index_is_right(&f.sql()), f.count("attribute")), (200, 400));
}

#[tokio::test]
async fn what_is_imported_goes_to_the_index_with_what_follows() {
    let f = Fixture::with(together(40));
    for batch in 0..3_usize {
        let items = (batch * 100..(batch + 1) * 100).map(|n| ImportItem {
            creation: Creation { record: opened(n), events: vec![] },
            sameness: Sameness::ById,
        });
        let batch = ImportBatch { items: items.collect(), on_conflict: OnConflict::Stop };
        f.store.import(batch).await.unwrap();
    }
    // The first is only known of when the second is there; then a quarter more than was created goes.
    assert_eq!(assert_index_is_right(&f.sql()), 120);
    assert_eq!(f.listed(&filter("status=opened&direction=inbound"), 0, Some(1)).await.0, 300);
}

#[tokio::test]
async fn what_was_amended_on_the_way_is_in_the_index_as_it_is() {
    let f = Fixture::with(together(10));
    for n in 0..14 {
        f.store.create(opened(n), vec![]).await.unwrap();
    }
    // Some slices are gone by. What these had is partly there, and what they have is before and behind.
    for (n, status) in [(0, "a"), (1, "z"), (9, "a")] {
        let changed = record(&format!("i{n:03}"), 2, &format!(r#"{{"status":"{status}"}}"#));
        f.store.replace(changed, 1, vec![]).await.unwrap();
        assert_eq!(assert_index_is_right(&f.sql()), 0);
    }
    assert!(f.count("attribute") > 0);
    f.store.delete("i002".to_owned(), 1, vec![]).await.unwrap();
    for n in 14..30 {
        assert_eq!(f.listed(&filter("status=a"), 0, None).await.0, 2);
        assert_eq!(f.listed(&filter("status=opened"), 0, None).await.0, n - 4);
        f.store.create(opened(usize::try_from(n).unwrap()), vec![]).await.unwrap();
        assert_index_is_right(&f.sql());
    }
    assert_eq!(assert_index_is_right(&f.sql()), 20);
}

#[tokio::test]
async fn what_a_sudden_end_leaves_is_found_and_goes_to_the_index() {
    let f = Fixture::with(together(10));
    for n in 0..25 {
        f.store.create(opened(n), vec![]).await.unwrap();
    }
    // What is on disk now is what a kill leaves.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("killed.db");
    for suffix in ["", "-wal"] {
        let file = |path: &std::path::Path| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(file(&f.path), file(&path)).unwrap();
    }
    let store = SqliteStore::open(&path, together(10)).unwrap();
    let sql = Connection::open(&path).unwrap();
    assert_eq!(assert_index_is_right(&sql), 10);
    let total = store.page(asking("status=opened")).await.unwrap().total;
    assert_eq!(total, 25);
    for n in 25..50 {
        store.create(opened(n), vec![]).await.unwrap();
    }
    assert_eq!(assert_index_is_right(&sql), 40);
    store.close().await.unwrap();
    assert_eq!(assert_index_is_right(&sql), 50);
}

#[tokio::test]
async fn what_others_have_left_to_do_is_done_with_the_next_writes() {
    let f = Fixture::with(together(10));
    let behind = r#"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100)
        INSERT INTO interaction (id, version, document) SELECT n, 1, '{"status":"opened"}' FROM n"#;
    f.sql().execute_batch(behind).unwrap();
    assert_eq!(f.listed(&filter("status=opened"), 0, Some(1)).await.0, 100);
    for _ in 0..20 {
        f.store.check().await.unwrap();
    }
    let left = 100 - assert_index_is_right(&f.sql());
    assert!(left <= 4 * 10, "{left}");
}

#[tokio::test]
async fn a_transaction_that_fails_takes_its_slice_back() {
    let f = Fixture::with(together(4));
    for n in 0..9 {
        f.store.create(opened(n), vec![]).await.unwrap();
        let first = event("x");
        let twice = Creation { record: opened(500), events: vec![first.clone(), first] };
        assert!(Store::create(&f.store, vec![twice]).await.is_err());
        assert_index_is_right(&f.sql());
    }
    assert_eq!(f.listed(&filter("status=opened"), 0, None).await.0, 9);
    assert_eq!(assert_index_is_right(&f.sql()), 4);
}
