//! Group commit: many jobs in one transaction, each failing alone.
//!
//! Since almost no job fails, a batch is first run without savepoints; if a job fails or panics,
//! all is rolled back and run again with one savepoint per job. Savepoints from the start would
//! cost a tenth more processor time per job: a copy of every page that is changed under them.
//!
//! Where jobs come from and who is told is not known here: see [`super::writer`].

use super::change::Unit;
use super::error::{Nature, failed, failed_because, failed_together, nature};
use super::indexing::Indexing;
use super::job::Job;
use super::memory::{Memory, News};
use super::store::SqliteOptions;
use super::wal::Wal;
use crate::store::contract::StoreError;
use rusqlite::Connection;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Jobs that share a transaction.
pub(super) type Batch = [Box<dyn Job>];

/// What became of one job of a committed transaction: nothing to complain of, or its failure.
pub(super) type Verdict = Option<StoreError>;

/// The verdicts of a committed transaction, in the order of its jobs.
type Committed = Result<Vec<Verdict>, Rollback>;

/// Why a transaction was rolled back.
enum Rollback {
    /// A job failed, and took the others with it: worth trying each apart.
    Job,
    /// That job's failure ended the transaction inside SQLite (out of memory).
    Lost(usize, StoreError),
    /// It could not be begun or committed, or there is no room: no job is to blame.
    Transaction(rusqlite::Error),
}

/// Why a job failed.
enum Failure {
    Sqlite(rusqlite::Error),
    Panic(String),
}

impl Failure {
    /// What fails all jobs of the transaction, if it does.
    fn blameless(self) -> Result<Self, Rollback> {
        match self {
            Self::Sqlite(error) if matches!(nature(&error), Nature::Unavailable(_)) => {
                Err(Rollback::Transaction(error))
            }
            own => Ok(own),
        }
    }

    fn during(self, what: &'static str) -> StoreError {
        match self {
            Self::Sqlite(error) => failed(what, error),
            Self::Panic(text) => failed_because(what, format!("panic: {text}")),
        }
    }
}

/// The write connection, and the memory that follows its commits.
pub(super) struct GroupCommit {
    connection: Connection,
    memory: Arc<Memory>,
    indexing: Indexing,
    /// `None`: SQLite sees to it.
    wal: Option<Wal>,
    commits: u64,
}

impl GroupCommit {
    /// Takes over the connection.
    pub(super) fn new(
        connection: Connection,
        memory: Arc<Memory>,
        indexing: Indexing,
        options: &SqliteOptions,
    ) -> io::Result<Self> {
        let wal = options.copies_beside.then(|| Wal::new(&connection, options.busy_timeout));
        let wal = wal.transpose()?;
        Ok(Self { connection, memory, indexing, wal, commits: 0 })
    }

    /// Transactions committed so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Runs the batch: together if all goes well, else each job on its own savepoint.
    pub(super) fn execute(&mut self, batch: &mut Batch) -> Vec<Verdict> {
        let result = match self.transaction(batch, Self::run_together) {
            Err(Rollback::Job) => self.transaction(batch, Self::run_apart),
            other => other,
        };
        let all = |verdict: &dyn Fn(&'static str) -> StoreError| {
            batch.iter().map(|job| Some(verdict(job.what()))).collect::<Vec<Verdict>>()
        };
        match result {
            Ok(verdicts) => verdicts,
            Err(Rollback::Transaction(e)) => {
                let e = Arc::new(e);
                all(&|what| failed_together(what, &e))
            }
            Err(Rollback::Job) => all(&|what| failed_because(what, "the batch was rolled back")),
            Err(Rollback::Lost(culprit, error)) => {
                let mut verdicts = all(&|what| failed_because(what, "the transaction was lost"));
                verdicts[culprit] = Some(error);
                verdicts
            }
        }
    }

