//! What the store keeps in memory beside the database: facts every request asks for, and how far
//! things have got, for those who wait for more.
//!
//! They are loaded at start and learnt after each commit, before its replies, so that whoever has
//! a reply finds them. Only the writer of this process tells them: paths another process writes
//! to the same file are looked for when they are missing here, and its events are not waited for.

use super::tail::Told;
use rusqlite::Connection;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// Facts kept in memory.
#[derive(Debug)]
pub(super) struct Memory {
    commits: AtomicU64,
    extension_paths: RwLock<HashSet<String>>,
    /// The last `seq` of the outbox.
    head: watch::Sender<i64>,
    /// How often subscriptions were changed by others than their workers.
    subscriptions: watch::Sender<u64>,
}

impl Memory {
    /// Reads what earlier runs have stored.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT path FROM extension_path")?;
        let paths = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let head = head(connection)?;
        Ok(Self {
            commits: AtomicU64::new(0),
            extension_paths: RwLock::new(paths),
            head: watch::Sender::new(head),
            subscriptions: watch::Sender::new(0),
        })
    }

    /// How many commits this process has made.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Whether any interaction has, or had, this member.
    pub(super) fn knows_extension_path(&self, path: &str) -> bool {
        let paths = self.extension_paths.read().unwrap_or_else(PoisonError::into_inner);
        paths.contains(path)
    }

    /// The end of the event log, as it grows.
    pub(super) fn watch_head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// The number of changes of subscriptions, as it grows.
    pub(super) fn watch_subscriptions(&self) -> watch::Receiver<u64> {
        self.subscriptions.subscribe()
    }

    /// Takes in what a transaction has made true. Called after its commit.
    pub(super) fn learn(&self, news: News) {
        self.commits.fetch_add(1, Ordering::Release);
        if !news.extension_paths.is_empty() {
            let mut paths = self.extension_paths.write().unwrap_or_else(PoisonError::into_inner);
            paths.extend(news.extension_paths);
        }
        if let Some(head) = news.head {
            self.head.send_replace(head);
        }
        if news.subscriptions > 0 {
            self.subscriptions.send_modify(|times| *times += news.subscriptions);
        }
    }
}

/// The last `seq` given out in the outbox, whether it is still kept or not.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)",
        )?
        .query_row([], |row| row.get(0))
}

/// What will be true once the transaction is committed.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What was created, for the tail.
    pub(super) created: Vec<(u64, Told)>,
    /// Extension paths that were not known.
    pub(super) extension_paths: Vec<String>,
    /// Where the outbox ends, if it has grown.
    pub(super) head: Option<i64>,
    /// Changes of subscriptions.
    pub(super) subscriptions: u64,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    created: usize,
    extension_paths: usize,
    head: Option<i64>,
    subscriptions: u64,
}

impl News {
    /// Everything told so far, to go back to if a job fails.
    pub(super) fn mark(&self) -> Mark {
        let Self { created, extension_paths, head, subscriptions } = self;
        let (created, extension_paths) = (created.len(), extension_paths.len());
        Mark { created, extension_paths, head: *head, subscriptions: *subscriptions }
    }

    /// Forgets what was told after `mark`: its savepoint was rolled back.
    pub(super) fn forget_since(&mut self, mark: Mark) {
        self.created.truncate(mark.created);
        self.extension_paths.truncate(mark.extension_paths);
        self.head = mark.head;
        self.subscriptions = mark.subscriptions;
    }
}
