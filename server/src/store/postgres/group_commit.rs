//! Group commit: many jobs in one transaction, each failing alone.
//!
//! Since almost no job fails, a batch is first run without savepoints, its statements sent one behind
//! the other without waiting for answers; if a job fails or panics, all is rolled back and run again
//! one by one, each on its savepoint. What conflicts with another process is run again as it is. What
//! the database would say to any job, that it has no room, or that somebody keeps a lock, is said to all.
//!
//! A batch is complete when the counter is locked: what comes in while other processes hold it is taken
//! along. So the more processes there are, the larger their batches, and not the more of them.
//!
//! A connection that goes away before the commit was sent has changed nothing. One that goes away
//! while the commit is on its way leaves it open whether it was done; then nobody is told that it was,
//! and who repeats a create with its key, or a change with its `If-Match`, finds out without doing it
//! twice.

use super::change;
use super::connection::{Era, in_time};
use super::counter::Counter;
use super::delivery::log;
use super::error::{Error, Nature, Result};
use super::job::{Company, Job, Unit};
use super::memory::Memory;
use super::notice::Notices;
use crate::store::contract::Lack;
use deadpool_postgres::{Object, Pool, Transaction};
use futures::FutureExt;
use futures::future::{try_join_all, try_join3};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Jobs that share a transaction.
pub(super) type Batch = Vec<Box<dyn Job>>;

/// Adds what has come in since to a batch.
pub(super) type Complete<'q> = dyn FnMut(&mut Batch) + Send + 'q;

/// What became of one job: nothing to complain of, or its failure.
pub(super) type Verdict = Option<Error>;

/// How often a batch that conflicts with another process is tried.
const ATTEMPTS: usize = 5;

/// Where transactions are made, and the memory that follows their commits.
pub(super) struct GroupCommit {
    pool: Pool,
    era: Era,
    /// Whether the last transaction had no answer, or was refused for being where nothing may be changed.
    is_astray: AtomicBool,
    patience: Duration,
    memory: Arc<Memory>,
    notices: Arc<Notices>,
}

/// How the jobs of a batch are run.
#[derive(Clone, Copy)]
enum Manner {
    /// All or none.
    Together,
    /// Each on a savepoint of its own.
    Apart,
}

impl GroupCommit {
    /// A transaction is given up after `patience`.
    pub(super) fn new(
        pool: Pool,
        era: Era,
        patience: Duration,
        memory: Arc<Memory>,
        notices: Arc<Notices>,
    ) -> Self {
        Self { pool, era, is_astray: AtomicBool::new(false), patience, memory, notices }
    }

    /// Completes the batch, runs it, and says what became of each of its jobs.
    pub(super) async fn execute(
        &self,
        batch: &mut Batch,
        complete: &mut Complete<'_>,
    ) -> Vec<Verdict> {
        let mut manner = Manner::Together;
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let error = match self.transaction(batch, manner, complete).await {
                Ok(verdicts) => return verdicts,
                Err(error) => error,
            };
            match (manner, error.nature()) {
                _ if left == 0 => {}
                _ if error.is_conflict() => continue,
                (Manner::Together, Nature::Lasting) => {
                    manner = Manner::Apart;
                    continue;
                }
                _ => {}
            }
            return batch.iter().map(|_| Some(error.clone())).collect();
        }
    }

    /// One transaction around the jobs, on a connection to where changes may be made.
    async fn transaction(
        &self,
        batch: &mut Batch,
        manner: Manner,
        complete: &mut Complete<'_>,
    ) -> Result<Vec<Verdict>> {
        let mut client = self.pool.get().await?;
        let work = self.transaction_on(&mut client, batch, manner, complete);
        let done = in_time(self.patience, work).await;
        match done.as_ref().map_err(Error::nature) {
            Err(Nature::Unavailable(Lack::Connection | Lack::Writing)) => {
                // The next one may lead elsewhere.
                drop(Object::take(client));
                self.is_astray.store(true, Ordering::Relaxed);
            }
            // Readers may still be there.
            Ok(_) if self.is_astray.swap(false, Ordering::Relaxed) => self.era.begin(),
            _ => {}
        }
        done
    }

    /// One transaction around the jobs, and what follows from its commit.
    async fn transaction_on(
        &self,
        client: &mut Object,
        batch: &mut Batch,
        manner: Manner,
        complete: &mut Complete<'_>,
    ) -> Result<Vec<Verdict>> {
        let transaction = client.transaction().await?;
        let before = Counter::lock(&transaction).await?;
        complete(batch);
        let is_shared = matches!(manner, Manner::Together);
        let unit = Unit::new(&transaction, &self.memory, before.clone(), is_shared);
        let verdicts = match manner {
            Manner::Together => together(&unit, batch).await?,
            Manner::Apart => apart(&unit, batch).await?,
        };
        let events = unit.take_events();
        let counter = unit.counter();
        drop(unit);
        let notice = match manner {
            Manner::Together if counter.is_news_after(&before) => self.notices.statement(),
            // What cannot be told, for the queue of notices may be full, must be written all the same.
            Manner::Together | Manner::Apart => None,
        };
        try_join3(
            log::append(&transaction, &events),
            counter.write(&transaction),
            tell(&transaction, notice),
        )
        .await?;
        let paths = self.memory.news(&transaction, &counter).await?;
        transaction.commit().await.map_err(Error::at_commit)?;
        self.memory.learn(&counter, paths);
        if counter.changes() > before.changes() {
            self.memory.changed(&counter);
        }
        Ok(verdicts)
    }
}

/// Has others told of the commit.
async fn tell(transaction: &Transaction<'_>, notice: Option<String>) -> Result<()> {
    let Some(notice) = notice else { return Ok(()) };
    Ok(transaction.batch_execute(&notice).await?)
}

/// All jobs, or none: the first failure ends it. The events of the last run are still to be written.
async fn together(unit: &Unit<'_>, batch: &mut Batch) -> Result<Vec<Verdict>> {
    let runs =
        batch.chunk_by_mut(|a, b| (a.company(), b.company()) == (Company::Any, Company::Any));
    for run in runs {
        unit.write_events().await?;
        try_join_all(run.iter_mut().map(|job| run_job(job.as_mut(), unit))).await?;
        change::create_gathered(unit).await?;
    }
    Ok(batch.iter().map(|_| None).collect())
}

/// Each job on a savepoint of its own.
async fn apart(unit: &Unit<'_>, batch: &mut Batch) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::with_capacity(batch.len());
    for job in batch.iter_mut() {
        unit.transaction.batch_execute("SAVEPOINT job").await?;
        let mark = unit.counter();
        let done = match run_job(job.as_mut(), unit).await {
            Ok(()) => unit.write_events().await,
            error => error,
        };
        let verdict = done.err();
        if let Some(error) = &verdict {
            if error.nature() != Nature::Lasting {
                return Err(error.clone());
            }
            unit.forget_since(mark);
            unit.transaction.batch_execute("ROLLBACK TO SAVEPOINT job").await?;
        }
        unit.transaction.batch_execute("RELEASE SAVEPOINT job").await?;
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Runs one job and turns a panic into its failure: the panic of one request must not be the end of all
/// others.
async fn run_job(job: &mut dyn Job, unit: &Unit<'_>) -> Result<()> {
    match AssertUnwindSafe(job.run(unit)).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Error::because(format!("panic: {}", text.unwrap_or_default())))
        }
    }
}
