//! `PostgresStore`: the store contract on the writer, the readers and the lists.
//!
//! Only hands over: every method of the contract is one call to one of its parts.

use super::change::{self, Deletion, Replacement, findable};
use super::connection::{Address, Settings};
use super::counter;
use super::error::{Error, OpenError, Result};
use super::follower::Follower;
use super::group_commit::GroupCommit;
use super::import;
use super::job::Company::{Alone, Any};
use super::memory::Memory;
use super::notice::Notices;
use super::once;
use super::reader::Reader;
use super::replica::Replica;
use super::schema;
use super::snapshot::{Origin, Snapshots, interaction_from};
use super::subscriptions;
use super::successor::mark;
use super::writer::Writer;
use crate::domain::event::Event;
use crate::domain::interaction::Interaction;
use crate::store::contract::{
    Before, CreateOnce, Creation, ImportBatch, Imported, Once, Outcome, Page, PageQuery, Record,
    Store, StoreError, StoreResult, Subscribed, Subscription,
};
use crate::store::list::{Bounds, Lists};
use crate::store::room::Weighed;
use deadpool_postgres::Pool;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// How a store is run. The defaults suit a server.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The most writes one transaction has. 1: each write has a commit of its own.
    pub max_batch: usize,
    /// The most writes that wait; one more is told [`StoreError::Busy`]. 0: every write is.
    pub queue_length: usize,
    /// The most bytes of text that those which wait have together; one more is told the same. 0: any.
    pub queue_bytes: usize,
    /// How long to wait for a connection, for a lock another process holds, and for a turn to run a
    /// list.
    pub busy_timeout: Duration,
    /// How long a statement may run; a list consists of many.
    pub statement_timeout: Duration,
    /// Reads that run at a time; others wait.
    pub read_connections: usize,
    /// Lists that run at a time, until they are answered or begin to stream.
    pub list_connections: usize,
    /// Lists that stream at a time: those whose items are more than are read at once.
    pub stream_connections: usize,
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
    /// How often to look at what other processes have written.
    pub look_every: Duration,
    /// Whether processes tell each other when there is something to see, where the database lets them.
    pub notices: bool,
    /// What lists are read from while it is fresh enough.
    pub replica: Option<ReplicaOptions>,
}

/// A read-only copy of the database.
#[derive(Clone)]
pub struct ReplicaOptions {
    /// Where it is. It may carry a password.
    pub url: String,
    /// The most a list may be behind the database.
    pub most_stale: Duration,
}

impl fmt::Debug for ReplicaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, most_stale } = self;
        f.debug_struct("ReplicaOptions").field("most_stale", most_stale).finish_non_exhaustive()
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            max_batch: 512,
            queue_length: 4096,
            queue_bytes: 128 << 20,
            busy_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            read_connections: 8,
            list_connections: 4,
            stream_connections: 8,
            stream_stall: Duration::from_secs(30),
            sort_bytes: 9 << 20,
            scan_documents: None,
            index_cache_bytes: 64 << 20,
            walked_entries: 1000,
            look_every: Duration::from_millis(100),
            notices: true,
            replica: None,
        }
    }
}

