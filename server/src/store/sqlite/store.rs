//! `SqliteStore`: the store contract on the writer, the readers and the lists.
//!
//! Only hands over: every method of the contract is one call to one of its parts.

use super::background::Background;
use super::change;
use super::connection::{open_writer, resolve};
use super::error::OpenError;
use super::import;
use super::indexing::Indexing;
use super::memory::Memory;
use super::once;
use super::reader::Reader;
use super::snapshot::{Pool, interaction_from};
use super::tail::Tail;
use super::writer::{Stats, Writer};
use crate::domain::event::Event;
use crate::domain::interaction::Interaction;
use crate::store::contract::{
    Before, CreateOnce, Creation, ImportBatch, Imported, Once, Outcome, Page, PageQuery, Record,
    Store, StoreError, StoreResult, Subscribed, Subscription,
};
use crate::store::list::{Bounds, Lists};
use crate::store::room::Weighed;
use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a store is run. The defaults suit a server.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The most writes one transaction has. 1: each write has a commit of its own.
    pub max_batch: usize,
    /// The most writes that wait; one more is told that the store is busy. 0: every write is.
    pub queue_length: usize,
    /// The most bytes of text that those which wait have together; one more is told the same. 0: any.
    pub queue_bytes: usize,
    /// How long to wait for a lock another process holds, and for a turn to run a list.
    pub busy_timeout: Duration,
    /// Lists that run at a time, until they are answered or begin to stream.
    pub list_connections: u32,
    /// Lists that stream at a time: those whose items are more than are read at once.
    pub stream_connections: u32,
    /// How long a stream waits for somebody to take more, before it is cut.
    pub stream_stall: Duration,
    /// What the keys of a sort may take in memory, in bytes; twice as much for moments.
    pub sort_bytes: usize,
    /// Most documents that may be read to find the matches of one list and to sort them; `None`: any.
    pub scan_documents: Option<u64>,
    /// How much of the index is kept in memory for lists, in bytes.
    pub index_cache_bytes: usize,
    /// Entries of it that are walked each time rather than kept.
    pub walked_entries: u64,
    /// How many of the newest interactions get their entries in the index together. Up to three times as
    /// many are in memory.
    pub indexed_together: usize,
    /// Whether a thread that reads by key keeps its snapshot for the next read, where that is as good.
    pub keeps_snapshots: bool,
    /// Whether the write-ahead log is copied to the database beside the writer, on a thread of its own;
    /// else the writer does so every 16 MiB.
    pub copies_beside: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            max_batch: 512,
            queue_length: 4096,
            queue_bytes: 128 << 20,
            busy_timeout: Duration::from_secs(5),
            list_connections: 4,
            stream_connections: 8,
            stream_stall: Duration::from_secs(30),
            sort_bytes: 9 << 20,
            scan_documents: None,
            index_cache_bytes: 64 << 20,
            walked_entries: 1000,
            indexed_together: 8192,
            keeps_snapshots: true,
            copies_beside: true,
        }
    }
}

impl SqliteOptions {
    fn lists(&self) -> Bounds {
        Bounds {
            lists: self.list_connections as usize,
            streams: self.stream_connections as usize,
            patience: self.busy_timeout,
            stall: self.stream_stall,
            sort_bytes: self.sort_bytes,
            scan_documents: self.scan_documents,
            index_cache_bytes: self.index_cache_bytes,
            walked_entries: self.walked_entries,
        }
    }
}

/// Interactions, outbox and subscriptions in one SQLite file.
///
/// Its methods need a Tokio runtime. A store that is dropped without [`Store::close`] still
/// commits what is queued, but nobody waits for it.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    reader: Arc<Reader>,
    background: Background,
    lists: Lists<Pool>,
    memory: Arc<Memory>,
}

impl SqliteStore {
    /// Opens the database, creating or migrating it as needed. Blocks.
    ///
    /// # Errors
    /// The file cannot be used, or is not ours to use: see [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, OpenError> {
        let path = resolve(path.as_ref())?;
        let failed = |what, source: Box<dyn std::error::Error + Send + Sync>| OpenError::Failed {
            path: path.clone(),
            what,
            source,
        };
        let connection = open_writer(&path, &options)?;
        let memory =
            Memory::load(&connection).map_err(|e| failed("reading extension paths", e.into()))?;
        let memory = Arc::new(memory);
        let tail = Arc::new(Tail::new(options.indexed_together));
        let indexing = Indexing::new(Arc::clone(&tail));
        let writer = Writer::start(connection, Arc::clone(&memory), indexing, &options)
            .map_err(|e| failed("starting the writer thread", e.into()))?;
        let lists = Lists::new(Pool::new(&path, &options, tail), options.lists());
        let reader = Arc::new(Reader::new(path, options, Arc::clone(&memory)));
        let background = Background::new(Arc::clone(&reader));
        Ok(Self { writer, reader, background, lists, memory })
    }

    /// What the writer has done so far.
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(super) fn background(&self) -> &Background {
        &self.background
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    fn read(connection: &Connection, id: &str) -> rusqlite::Result<Option<Interaction>> {
        connection
            .prepare_cached(
                "SELECT id, version, foreign_href, document FROM interaction WHERE id = ?1",
            )?
            .query_row([id], interaction_from)
            .optional()
    }

    fn has_extension_path(&self, path: &str) -> bool {
        let found = self.reader.read("looking for an extension path", |connection| {
            connection
                .prepare_cached("SELECT 1 FROM extension_path WHERE path = ?1")?
                .exists([path])
        });
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "an extension path is taken for unknown");
            false
        })
    }

    async fn really_check(&self) -> StoreResult<()> {
        let written = self.writer.submit("writing a heartbeat", change::beat).await?;
        let read = self.reader.read("reading the heartbeat", |connection| {
            connection
                .prepare_cached("SELECT beat FROM heartbeat WHERE one = 1")?
                .query_row([], |row| row.get::<_, i64>(0))
        })?;
        // A later check may have written meanwhile.
        if read >= written {
            Ok(())
        } else {
            let source = format!("wrote {written}, read {read}").into();
            Err(StoreError::Failed { what: "reading the heartbeat", source })
        }
    }
}

