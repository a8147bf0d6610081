//! Lists while others write: whatever happened, and whichever process wrote it, a list is what looking at
//! every document gives, and of one state of the database.
//!
//! On SQLite, and on PostgreSQL where [`super::comparison`] has one.

use super::comparison::database;
use super::contract::{
    Before, Creation, ImportBatch, ImportItem, Imported, Items, OnConflict, Outcome, PageQuery,
    Record, Sameness, Store,
};
use super::list::questions::{contents, plainly, question};
use super::postgres::{PostgresOptions, PostgresStore};
use super::sqlite::{SqliteOptions, SqliteStore};
use crate::domain::index;
use crate::domain::interaction::Interaction;
use crate::query::filter::tests::filter;
use futures::TryStreamExt;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// `href` and text of an interaction.
type Content = (Option<String>, String);

/// What somebody does.
#[derive(Clone, Debug)]
enum Step {
    Create(Vec<Content>),
    Import(Vec<(Index, Content)>),
    Replace(Index, Content),
    Delete(Index),
    Ask(PageQuery),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(contents(), 0..4).prop_map(Step::Create),
        1 => vec((any::<Index>(), contents()), 0..4).prop_map(Step::Import),
        4 => (any::<Index>(), contents()).prop_map(|(which, content)| Step::Replace(which, content)),
        2 => any::<Index>().prop_map(Step::Delete),
        20 => question().prop_map(Step::Ask),
    ]
}

/// What is kept of the index: nothing, little, all; and of what.
#[derive(Clone, Copy, Debug)]
struct Cache {
    bytes: usize,
    walked: u64,
    /// How many interactions SQLite indexes together.
    together: usize,
}

fn cache() -> impl Strategy<Value = Cache> {
    let bytes = prop_oneof![Just(0), Just(8000), Just(1 << 20)];
    let together = prop_oneof![1..10_usize, Just(4096)];
    let all = (bytes, 0..6_u64, together);
    all.prop_map(|(bytes, walked, together)| Cache { bytes, walked, together })
}

/// Two processes on one database, and what it must hold.
struct World {
    processes: [Box<dyn Store>; 2],
    plain: Vec<Interaction>,
    created: usize,
    _directory: TempDir,
}

impl World {
    fn on_sqlite(cache: Cache) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let process = || {
            let options = SqliteOptions {
                index_cache_bytes: cache.bytes,
                walked_entries: cache.walked,
                indexed_together: cache.together,
                ..SqliteOptions::default()
            };
            SqliteStore::open(directory.path().join("test.db"), options).unwrap()
        };
        Self {
            processes: [Box::new(process()), Box::new(process())],
            plain: Vec::new(),
            created: 0,
            _directory: directory,
        }
    }

    async fn on_postgres(cache: Cache, url: &str) -> Self {
        let process = async || {
            let options = PostgresOptions {
                index_cache_bytes: cache.bytes,
                walked_entries: cache.walked,
                ..PostgresOptions::default()
            };
            PostgresStore::open(url, options).await.unwrap()
        };
        Self {
            processes: [Box::new(process().await), Box::new(process().await)],
            plain: Vec::new(),
            created: 0,
            _directory: tempfile::tempdir().unwrap(),
        }
    }

    async fn run(mut self, steps: Vec<(Step, Index)>) -> Result<(), TestCaseError> {
        for (step, process) in steps {
            self.run_step(process.index(self.processes.len()), step).await?;
        }
        for process in &self.processes {
            process.close().await.unwrap();
        }
        Ok(())
    }

    async fn run_step(&mut self, process: usize, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Create(contents) => {
                let new: Vec<_> =
                    contents.into_iter().map(|content| self.one_more(content)).collect();
                let creations = new.iter().cloned().map(creation).collect();
                prop_assert!(self.processes[process].create(creations).await.unwrap());
                self.plain.extend(new);
            }
            Step::Import(items) => {
                let items = items.into_iter().map(|(which, content)| {
                    // One of them, or one more.
                    match self.plain.get(which.index(self.plain.len() + 1)) {
                        Some(stored) => changed(stored, content),
                        None => self.one_more(content),
                    }
                });
                let items: Vec<Interaction> = items.collect();
                let batch = ImportBatch {
                    items: items.iter().cloned().map(item).collect(),
                    on_conflict: OnConflict::Replace,
                };
                let fates = self.processes[process].import(batch).await.unwrap();
                for (mut new, fate) in items.into_iter().zip(fates) {
                    let stored = self.plain.iter_mut().find(|stored| stored.id == new.id);
                    match (fate, stored) {
                        (Imported::Created, None) => self.plain.push(new),
                        (Imported::Replaced, Some(stored)) => {
                            new.version = new.version.max(stored.version + 1);
                            *stored = new;
                        }
                        (fate, _) => prop_assert_eq!(fate, Imported::Same),
                    }
                }
            }
            Step::Replace(which, content) if !self.plain.is_empty() => {
                let stored = which.index(self.plain.len());
                let new = changed(&self.plain[stored], content);
                let before = Before::of(&self.plain[stored]);
                let replaced =
                    self.processes[process].replace(record(new.clone()), before, vec![]).await;
                prop_assert_eq!(replaced.unwrap(), Outcome::Done);
                self.plain[stored] = new;
            }
            Step::Delete(which) if !self.plain.is_empty() => {
                let gone = self.plain.remove(which.index(self.plain.len()));
                let before = Before::of(&gone);
                let deleted = self.processes[process].delete(gone.id, before, vec![]).await;
                prop_assert_eq!(deleted.unwrap(), Outcome::Done);
            }
            Step::Replace(..) | Step::Delete(_) => {}
            Step::Ask(query) => {
                let found = ask(&*self.processes[process], query.clone()).await;
                prop_assert_eq!(found, plainly(&self.plain, &query), "{:?}", query);
            }
        }
        Ok(())
    }

    fn one_more(&mut self, (foreign_href, text): Content) -> Interaction {
        self.created += 1;
        Interaction { id: format!("i{}", self.created), version: 1, foreign_href, text }
    }
}