/// Interactions, outbox and subscriptions in one PostgreSQL database, which other processes may use at
/// the same time.
#[derive(Debug)]
pub struct PostgresStore {
    writer: Writer,
    reader: Reader,
    lists: Lists<Snapshots>,
    memory: Arc<Memory>,
    follower: Arc<Follower>,
    replica: Option<Arc<Replica>>,
    /// What goes on beside requests.
    tasks: Mutex<JoinSet<()>>,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date. A replica need not be there now.
    ///
    /// # Errors
    /// The database cannot be reached, or is not ours to use: see [`OpenError`].
    pub async fn open(url: &str, options: PostgresOptions) -> std::result::Result<Self, OpenError> {
        let address = Address::of(url, &options)?;
        let settings = Settings {
            statement: options.statement_timeout,
            lock: options.busy_timeout,
            idle: options.busy_timeout.saturating_mul(2),
            by_key: false,
        };
        let write = address.pool(1, Settings { by_key: true, ..settings })?;
        let read = address.pool(options.read_connections, settings)?;
        // A stream is idle for as long as its reader pleases, and holds no lock.
        let list_settings = Settings { idle: Duration::ZERO, ..settings };
        let lists = options.list_connections.saturating_add(options.stream_connections);
        let replica = options.replica.as_ref().map(|replica| {
            // One more, for who looks how fresh it is.
            let pool =
                Address::of_replica(&replica.url, &options)?.pool(lists + 1, list_settings)?;
            Ok((pool, replica.most_stale))
        });
        let replica = replica.transpose()?;
        let lists = address.pool(lists, list_settings)?;
        // The database ends what is too long for itself, unless it has frozen.
        let patience = options.statement_timeout.saturating_add(options.busy_timeout);
        let Prepared { memory, notices, identity, origin } = prepare(&write).await?;
        let (memory, notices) = (Arc::new(memory), Arc::new(notices));
        let replica = replica.map(|(pool, most_stale)| {
            Arc::new(Replica::new(pool, most_stale, identity, Arc::clone(&memory)))
        });
        let group_commit = GroupCommit::new(
            write,
            address.era(),
            patience,
            Arc::clone(&memory),
            Arc::clone(&notices),
        );
        let follower = Arc::new(Follower::new(
            read.clone(),
            patience,
            Arc::clone(&memory),
            Arc::clone(&notices),
            replica.clone(),
        ));
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&follower).run(options.look_every));
        if options.notices {
            tasks.spawn(notices.listen(address));
        }
        if let Some(replica) = &replica {
            tasks.spawn(Arc::clone(replica).watch(options.look_every));
        }
        let snapshots = Snapshots { primary: lists, replica: replica.clone(), origin, patience };
        Ok(Self {
            writer: Writer::start(group_commit, &options, patience),
            reader: Reader::new(read, patience),
            lists: Lists::new(snapshots, options.lists()),
            memory,
            follower,
            replica,
            tasks: Mutex::new(tasks),
        })
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    fn end_tasks(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    async fn read(&self, id: &str) -> Result<Option<Interaction>> {
        let sql = "SELECT id, version, foreign_href, document FROM interaction WHERE id = $1";
        let row = self.reader.row(sql, &[&findable(id)]).await?;
        Ok(row.as_ref().map(interaction_from))
    }

    async fn really_check(&self) -> StoreResult<()> {
        let written = self
            .writer
            .submit("writing a heartbeat", Alone, (), |unit, _| change::beat(unit).boxed())
            .await?;
        let what = "reading the heartbeat";
        let sql = "SELECT beat FROM heartbeat WHERE one = 1";
        let read = self.reader.row(sql, &[]).await.map_err(|e| e.during(what))?;
        let read = read.map(|row| row.get::<_, i64>(0));
        // A later check may have written meanwhile.
        if read >= Some(written) {
            Ok(())
        } else {
            let source = format!("wrote {written}, read {read:?}").into();
            Err(StoreError::Failed { what, source })
        }
    }
}

impl PostgresOptions {
    fn lists(&self) -> Bounds {
        Bounds {
            lists: self.list_connections,
            streams: self.stream_connections,
            patience: self.busy_timeout,
            stall: self.stream_stall,
            sort_bytes: self.sort_bytes,
            scan_documents: self.scan_documents,
            index_cache_bytes: self.index_cache_bytes,
            walked_entries: self.walked_entries,
        }
    }
}

/// What is known of a database that is ready.
struct Prepared {
    memory: Memory,
    notices: Notices,
    identity: String,
    origin: Origin,
}

async fn prepare(pool: &Pool) -> std::result::Result<Prepared, OpenError> {
    let failed = |what, e: Error| OpenError::Failed { what, source: Box::new(e) };
    let mut client = pool.get().await.map_err(|e| failed("connecting", e.into()))?;
    schema::migrate(&mut client).await?;
    mark::enter(&mut client).await?;
    let memory = Memory::load(&client).await;
    let memory = memory.map_err(|e| failed("reading extension paths", e))?;
    let notices = Notices::of(&client).await.map_err(|e| failed("reading its schema's name", e))?;
    let identity = counter::identity(&client).await;
    let identity = identity.map_err(|e| failed("reading its identity", e))?;
    let origin = Origin::of(&client).await;
    Ok(Prepared { memory, notices, identity, origin })
}

