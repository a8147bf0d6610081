//! The engine: claims subscriptions, keeps a subscriber at work on each, and writes what they note.
//!
//! It alone claims and writes progress, one after the other, so that a subscriber never begins before
//! what its predecessor noted is written. All its writes carry owner and epoch: what an operator or
//! another process has changed meanwhile wins, and the subscription is claimed anew.

use super::dispatcher;
use super::ledger::Ledger;
use super::live::Registry;
use super::reading::Readings;
use super::retention;
use super::schedule::Schedule;
use super::sender::Sender;
use super::subscriber::{Deliver, End, Shared, Subscriber, until};
use super::tail::Tail;
use crate::config;
use crate::store::contract::StoreError;
use crate::store::contract::delivery::{Claimed, DeliveryStore, Failed, Lease, Progress};
use chrono::Utc;
use futures::FutureExt;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

/// How long progress is gathered before it is written.
const GATHER: Duration = Duration::from_millis(300);
/// The shortest time between two claims: news of subscriptions that come faster are gathered.
const SETTLE: Duration = Duration::from_millis(50);
/// How soon to claim again what could not be claimed.
const TROUBLE: Duration = Duration::from_secs(1);
/// Subscriptions that far behind the end of the log catch up by themselves.
const NEAR: i64 = 5_000;
/// An attempt that has not ended by its own timeout is cut off after so many times that.
const PATIENCE: f64 = 1.5;
/// Of so many requests one is for those in trouble, so that hanging listeners leave room for others.
const TROUBLED_SHARE: usize = 4;

/// What delivery is told to be.
pub struct Options {
    /// `[delivery]`
    pub delivery: config::Delivery,
    /// `[events]`
    pub events: config::Events,
    /// Understands subscriptions.
    pub readings: Readings,
}

/// Delivery at work. Dropping it stops it at once; [`Engine::stop`] is the orderly way.
pub struct Engine {
    /// Until when to wait for what is in flight, once told to stop.
    stop: watch::Sender<Option<Instant>>,
    manager: JoinSet<()>,
    others: JoinSet<()>,
}

impl Engine {
    /// Begins to deliver.
    pub fn start(tail: Tail, sender: Sender, options: Options) -> Self {
        let sender = Arc::new(sender);
        let deliver: Box<Deliver> = Box::new(move |callback, event_id, body| {
            let sender = Arc::clone(&sender);
            async move { sender.send(&callback, &event_id, body).await }.boxed()
        });
        Self::with(tail, deliver, options)
    }

    /// The same with another way to send.
    pub(super) fn with(tail: Tail, deliver: Box<Deliver>, options: Options) -> Self {
        let Tail { store, registry } = tail;
        let (stop, stopped) = watch::channel(None);
        let mut others = JoinSet::new();
        let Options { delivery, events, readings } = options;
        others.spawn(retention::run(Arc::clone(&store), events));
        others.spawn(dispatcher::run(Arc::clone(&registry), Arc::clone(&store)));
        let mut manager = JoinSet::new();
        if delivery.enabled {
            let work = Manager::new(store, registry, deliver, &delivery, readings);
            manager.spawn(work.run(stopped));
        }
        Self { stop, manager, others }
    }

    /// Begins nothing new, waits for what is in flight until `deadline`, and gives the subscriptions
    /// back, so that another process need not wait for them.
    pub async fn stop(mut self, deadline: Instant) {
        self.others.abort_all();
        self.stop.send_replace(Some(deadline));
        self.manager.join_next().await;
    }
}

