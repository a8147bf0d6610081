//! The writer: one task, one transaction at a time, many jobs in it (group commit).
//!
//! Jobs wait in a bounded queue. When its turn to write has come, the task takes what is there, up to a
//! maximum, runs it in one transaction and replies after the commit. A full queue, by number or by bytes, is an answer
//! ([`StoreError::Busy`]), not a longer wait. The task outlives every failure; it ends when the queue is
//! closed and empty. How a batch becomes a transaction is told in [`super::group_commit`].

use super::group_commit::{Batch, GroupCommit};
use super::job::{Company, Job, Work, job};
use super::store::PostgresOptions;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::room::Room;
use std::sync::{PoisonError, RwLock};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// The handle to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` once closed. Dropping the sender is what tells the task to finish.
    queue: RwLock<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// `false`: nothing may wait, so nothing is written. A channel without room cannot be made.
    has_room: bool,
    room: Room,
    /// Its sender lives in the task and goes with it.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task.
    pub(super) fn start(group_commit: GroupCommit, options: &PostgresOptions) -> Self {
        let PostgresOptions { queue_length, queue_bytes, max_batch, .. } = *options;
        let (sender, receiver) = mpsc::channel(queue_length.max(1));
        let (alive, ended) = watch::channel(());
        tokio::spawn(async move {
            work(&group_commit, receiver, max_batch.max(1)).await;
            drop(alive);
        });
        let (queue, has_room) = (RwLock::new(Some(sender)), queue_length > 0);
        Self { queue, has_room, room: Room::of(queue_bytes), ended }
    }

    /// Has `work` done in a transaction, and answers when that is durable. Once queued it is
    /// done even if the caller no longer waits. It may be run more than once.
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
        let (job, answer) = job(what, self.room.take(bytes)?, company, input, work);
        self.enqueue(job)?;
        let dropped = || StoreError::Failed { what, source: "the writer dropped the job".into() };
        answer.await.unwrap_or_else(|_| Err(dropped()))
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
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, max_batch).await > 0 {
        let mut complete = |batch: &mut Batch| {
            while batch.len() < max_batch
                && let Ok(job) = queue.try_recv()
            {
                batch.push(job);
            }
        };
        let verdicts = group_commit.execute(&mut batch, &mut complete).await;
        for (job, verdict) in batch.drain(..).zip(verdicts) {
            job.answer(verdict);
        }
    }
}