fn changed(stored: &Interaction, (foreign_href, text): Content) -> Interaction {
    Interaction { id: stored.id.clone(), version: stored.version + 1, foreign_href, text }
}

fn record(interaction: Interaction) -> Record {
    let keys = index::keys(&interaction.members().unwrap()).into();
    Record { interaction, keys, extension_paths: Vec::new() }
}

fn creation(interaction: Interaction) -> Creation {
    Creation { record: record(interaction), events: Vec::new() }
}

fn item(interaction: Interaction) -> ImportItem {
    ImportItem { creation: creation(interaction), sameness: Sameness::ByMembersBut(Vec::new()) }
}

/// Total and items of a list.
async fn ask(store: &dyn Store, query: PageQuery) -> (u64, Vec<Interaction>) {
    let page = store.page(query).await.unwrap();
    let items = match page.items {
        Items::Read(items) => items,
        Items::Streamed(chunks) => chunks.try_concat().await.unwrap(),
    };
    assert_eq!(items.len() as u64, page.count);
    (page.total, items)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

fn steps() -> impl Strategy<Value = Vec<(Step, Index)>> {
    vec((step(), any::<Index>()), 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn a_list_is_what_looking_at_every_document_gives(steps in steps(), cache in cache()) {
        runtime().block_on(World::on_sqlite(cache).run(steps))?;
    }

    #[test]
    fn so_it_is_on_postgres(steps in steps(), cache in cache()) {
        let Some(url) = database() else { return Ok(()) };
        runtime().block_on(async { World::on_postgres(cache, &url).await.run(steps).await })?;
    }
}

/// Of each status.
const EACH: usize = 20;

fn with_status(n: usize, status: &str) -> Interaction {
    let text = format!(r#"{{"status":"{status}","creationDate":"2026-01-01T00:00:00Z"}}"#);
    Interaction { id: format!("i{n}"), version: 1, foreign_href: None, text }
}

/// Whoever writes here lets two interactions change their places in one unit of work, so in every state
/// there are as many of each status as in any other. Lists of many ages run beside each other.
async fn lists_are_of_one_state(world: World, rounds: usize) {
    let World { processes, _directory, .. } = world;
    let processes: [Arc<dyn Store>; 2] = processes.map(Arc::from);
    let mut places: Vec<usize> = (0..2 * EACH).collect();
    let status = |place: usize| if place < EACH { "a" } else { "b" };
    let all = places.iter().map(|n| creation(with_status(*n, status(*n)))).collect();
    assert!(processes[0].create(all).await.unwrap());
    let is_done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..6)
        .map(|n| {
            let (process, is_done) = (Arc::clone(&processes[n % 2]), Arc::clone(&is_done));
            tokio::spawn(async move {
                let mut asked = 0;
                while !is_done.load(Ordering::Relaxed) || asked < 10 {
                    for (query, of_each) in
                        [("status=a", 1), ("status!=a", 1), ("status=a|b", 2), ("", 2)]
                    {
                        let filter = filter(query, "http://h/");
                        let query = PageQuery { filter, ..PageQuery::default() };
                        let (total, items) = ask(&*process, query.clone()).await;
                        assert_eq!(total, of_each * EACH as u64, "{query:?}");
                        assert_eq!((total, items.clone()), plainly(&items, &query));
                    }
                    asked += 1;
                }
            })
        })
        .collect();
    for round in 0..rounds {
        let (one, other) = (round * 7 % EACH, EACH + round * 11 % EACH);
        places.swap(one, other);
        let moved = [one, other].map(|place| item(with_status(places[place], status(place))));
        let batch = ImportBatch { items: Arc::new(moved), on_conflict: OnConflict::Replace };
        let fates = processes[round % 2].import(batch).await.unwrap();
        assert_eq!(fates, [Imported::Replaced; 2]);
    }
    is_done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    for process in processes {
        process.close().await.unwrap();
    }
}

const KEPT: Cache = Cache { bytes: 1 << 20, walked: 0, together: 10 };

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_of_one_state() {
    lists_are_of_one_state(World::on_sqlite(KEPT), 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_of_one_state_on_postgres() {
    let Some(url) = database() else { return };
    // More than a thousand amendments: then old ones are looked for.
    lists_are_of_one_state(World::on_postgres(KEPT, &url).await, 550).await;
}
