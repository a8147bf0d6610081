//! The writer: one task, one transaction at a time, many jobs in it (group commit).
//!
//! Jobs wait in a bounded queue. When its turn to write has come, the task takes what is there, up to a
//! maximum, runs it in one transaction and replies after the commit. A full queue, by number or by bytes, is an answer
//! ([`StoreError::Busy`]), not a longer wait. Whoever waits does so for a bounded time, for its turn and
//! for its transaction together; a turn that comes later is not taken. The task outlives every failure; it ends when the queue is
//! closed and empty. How a batch becomes a transaction is told in [`super::group_commit`].

use super::error::Error;
use super::group_commit::{Batch, GroupCommit};
use super::job::{Company, Job, Work, job};
use super::store::PostgresOptions;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::room::Room;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// The handle to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` once closed. Dropping the sender is what tells the task to finish.
    queue: RwLock<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// `false`: nothing may wait, so nothing is written. A channel without room cannot be made.
    has_room: bool,
    room: Room,
    patience: Duration,
    /// Its sender lives in the task and goes with it.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task. Nobody waits for it longer than `patience`.
    pub(super) fn start(
        group_commit: GroupCommit,
        options: &PostgresOptions,
        patience: Duration,
    ) -> Self {
        let PostgresOptions { queue_length, queue_bytes, max_batch, .. } = *options;
        let (sender, receiver) = mpsc::channel(queue_length.max(1));
        let (alive, ended) = watch::channel(());
        tokio::spawn(async move {
            work(&group_commit, receiver, max_batch.max(1)).await;
            drop(alive);
        });
        let (queue, has_room) = (RwLock::new(Some(sender)), queue_length > 0);
        Self { queue, has_room, room: Room::of(queue_bytes), patience, ended }
    }

    /// Has `work` done in a transaction, and answers when that is durable. Once queued it is
    /// done even if the caller goes away. It may be run more than once. What has begun when time is up may
    /// be done yet.
    pub(super) async fn submit<I, T>(
        &self,
        what: &'static str,
        company: Company,
        input: I,
        work: Work<I, T>,
    ) -> StoreResult<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.submit_large(what, 0, company, input, work).await
    }

    /// The same for work that comes with so many bytes.
    pub(super) async fn submit_large<I, T>(
        &self,
        what: &'static str,
        bytes: usize,
        company: Company,
        input: I,
        work: Work<I, T>,
    ) -> StoreResult<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        let until = Instant::now() + self.patience;
        let (job, answer) = job(what, self.room.take(bytes)?, company, until, input, work);
        self.enqueue(job)?;
        let dropped = || StoreError::Failed { what, source: "the writer dropped the job".into() };
        match timeout_at(until, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(dropped())),
            Err(_) => Err(Error::Silent.during(what)),
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

    /// Waits until all is committed.
    pub(super) async fn ended(&self) {
        // Nothing is ever sent: an error says that the sender, and with it the task, is gone.
        while self.ended.clone().changed().await.is_ok() {}
    }
}

/// What the task does, until the queue is closed and empty.
async fn work(
    group_commit: &GroupCommit,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    max_batch: usize,
) {
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, max_batch).await > 0 {
        let mut batch: Batch = waiting.drain(..).filter_map(still_wanted).collect();
        if batch.is_empty() {
            continue;
        }
        let mut complete = |batch: &mut Batch| {
            while batch.len() < max_batch
                && let Ok(job) = queue.try_recv()
            {
                batch.extend(still_wanted(job));
            }
        };
        let verdicts = group_commit.execute(&mut batch, &mut complete).await;
        for (job, verdict) in batch.drain(..).zip(verdicts) {
            job.answer(verdict);
        }
    }
}

/// A job whose turn comes too late is not begun.
fn still_wanted(job: Box<dyn Job>) -> Option<Box<dyn Job>> {
    if job.is_late() {
        // Its caller is about to give up.
        job.answer(Some(Error::Silent));
        return None;
    }
    Some(job)
}
