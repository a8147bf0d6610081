//! Tests of the SQLite back-end, each on a database of its own. What they share is here.
//!
//! Surviving `kill -9` is not tested here: that takes a process.

mod batches;
mod contract;
mod delivery;
mod files;
mod lifetime;
mod once;
mod pages;

use super::{SqliteOptions, SqliteStore};
use crate::domain::event::{Event, EventKind};
use crate::domain::index;
use crate::domain::interaction::Interaction;
use crate::query::filter::Filter;
use crate::store::contract::{Record, Store};
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

    pub(super) async fn reopen(mut self) -> Self {
        self.store.close().await.unwrap();
        self.store = SqliteStore::open(&self.path, SqliteOptions::default()).unwrap();
        self
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
    let keys = index::keys(&members);
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
