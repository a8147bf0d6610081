//! What the store keeps in memory beside the database: facts every request asks for, and how far
//! things have got, for those who wait for more.
//!
//! Learnt after each commit of this process, before its replies, and, for what others have committed,
//! by the [`follower`](super::follower).

use super::counter::Counter;
use super::error::{Error, Result};
use deadpool_postgres::GenericClient;
use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// Facts kept in memory.
#[derive(Debug)]
pub(super) struct Memory {
    extension_paths: RwLock<Paths>,
    /// The end of the event log.
    head: watch::Sender<i64>,
    /// How often subscriptions were changed by others than their workers.
    subscriptions: watch::Sender<u64>,
    /// How many changes there were with the last of this process.
    own_changes: AtomicI64,
}

#[derive(Debug, Default)]
struct Paths {
    known: HashSet<String>,
    /// All up to this number are known.
    up_to: i64,
}

/// An extension path and its number.
pub(super) type NumberedPath = (i64, String);

impl Memory {
    /// Reads what was stored so far.
    pub(super) async fn load(client: &impl GenericClient) -> Result<Self> {
        let counter = Counter::read(client).await?;
        let memory = Self {
            extension_paths: RwLock::default(),
            head: watch::Sender::new(0),
            subscriptions: watch::Sender::new(0),
            own_changes: AtomicI64::new(0),
        };
        let paths = memory.news(client, &counter).await?;
        memory.learn(&counter, paths);
        Ok(memory)
    }

    /// Whether any interaction has, or had, this member.
    pub(super) fn knows_extension_path(&self, path: &str) -> bool {
        let paths = self.extension_paths.read().unwrap_or_else(PoisonError::into_inner);
        paths.known.contains(path)
    }

    /// The end of the event log, as it grows.
    pub(super) fn watch_head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// The number of changes of subscriptions, as it grows.
    pub(super) fn watch_subscriptions(&self) -> watch::Receiver<u64> {
        self.subscriptions.subscribe()
    }

    /// The paths that are not known yet.
    pub(super) async fn news(
        &self,
        client: &impl GenericClient,
        counter: &Counter,
    ) -> Result<Vec<NumberedPath>> {
        let known = self.paths_known();
        if counter.extension_paths <= known {
            return Ok(Vec::new());
        }
        let sql = "SELECT number, path FROM extension_path WHERE number > $1 ORDER BY number";
        let statement = client.prepare_cached(sql).await?;
        let rows = client.query(&statement, &[&known]).await?;
        rows.iter()
            .map(|row| match String::from_utf8(row.get(1)) {
                Ok(path) => Ok((row.get(0), path)),
                Err(_) => Err(Error::because("an extension path is not UTF-8")),
            })
            .collect()
    }

    fn paths_known(&self) -> i64 {
        self.extension_paths.read().unwrap_or_else(PoisonError::into_inner).up_to
    }

    /// How many changes there were with the last of this process: who has them all has whatever it
    /// has acknowledged.
    pub(super) fn own_changes(&self) -> i64 {
        self.own_changes.load(Ordering::Acquire)
    }

    /// This process has changed interactions.
    pub(super) fn changed(&self, counter: &Counter) {
        self.own_changes.fetch_max(counter.changes(), Ordering::Release);
    }

    /// Takes in what is committed. What was learnt later stays.
    pub(super) fn learn(&self, counter: &Counter, paths: Vec<NumberedPath>) {
        if !paths.is_empty() {
            let mut known = self.extension_paths.write().unwrap_or_else(PoisonError::into_inner);
            for (number, path) in paths {
                known.known.insert(path);
                known.up_to = known.up_to.max(number);
            }
        }
        raise(&self.head, counter.event);
        raise(&self.subscriptions, counter.subscriptions.unsigned_abs());
    }
}

fn raise<T: PartialOrd>(watched: &watch::Sender<T>, to: T) {
    watched.send_if_modified(|now| {
        let is_more = to > *now;
        if is_more {
            *now = to;
        }
        is_more
    });
}
