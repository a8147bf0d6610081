//! The writer: one thread, one connection, many jobs per transaction (group commit).
//!
//! Jobs wait in a bounded queue. The thread takes what is there, up to a maximum, runs it in one
//! transaction and replies after the commit: the one fsync of the commit is shared by all that
//! waited meanwhile. A full queue, by number or by bytes, is an answer ([`StoreError::Busy`]), not a longer wait.
//!
//! The thread outlives every failure. It ends when the queue is closed and empty, and leaves a
//! checkpointed database. How a batch becomes a transaction is told in [`super::group_commit`],
//! what the jobs do in [`super::change`].

use super::change::Unit;
use super::error::failed_because;
use super::group_commit::{GroupCommit, Verdict};
use super::indexing::Indexing;
use super::job::{Job, job};
use super::memory::Memory;
use super::store::SqliteOptions;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::room::Room;
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::{io, thread};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// What the writer has done since it was started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Transactions committed.
    pub commits: u64,
    /// Jobs run, failed ones included.
    pub jobs: u64,
    /// Jobs that failed, alone or with their whole batch.
    pub failures: u64,
    /// The most jobs that were run together.
    pub largest_batch: u64,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    jobs: AtomicU64,
    failures: AtomicU64,
    largest_batch: AtomicU64,
}

impl Counters {
    fn count(&self, commits: u64, verdicts: &[Verdict]) {
        let failures = verdicts.iter().flatten().count() as u64;
        self.commits.store(commits, Ordering::Relaxed);
        self.jobs.fetch_add(verdicts.len() as u64, Ordering::Relaxed);
        self.failures.fetch_add(failures, Ordering::Relaxed);
        self.largest_batch.fetch_max(verdicts.len() as u64, Ordering::Relaxed);
    }
}

/// The handle to the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` once closed. Dropping the sender is what tells the thread to finish.
    queue: RwLock<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// `false`: nothing may wait, so nothing is written. A channel without room cannot be made.
    has_room: bool,
    room: Room,
    /// Its sender lives in the thread and goes with it.
    ended: watch::Receiver<()>,
    counters: Arc<Counters>,
}

impl Writer {
    /// Starts the thread. `connection` is its own from here on.
    pub(super) fn start(
        connection: Connection,
        memory: Arc<Memory>,
        indexing: Indexing,
        options: &SqliteOptions,
    ) -> io::Result<Self> {
        let SqliteOptions { queue_length, queue_bytes, max_batch, .. } = *options;
        let (sender, receiver) = mpsc::channel(queue_length.max(1));
        let (alive, ended) = watch::channel(());
        let counters = Arc::new(Counters::default());
        let mut group_commit = GroupCommit::new(connection, memory, indexing, options)?;
        let told = Arc::clone(&counters);
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            work(&mut group_commit, receiver, max_batch, &told);
            group_commit.finish();
            drop(alive);
        })?;
        let (queue, has_room) = (RwLock::new(Some(sender)), queue_length > 0);
        Ok(Self { queue, has_room, room: Room::of(queue_bytes), ended, counters })
    }

    /// Has `work` done in a transaction, and answers when that is durable. Once queued it is
    /// done even if the caller no longer waits. `work` may be run twice, see the file's header.
    pub(super) async fn submit<T, F>(&self, what: &'static str, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Unit<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.submit_large(what, 0, work).await
    }

    /// The same for work that comes with so many bytes.
    pub(super) async fn submit_large<T, F>(
        &self,
        what: &'static str,
        bytes: usize,
        work: F,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Unit<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (job, answer) = job(what, self.room.take(bytes)?, work);
        self.enqueue(job)?;
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(failed_because(what, "the writer dropped the job")),
        }
    }

    fn enqueue(&self, job: Box<dyn Job>) -> StoreResult<()> {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = queue.as_ref() else { return Err(StoreError::Closed) };
        if !self.has_room {
            return Err(StoreError::Busy);
        }
        sender.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Accepts nothing more; what is queued is still done.
    pub(super) fn stop(&self) {
        self.queue.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits until all is committed and the connection is closed.
    pub(super) async fn ended(&self) {
        // Nothing is ever sent: an error says that the sender, and with it the thread, is gone.
        while self.ended.clone().changed().await.is_ok() {}
    }

    pub(super) fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: read(&self.counters.commits),
            jobs: read(&self.counters.jobs),
            failures: read(&self.counters.failures),
            largest_batch: read(&self.counters.largest_batch),
        }
    }
}

/// What the thread does, until the queue is closed and empty.
fn work(
    group_commit: &mut GroupCommit,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    max_batch: usize,
    counters: &Counters,
) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < max_batch
            && let Ok(job) = queue.try_recv()
        {
            batch.push(job);
        }
        let verdicts = group_commit.execute(&mut batch);
        counters.count(group_commit.commits(), &verdicts);
        for (job, verdict) in batch.into_iter().zip(verdicts) {
            job.answer(verdict);
        }
        group_commit.tidy_up();
    }
}
