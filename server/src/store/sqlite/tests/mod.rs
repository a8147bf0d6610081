//! Tests of the SQLite back-end, each on a database of its own. What they share is here.
//!
//! Surviving `kill -9` is not tested here: that takes a process.

mod amendments;
mod batches;
mod contract;
mod delivery;
mod files;
mod import;
mod lifetime;
mod once;
mod pages;
mod snapshots;
mod streams;
mod tail;
mod wal;

use super::{SqliteOptions, SqliteStore};
use crate::domain::event::{Event, EventKind};
use crate::domain::index;
use crate::domain::interaction::Interaction;
use crate::query::filter::Filter;
use crate::store::contract::{
    Before, Creation, Items, Outcome, PageQuery, Record, Start, Store, StoreResult,
};
use futures::TryStreamExt;
use futures::future::BoxFuture;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

pub(super) const HREF_PREFIX: &str = "http://h/";

/// A store in a directory that goes away with it.
pub(super) struct Fixture {
    pub(super) store: SqliteStore,
    pub(super) path: PathBuf,
    _directory: TempDir,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::with(SqliteOptions::default())
    }

    pub(super) fn with(options: SqliteOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let store = SqliteStore::open(&path, options).unwrap();
        Self { store, path, _directory: directory }
    }

    /// A look behind the store's back.
    pub(super) fn sql(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    pub(super) fn count(&self, what: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {what}");
        self.sql().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// Total and items of a list.
    pub(super) async fn listed(
        &self,
        filter: &Filter,
        offset: u64,
        limit: Option<u64>,
    ) -> (u64, Vec<Interaction>) {
        let (filter, start) = (filter.clone(), Start::Offset(offset));
        self.asked(&PageQuery { filter, start, limit, ..PageQuery::default() }).await
    }

    /// The same, however it is asked.
    pub(super) async fn asked(&self, query: &PageQuery) -> (u64, Vec<Interaction>) {
        let page = self.store.page(query.clone()).await.unwrap();
        let (total, count) = (page.total, page.count);
        let items = collected(page.items).await.unwrap();
        assert_eq!(items.len() as u64, count);
        (total, items)
    }

    pub(super) async fn reopen(mut self) -> Self {
        self.store.close().await.unwrap();
        self.store = SqliteStore::open(&self.path, SqliteOptions::default()).unwrap();
        self
    }
}

impl SqliteStore {
    /// Creates one, as most tests do.
    pub(super) fn create(
        &self,
        record: Record,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        Store::create(self, vec![Creation { record, events }])
    }

    /// Replaces what is there, said to be read at this version.
    pub(super) async fn replace(
        &self,
        record: Record,
        version: i64,
        events: Vec<Event>,
    ) -> StoreResult<Outcome> {
        let before = self.before(&record.interaction.id, version).await;
        Store::replace(self, record, before, events).await
    }

    /// Deletes what is there, said to be read at this version.
    pub(super) async fn delete(
        &self,
        id: String,
        version: i64,
        events: Vec<Event>,
    ) -> StoreResult<Outcome> {
        let before = self.before(&id, version).await;
        Store::delete(self, id, before, events).await
    }

    async fn before(&self, id: &str, version: i64) -> Before {
        let stored = self.current(id).await.unwrap();
        Before { version, ..stored.as_ref().map(Before::of).unwrap_or_default() }
    }
}

/// A record as the use cases make it.
pub(super) fn record(id: &str, version: i64, text: &str) -> Record {
    let interaction =
        Interaction { id: id.to_owned(), version, foreign_href: None, text: text.to_owned() };
    record_of(interaction)
}

pub(super) fn record_of(interaction: Interaction) -> Record {
    let members = interaction.members().unwrap();
    let keys = index::keys(&members).into();
    Record { interaction, keys, extension_paths: Vec::new() }
}

/// An event about `interaction_id`, with an id of its own.
pub(super) fn event(interaction_id: &str) -> Event {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Event {
        id: format!("event-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        kind: EventKind::Create,
        interaction_id: interaction_id.to_owned(),
        foreign_href: None,
        time: "2026-01-01T00:00:00Z".to_owned(),
        correlation_id: None,
        document: "{}".to_owned(),
        changed: Vec::new(),
    }
}

/// As short as a filter gets, see [`crate::query::filter`].
pub(super) fn filter(query: &str) -> Filter {
    crate::query::filter::tests::filter(query, HREF_PREFIX)
}

/// All items of a window.
pub(super) async fn collected(items: Items) -> StoreResult<Vec<Interaction>> {
    match items {
        Items::Read(items) => Ok(items),
        Items::Streamed(chunks) => chunks.try_concat().await,
    }
}

/// All that pass it.
pub(super) fn asking(query: &str) -> PageQuery {
    PageQuery { filter: filter(query), ..PageQuery::default() }
}