/// A subscriber at work.
struct Worker {
    epoch: i64,
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

/// Keeps the subscribers.
struct Manager {
    shared: Arc<Shared>,
    readings: Readings,
    owner: String,
    most: u32,
    lease: watch::Sender<Instant>,
    lease_time: Duration,
    claimed_at: Instant,
    workers: HashMap<String, Worker>,
    /// Subscriptions that are not understood, by id and epoch.
    left_aside: HashSet<(String, i64)>,
    tasks: JoinSet<(String, End)>,
}

impl Manager {
    fn new(
        store: Arc<dyn DeliveryStore>,
        registry: Arc<Registry>,
        deliver: Box<Deliver>,
        settings: &config::Delivery,
        readings: Readings,
    ) -> Self {
        let (lease, leased) = watch::channel(Instant::now());
        let waits = settings.retry_seconds.iter().map(|s| Duration::from_secs(*s)).collect();
        let most = Duration::from_secs(settings.retry_after_most_seconds);
        let requests = settings.requests.get();
        let troubled = (requests / TROUBLED_SHARE).max(1);
        let turns = [requests.saturating_sub(troubled).max(1), troubled];
        let shared = Shared {
            store,
            registry,
            ledger: Ledger::default(),
            schedule: Schedule::new(waits, most),
            connections: settings.connections.get(),
            patience: Duration::from_secs(settings.timeout_seconds).mul_f64(PATIENCE),
            turns: turns.map(|turns| Arc::new(Semaphore::new(turns))),
            lease: leased,
            deliver,
        };
        Self {
            shared: Arc::new(shared),
            readings,
            owner: Uuid::now_v7().to_string(),
            most: settings.subscriptions,
            lease,
            lease_time: Duration::from_secs(settings.lease_seconds),
            claimed_at: Instant::now(),
            workers: HashMap::new(),
            left_aside: HashSet::new(),
            tasks: JoinSet::new(),
        }
    }

    async fn run(mut self, mut stop: watch::Receiver<Option<Instant>>) {
        let mut changes = 0;
        while stop.borrow_and_update().is_none() {
            if self.write().await.is_err() {
                return;
            }
            let Ok(renew) = self.claim().await else { return };
            if !self.work_until_news(renew, &mut changes, &mut stop).await {
                return;
            }
        }
        let deadline = *stop.borrow();
        self.finish(deadline.unwrap_or_else(Instant::now)).await;
    }

    /// Writes progress as it is noted, until there is reason to claim; `false`: the store is closed.
    async fn work_until_news(
        &mut self,
        renew: Instant,
        changes: &mut u64,
        stop: &mut watch::Receiver<Option<Instant>>,
    ) -> bool {
        let shared = Arc::clone(&self.shared);
        let mut write_at = None;
        loop {
            tokio::select! {
                () = sleep_until(renew) => return true,
                _ = stop.changed() => return true,
                news = shared.store.subscriptions_changed(*changes) => {
                    let Ok(times) = news else { return false };
                    *changes = times;
                    sleep_until(self.claimed_at + SETTLE).await;
                    return true;
                }
                Some(done) = self.tasks.join_next_with_id() => {
                    if self.ended(done) == End::Again {
                        return true;
                    }
                }
                () = shared.ledger.noted(), if write_at.is_none() => {
                    write_at = Some(Instant::now() + GATHER);
                }
                () = until(write_at) => {
                    write_at = None;
                    match self.write().await {
                        Ok(true) => {}
                        // Somebody's word was refused: it is to be seen why.
                        Ok(false) => return true,
                        Err(Closed) => return false,
                    }
                }
            }
        }
    }

    /// Renews the lease, and has exactly those worked on that are ours. Answers when to do so again.
    async fn claim(&mut self) -> Result<Instant, Closed> {
        // The lease is counted from before it is asked for: rather too short than too long.
        let (since, now) = (Instant::now(), Utc::now().timestamp_millis());
        self.claimed_at = since;
        let length = i64::try_from(self.lease_time.as_millis()).unwrap_or(i64::MAX);
        let until = now.saturating_add(length);
        let lease = Lease { owner: self.owner.clone(), now, until };
        match self.shared.store.claim(lease, self.most).await {
            Ok(claimed) => {
                // Who has to stop is told before anybody may go on.
                self.reconcile(claimed);
                self.lease.send_replace(since + self.lease_time);
                Ok(since + self.lease_time / 3)
            }
            Err(StoreError::Closed) => Err(Closed),
            Err(error) => {
                tracing::warn!(%error, "subscriptions cannot be claimed");
                Ok(since + TROUBLE)
            }
        }
    }

