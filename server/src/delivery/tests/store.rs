//! A store in memory, with as much of the contract as delivery uses.

use crate::domain::event::{Event, EventKind};
use crate::domain::notification::tests::event;
use crate::store::contract::delivery::{
    Claimed, DeliveryStore, Lease, LogPage, LoggedEvent, Progress, Pruned, Retention,
};
use crate::store::contract::{StoreError, StoreResult, Subscription};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use tokio::sync::watch;

/// What is stored.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) log: Vec<LoggedEvent>,
    pub(super) subscriptions: BTreeMap<String, Row>,
    pub(super) queued: Vec<LoggedEvent>,
    /// All progress that was not refused.
    pub(super) written: Vec<Progress>,
    /// Claims and progress fail.
    pub(super) is_busy: bool,
    pub(super) released: bool,
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) claimed: Claimed,
    pub(super) owner: Option<String>,
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct MemoryStore {
    tables: Mutex<Tables>,
    head: watch::Sender<i64>,
    changes: watch::Sender<u64>,
}

impl MemoryStore {
    pub(super) fn new() -> Self {
        let (head, changes) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { tables: Mutex::default(), head, changes }
    }

    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap()
    }

    /// Logs an event about an interaction; its id is its number.
    pub(super) fn happen(&self, interaction_id: &str) {
        let mut tables = self.tables();
        let seq = tables.log.len() as i64 + 1;
        let event = Event {
            id: seq.to_string(),
            interaction_id: interaction_id.to_owned(),
            ..event(EventKind::Create, "{}")
        };
        tables.log.push(LoggedEvent { seq, event });
        drop(tables);
        self.head.send_replace(seq);
    }

    /// A subscription at the beginning of the log.
    pub(super) fn subscribe(&self, id: &str, query: Option<&str>) {
        let subscription = Subscription {
            id: id.to_owned(),
            api_version: "v5".to_owned(),
            base_url: String::new(),
            callback: id.to_owned(),
            query: query.map(str::to_owned),
            created_at: String::new(),
        };
        let claimed = Claimed {
            subscription,
            epoch: 0,
            cursor: 0,
            attempts: 0,
            next_attempt: None,
            queued: false,
        };
        let row = Row { claimed, owner: None, ended: false };
        self.tables().subscriptions.insert(id.to_owned(), row);
        self.changes.send_modify(|times| *times += 1);
    }

    /// As an operator does.
    pub(super) fn administer(&self, id: &str, change: impl FnOnce(&mut Row)) {
        let mut tables = self.tables();
        let row = tables.subscriptions.get_mut(id).unwrap();
        row.claimed.epoch += 1;
        change(row);
        drop(tables);
        self.changes.send_modify(|times| *times += 1);
    }

    pub(super) fn cursor(&self, id: &str) -> i64 {
        self.tables().subscriptions[id].claimed.cursor
    }
}

impl DeliveryStore for MemoryStore {
    fn log_beyond(&self, seq: i64) -> BoxFuture<'_, StoreResult<i64>> {
        beyond(&self.head, seq)
    }

    fn subscriptions_changed(&self, times: u64) -> BoxFuture<'_, StoreResult<u64>> {
        beyond(&self.changes, times)
    }

    fn events_after(&self, seq: i64, most: u32) -> BoxFuture<'_, StoreResult<LogPage>> {
        let tables = self.tables();
        let after = tables.log.iter().filter(|logged| logged.seq > seq);
        let events: Vec<_> = after.take(most as usize).cloned().collect();
        let head = tables.log.len() as i64;
        let read_to =
            if events.len() == most as usize { events[events.len() - 1].seq } else { head };
        async move { Ok(LogPage { events, read_to, head, kept_after: 0 }) }.boxed()
    }

    fn claim(&self, lease: Lease, _most: u32) -> BoxFuture<'_, StoreResult<Vec<Claimed>>> {
        let mut tables = self.tables();
        let is_busy = tables.is_busy;
        let rows = tables.subscriptions.values_mut().filter(|row| !row.ended);
        let mine = rows.filter_map(|row| {
            let owner = row.owner.get_or_insert_with(|| lease.owner.clone());
            (*owner == lease.owner).then(|| row.claimed.clone())
        });
        let mut mine: Vec<_> = mine.collect();
        mine.sort_by_key(|claimed| claimed.cursor);
        async move { if is_busy { Err(StoreError::Busy) } else { Ok(mine) } }.boxed()
    }

    fn release(&self, owner: String) -> BoxFuture<'_, StoreResult<()>> {
        let mut tables = self.tables();
        tables.released = true;
        for row in tables.subscriptions.values_mut() {
            row.owner.take_if(|of_row| *of_row == owner);
        }
        async { Ok(()) }.boxed()
    }

    fn progress(
        &self,
        owner: String,
        progress: Vec<Progress>,
    ) -> BoxFuture<'_, StoreResult<Vec<String>>> {
        let mut tables = self.tables();
        if tables.is_busy {
            return async { Err(StoreError::Busy) }.boxed();
        }
        let mut refused = Vec::new();
        for one in progress {
            match tables.subscriptions.get_mut(&one.subscription_id) {
                Some(row)
                    if row.owner.as_ref() == Some(&owner) && row.claimed.epoch == one.epoch =>
                {
                    row.claimed.cursor = one.cursor;
                    row.claimed.attempts = one.attempts;
                    row.ended = one.ended;
                    tables.written.push(one);
                }
                _ => refused.push(one.subscription_id),
            }
        }
        async { Ok(refused) }.boxed()
    }

    fn queued<'a>(
        &'a self,
        _subscription_id: &'a str,
        _most: u32,
    ) -> BoxFuture<'a, StoreResult<Vec<LoggedEvent>>> {
        let queued = self.tables().queued.clone();
        async { Ok(queued) }.boxed()
    }

    fn prune(&self, _retention: Retention) -> BoxFuture<'_, StoreResult<Pruned>> {
        async { Ok(Pruned::default()) }.boxed()
    }
}

/// Waits until the number is above the mark.
fn beyond<T: Copy + PartialOrd + Send + Sync>(
    sender: &watch::Sender<T>,
    mark: T,
) -> BoxFuture<'_, StoreResult<T>> {
    async move { Ok(*sender.subscribe().wait_for(|now| *now > mark).await.unwrap()) }.boxed()
}