    /// One transaction around `run`, and what follows from its commit.
    fn transaction(
        &mut self,
        batch: &mut Batch,
        run: fn(&Self, &mut Batch, &mut News) -> Committed,
    ) -> Committed {
        let mut news = News::default();
        let result = self
            .statement("BEGIN IMMEDIATE")
            .and_then(|()| self.indexing.write(&self.connection))
            .map_err(Rollback::Transaction)
            .and_then(|indexed| {
                let verdicts = run(self, batch, &mut news)?;
                self.indexing.tell(std::mem::take(&mut news.created));
                self.statement("COMMIT").map_err(Rollback::Transaction)?;
                Ok((verdicts, indexed))
            });
        let (verdicts, indexed) = match result {
            Ok(committed) => committed,
            Err(rollback) => {
                self.roll_back();
                return Err(rollback);
            }
        };
        self.indexing.is_done(indexed);
        self.memory.learn(news);
        self.commits += 1;
        Ok(verdicts)
    }

    /// If that fails too, the connection may still be in the transaction, and says so when the next is
    /// begun.
    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.statement("ROLLBACK");
        }
    }

    /// All jobs, or none: the first failure ends it.
    fn run_together(&self, batch: &mut Batch, news: &mut News) -> Committed {
        for job in batch.iter_mut() {
            if let Err(failure) = self.run_job(job.as_mut(), news) {
                failure.blameless()?;
                return Err(Rollback::Job);
            }
        }
        Ok(batch.iter().map(|_| None).collect())
    }

    /// Each job on a savepoint of its own.
    fn run_apart(&self, batch: &mut Batch, news: &mut News) -> Committed {
        let mut verdicts = Vec::with_capacity(batch.len());
        for (index, job) in batch.iter_mut().enumerate() {
            self.statement("SAVEPOINT job").map_err(Rollback::Transaction)?;
            let mark = news.mark();
            if let Err(failure) = self.run_job(job.as_mut(), news) {
                let error = failure.blameless()?.during(job.what());
                if self.connection.is_autocommit() {
                    return Err(Rollback::Lost(index, error));
                }
                news.forget_since(mark);
                self.statement("ROLLBACK TO job").map_err(Rollback::Transaction)?;
                verdicts.push(Some(error));
            } else {
                verdicts.push(None);
            }
            self.statement("RELEASE job").map_err(Rollback::Transaction)?;
        }
        Ok(verdicts)
    }

    /// Runs one job and turns a panic into its failure: the panic of one request must not be the
    /// end of all others. What it may have left half done is rolled back by the caller.
    fn run_job(&self, job: &mut dyn Job, news: &mut News) -> Result<(), Failure> {
        let mut unit = Unit { connection: &self.connection, memory: &self.memory, news };
        match catch_unwind(AssertUnwindSafe(|| job.run(&mut unit))) {
            Ok(result) => result.map_err(Failure::Sqlite),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Err(Failure::Panic(text.unwrap_or_default()))
            }
        }
    }

    fn statement(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// What can wait until those who waited for a commit are told.
    pub(super) fn tidy_up(&mut self) {
        if let Some(wal) = &mut self.wal {
            wal.keep_short(&self.connection);
        }
        if let Err(error) = self.within("BEGIN", Indexing::follow) {
            tracing::debug!(%error, "the tail is followed with the next commit");
        }
    }

    /// Leaves a complete index.
    fn finish_index(&self) {
        if let Err(error) = self.within("BEGIN IMMEDIATE", Indexing::write_all) {
            tracing::warn!(%error, "the newest interactions are indexed after the next start");
        }
    }

    /// A transaction without jobs.
    fn within(
        &self,
        begin: &'static str,
        work: fn(&Indexing, &Connection) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let done = self
            .statement(begin)
            .and_then(|()| work(&self.indexing, &self.connection))
            .and_then(|()| self.statement("COMMIT"));
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    /// Leaves one file: the index is complete, the WAL's content goes to the database, the WAL becomes empty, and
    /// closing the last connection removes it. If a reader is in the way it stays: nothing is
    /// lost, the next start reads it.
    pub(super) fn finish(self) {
        self.finish_index();
        if let Some(wal) = self.wal {
            wal.end();
        }
        let checkpoint =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(e) = checkpoint {
            tracing::warn!(error = %e, "the write-ahead log was not checkpointed at close");
        }
        if let Err((_, e)) = self.connection.close() {
            tracing::warn!(error = %e, "the write connection was not closed cleanly");
        }
    }
}