    fn reconcile(&mut self, claimed: Vec<Claimed>) {
        let epochs: HashMap<&str, i64> =
            claimed.iter().map(|one| (one.subscription.id.as_str(), one.epoch)).collect();
        for (id, worker) in &self.workers {
            if epochs.get(id.as_str()) != Some(&worker.epoch) {
                // What comes after it begins when it has ended, see `ended`.
                worker.stop.send_replace(true);
            }
        }
        let end = claimed.last().map_or(0, |last| last.cursor);
        for claimed in claimed {
            if !self.workers.contains_key(&claimed.subscription.id) {
                self.begin(claimed, end);
            }
        }
    }

    /// Claimed are those first that are behind, so the dispatcher begins where the first of those
    /// begins that are not far from the end, and reads the log once for all of them.
    fn begin(&mut self, claimed: Claimed, end: i64) {
        let id = claimed.subscription.id.clone();
        let reading = match (self.readings)(&claimed.subscription) {
            Ok(reading) => Arc::new(reading),
            Err(error) => return self.leave_aside(claimed, error),
        };
        let is_near = claimed.attempts == 0 && !claimed.queued && claimed.cursor >= end - NEAR;
        let live = is_near.then(|| self.shared.registry.join(&reading, claimed.cursor)).flatten();
        let (stop, stopped) = watch::channel(false);
        let epoch = claimed.epoch;
        let shared = Arc::clone(&self.shared);
        let subscriber = Subscriber::new(shared, claimed, reading, live, stopped);
        let name = id.clone();
        let task = self.tasks.spawn(async move { (name, subscriber.run().await) });
        self.workers.insert(id, Worker { epoch, stop, task });
    }

    /// A subscription registered when more was understood. It keeps what it has to get.
    fn leave_aside(&mut self, claimed: Claimed, error: String) {
        let Claimed { subscription, epoch, cursor, attempts, next_attempt, .. } = claimed;
        if self.left_aside.insert((subscription.id.clone(), epoch)) {
            tracing::error!(subscription = subscription.id, error, "not understood, not delivered");
            self.shared.ledger.note(Progress {
                subscription_id: subscription.id,
                epoch,
                cursor,
                attempts,
                next_attempt,
                last_failure: Some(Failed { error, at: Utc::now().timestamp_millis() }),
                ..Progress::default()
            });
        }
    }

    /// A subscriber that was told to end makes room for what comes after it.
    fn ended(&mut self, done: Result<(tokio::task::Id, (String, End)), JoinError>) -> End {
        match done {
            Ok((_, (id, end))) => {
                let told = self.workers.remove(&id).is_some_and(|worker| *worker.stop.borrow());
                if told { End::Again } else { end }
            }
            Err(error) => {
                // It begins anew with the next claim, not at once: it might panic again.
                tracing::error!(%error, "the work on a subscription broke off");
                self.workers.retain(|_, worker| worker.task.id() != error.id());
                End::Stopped
            }
        }
    }

    /// Writes what was noted; `Ok(false)`: some of it was refused.
    async fn write(&self) -> Result<bool, Closed> {
        let progress = self.shared.ledger.take();
        if progress.is_empty() {
            return Ok(true);
        }
        match self.shared.store.progress(self.owner.clone(), progress.clone()).await {
            Ok(refused) => Ok(refused.is_empty()),
            Err(StoreError::Closed) => Err(Closed),
            Err(error) => {
                tracing::warn!(%error, "the progress of delivery is not written yet");
                self.shared.ledger.put_back(progress);
                Ok(true)
            }
        }
    }

    /// Ends in order.
    async fn finish(mut self, deadline: Instant) {
        for worker in self.workers.values() {
            worker.stop.send_replace(true);
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout_at(deadline, all).await.is_err() {
            tracing::warn!("notifications in flight after the grace time were cut off");
            self.tasks.shutdown().await;
        }
        if self.write().await.is_ok()
            && let Err(error) = self.shared.store.release(self.owner.clone()).await
        {
            tracing::warn!(%error, "subscriptions were not given back");
        }
    }
}

/// The store takes and gives nothing more.
struct Closed;