impl Store for PostgresStore {
    fn create(&self, creations: Vec<Creation>) -> BoxFuture<'_, StoreResult<bool>> {
        let bytes = creations.bytes();
        self.writer
            .submit_large("creating interactions", bytes, Any, creations, |unit, creations| {
                change::create_with_others(unit, creations).boxed()
            })
            .boxed()
    }

    fn import(&self, batch: ImportBatch) -> BoxFuture<'_, StoreResult<Vec<Imported>>> {
        self.writer
            .submit("importing interactions", Alone, batch, |unit, batch| {
                import::import(unit, batch).boxed()
            })
            .boxed()
    }

    fn create_once(
        &self,
        creations: Vec<Creation>,
        once: Once,
    ) -> BoxFuture<'_, StoreResult<CreateOnce>> {
        let bytes = creations.bytes() + once.answer.bytes();
        let input = (creations, once);
        self.writer
            .submit_large("creating interactions once", bytes, Alone, input, |unit, input| {
                once::create_once(unit, input).boxed()
            })
            .boxed()
    }

    fn replace(
        &self,
        record: Record,
        before: Before,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<Outcome>> {
        let bytes = record.bytes() + events.bytes();
        let input = Replacement { record, before, events };
        self.writer
            .submit_large("replacing an interaction", bytes, Any, input, |unit, input| {
                change::replace(unit, input).boxed()
            })
            .boxed()
    }

    fn delete(
        &self,
        id: String,
        before: Before,
        events: Vec<Event>,
    ) -> BoxFuture<'_, StoreResult<Outcome>> {
        let bytes = events.bytes();
        let input = Deletion { id, before, events };
        self.writer
            .submit_large("deleting an interaction", bytes, Any, input, |unit, input| {
                change::delete(unit, input).boxed()
            })
            .boxed()
    }

    fn current<'a>(&'a self, id: &'a str) -> BoxFuture<'a, StoreResult<Option<Interaction>>> {
        self.get(id)
    }

    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, StoreResult<Option<Interaction>>> {
        let what = "reading an interaction";
        async move { self.read(id).await.map_err(|e| e.during(what)) }.boxed()
    }

    fn page(&self, query: PageQuery) -> BoxFuture<'_, StoreResult<Page>> {
        self.lists.page(query).boxed()
    }

    fn knows_extension_path(&self, path: &str) -> bool {
        self.memory.knows_extension_path(path)
    }

    fn refresh(&self) -> BoxFuture<'_, StoreResult<()>> {
        let what = "looking at what other processes have written";
        async move { self.follower.look().await.map_err(|e| e.during(what)) }.boxed()
    }

    fn subscribe(
        &self,
        subscription: Subscription,
        most: u32,
    ) -> BoxFuture<'_, StoreResult<Subscribed>> {
        let bytes = subscription.bytes();
        self.writer
            .submit_large(
                "storing a subscription",
                bytes,
                Alone,
                (subscription, most),
                |unit, input| subscriptions::subscribe(unit, input).boxed(),
            )
            .boxed()
    }

    fn unsubscribe(&self, id: String, api_version: String) -> BoxFuture<'_, StoreResult<bool>> {
        self.writer
            .submit("removing a subscription", Alone, (id, api_version), |unit, input| {
                subscriptions::unsubscribe(unit, input).boxed()
            })
            .boxed()
    }

    fn check(&self) -> BoxFuture<'_, StoreResult<()>> {
        self.really_check().boxed()
    }

    fn close(&self) -> BoxFuture<'_, StoreResult<()>> {
        async move {
            self.writer.stop();
            self.end_tasks();
            self.lists.close();
            if let Some(replica) = &self.replica {
                replica.pool().close();
            }
            self.writer.ended().await;
            self.reader.close();
            Ok(())
        }
        .boxed()
    }
}