impl Store for SqliteStore {
    fn create(&self, creations: Vec<Creation>) -> BoxFuture<'_, StoreResult<bool>> {
        let bytes = creations.bytes();
        let work = move |unit: &mut change::Unit<'_>| change::create(unit, &creations);
        self.writer.submit_large("creating interactions", bytes, work).boxed()
    }

    fn create_once(
        &self,
        creations: Vec<Creation>,
        once: Once,
    ) -> BoxFuture<'_, StoreResult<CreateOnce>> {
        let bytes = creations.bytes() + once.answer.bytes();
        let work = move |unit: &mut change::Unit<'_>| once::create_once(unit, &creations, &once);
        self.writer.submit_large("creating interactions once", bytes, work).boxed()
    }

    fn replace(
        &self,
        record: Record,
        before: Before,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<Outcome>> {
        let bytes = record.bytes() + events.bytes();
        let work =
            move |unit: &mut change::Unit<'_>| change::replace(unit, &record, &before, &events);
        self.writer.submit_large("replacing an interaction", bytes, work).boxed()
    }

    fn delete(
        &self,
        id: String,
        before: Before,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<Outcome>> {
        let bytes = events.bytes();
        let work = move |unit: &mut change::Unit<'_>| change::delete(unit, &id, &before, &events);
        self.writer.submit_large("deleting an interaction", bytes, work).boxed()
    }

    fn import(&self, batch: ImportBatch) -> BoxFuture<'_, StoreResult<Vec<Imported>>> {
        let work = move |unit: &mut change::Unit<'_>| import::import(unit, &batch);
        self.writer.submit("importing interactions", work).boxed()
    }

    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, StoreResult<Option<Interaction>>> {
        let read = |connection: &Connection| Self::read(connection, id);
        async move { self.reader.read_by_key("reading an interaction", read) }.boxed()
    }

    fn current<'a>(&'a self, id: &'a str) -> BoxFuture<'a, StoreResult<Option<Interaction>>> {
        let read = |connection: &Connection| Self::read(connection, id);
        async move { self.reader.read("reading an interaction", read) }.boxed()
    }

    fn page(&self, query: PageQuery) -> BoxFuture<'_, StoreResult<Page>> {
        self.lists.page(query).boxed()
    }

    fn knows_extension_path(&self, path: &str) -> bool {
        // What another process has stored is not in memory: asked for when it would be refused.
        self.memory.knows_extension_path(path) || self.has_extension_path(path)
    }

    fn refresh(&self) -> BoxFuture<'_, StoreResult<()>> {
        std::future::ready(Ok(())).boxed()
    }

    fn subscribe(
        &self,
        subscription: Subscription,
        most: u32,
    ) -> BoxFuture<'_, StoreResult<Subscribed>> {
        let bytes = subscription.bytes();
        let work = move |unit: &mut change::Unit<'_>| change::subscribe(unit, &subscription, most);
        self.writer.submit_large("storing a subscription", bytes, work).boxed()
    }

    fn unsubscribe(&self, id: String, api_version: String) -> BoxFuture<'_, StoreResult<bool>> {
        let work = move |unit: &mut change::Unit<'_>| change::unsubscribe(unit, &id, &api_version);
        self.writer.submit("removing a subscription", work).boxed()
    }

    fn check(&self) -> BoxFuture<'_, StoreResult<()>> {
        self.really_check().boxed()
    }

    fn close(&self) -> BoxFuture<'_, StoreResult<()>> {
        async move {
            // Readers first: the checkpoint empties the log only if nobody reads from it.
            self.writer.stop();
            self.background.close();
            self.reader.close();
            self.lists.close();
            self.writer.ended().await;
            let Stats { commits, jobs, failures, largest_batch } = self.stats();
            tracing::debug!(commits, jobs, failures, largest_batch, "the store is closed");
            Ok(())
        }
        .boxed()
    }
}
