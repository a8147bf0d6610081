//! The work on one subscription: takes events in, sends them as its window allows, waits after
//! failures, and notes how far it has got.
//!
//! Live it is handed events; behind, after trouble and after a restart it reads the log by itself. It
//! ends when it is told to, when its listener is gone, or when the store is closed.

use super::ledger::Ledger;
use super::live::{Handed, Live, Registry};
use super::reading::{Fact, Reading};
use super::schedule::Schedule;
use super::sender::Attempt;
use super::window::Window;
use crate::store::contract::StoreError;
use crate::store::contract::delivery::{
    Claimed, Dead, DeliveryStore, Failed, LoggedEvent, Progress, Redelivered,
};
use bytes::Bytes;
use chrono::Utc;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

/// Events read at a time by who is behind.
const PAGE: u32 = 64;
/// The same by who is in trouble, and wants one.
const PROBE_PAGE: u32 = 4;
/// Queued deliveries tried before events from the log.
const QUEUED: u32 = 100;
/// However the schedule is set, or the clock: nothing is put off for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);
/// What is told of a listener that wants no more.
const GONE: &str = "410 Gone";
/// How long to wait when the log cannot be read.
const TROUBLE: Duration = Duration::from_secs(1);

/// One attempt to deliver: the callback, the event's id, the body.
pub(super) type Deliver =
    dyn Fn(String, String, Bytes) -> BoxFuture<'static, Attempt> + Send + Sync;

/// What all subscribers of a process share.
pub(super) struct Shared {
    pub(super) store: Arc<dyn DeliveryStore>,
    pub(super) registry: Arc<Registry>,
    pub(super) ledger: Ledger,
    pub(super) schedule: Schedule,
    /// Requests to one listener at a time.
    pub(super) connections: usize,
    /// An attempt that takes longer has failed, whatever the sender thinks.
    pub(super) patience: Duration,
    /// Requests at a time of all who are not in trouble, and of all who are.
    pub(super) turns: [Arc<Semaphore>; 2],
    /// Until when subscriptions are surely ours.
    pub(super) lease: watch::Receiver<Instant>,
    pub(super) deliver: Box<Deliver>,
}

/// Where events come from.
enum Source {
    /// The log, read by itself.
    Log(VecDeque<LoggedEvent>),
    /// The dispatcher.
    Live(Live),
}

/// Why the work ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It was told to, or nothing is left to do.
    Stopped,
    /// There is more to do for it: it is to be claimed anew.
    Again,
}

/// The state of the work on one subscription.
pub(super) struct Subscriber {
    shared: Arc<Shared>,
    claimed: Claimed,
    reading: Arc<Reading>,
    source: Source,
    window: Window,
    attempts: JoinSet<(Arc<Fact>, Option<Attempt>)>,
    stop: watch::Receiver<bool>,
    /// Nothing is read or sent before.
    hold: Option<Instant>,
    /// What is to be noted next.
    progress: Progress,
    noted: (i64, u32, Option<i64>),
}

impl Subscriber {
    /// `live`: it need not read the log first. Ends after `stop` says so.
    pub(super) fn new(
        shared: Arc<Shared>,
        claimed: Claimed,
        reading: Arc<Reading>,
        live: Option<Live>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let left = |at: i64| Duration::from_millis(at.saturating_sub(now()).max(0).unsigned_abs());
        let wait = claimed.next_attempt.map(|at| left(at).min(LONGEST_WAIT));
        let progress = Progress {
            subscription_id: claimed.subscription.id.clone(),
            epoch: claimed.epoch,
            next_attempt: claimed.next_attempt,
            ..Progress::default()
        };
        Self {
            window: Window::new(claimed.cursor, claimed.attempts, shared.connections),
            noted: (claimed.cursor, claimed.attempts, claimed.next_attempt),
            shared,
            claimed,
            reading,
            source: live.map_or(Source::Log(VecDeque::new()), Source::Live),
            attempts: JoinSet::new(),
            stop,
            hold: wait.map(|wait| Instant::now() + wait),
            progress,
        }
    }

    /// Works until it is told to stop; what is in flight then is waited for.
    pub(super) async fn run(mut self) -> End {
        if self.claimed.queued
            && let Some(end) = self.redeliver().await
        {
            return end;
        }
        let mut lease = self.shared.lease.clone();
        loop {
            if *self.stop.borrow_and_update() {
                self.land().await;
                return End::Stopped;
            }
            if self.take_in().await == Err(StoreClosed) {
                return End::Stopped;
            }
            self.launch();
            self.note();
            tokio::select! {
                _ = self.stop.changed() => {}
                Some(done) = self.attempts.join_next() => {
                    if done.is_ok_and(|(fact, attempt)| self.landed(&fact, attempt)) {
                        return End::Stopped;
                    }
                }
                handed = next_of(&mut self.source), if self.window.has_room() => self.take(handed),
                () = until(self.hold) => self.hold = None,
                _ = lease.changed() => {}
            }
        }
    }

    /// Fills the window as far as it goes without waiting for new events.
    async fn take_in(&mut self) -> Result<(), StoreClosed> {
        while self.hold.is_none() && self.window.has_room() {
            if self.window.in_trouble() && !self.window.is_quiet() {
                return Ok(());
            }
            match &mut self.source {
                Source::Live(live) => match live.queue.try_recv() {
                    Ok(handed) => self.take(Some(handed)),
                    Err(TryRecvError::Empty) => return Ok(()),
                    Err(TryRecvError::Disconnected) => self.take(None),
                },
                Source::Log(page) => match page.pop_front() {
                    Some(logged) => self.consider(logged),
                    None => self.turn_page().await?,
                },
            }
        }
        Ok(())
    }

    /// Reads on; at the end of the log it goes live.
    async fn turn_page(&mut self) -> Result<(), StoreClosed> {
        let most = if self.window.in_trouble() { PROBE_PAGE } else { PAGE };
        match self.shared.store.events_after(self.window.read(), most).await {
            Ok(page) if page.events.is_empty() => {
                self.window.pass(page.read_to);
                if let Some(live) = self.shared.registry.join(&self.reading, self.window.read()) {
                    self.source = Source::Live(live);
                }
                Ok(())
            }
            Ok(page) => {
                self.source = Source::Log(page.events.into());
                Ok(())
            }
            Err(StoreError::Closed) => Err(StoreClosed),
            Err(error) => {
                tracing::warn!(%error, "the event log cannot be read");
                self.hold = Some(Instant::now() + TROUBLE);
                Ok(())
            }
        }
    }

    /// An event it has read by itself.
    fn consider(&mut self, logged: LoggedEvent) {
        let seq = logged.seq;
        match Fact::of(logged).filter(|fact| self.reading.wants(fact)) {
            Some(fact) => self.window.push(fact),
            None => self.window.pass(seq),
        }
    }

    /// What it was handed; `None`: it could not keep up, and is on its own.
    fn take(&mut self, handed: Option<Handed>) {
        match handed {
            Some(Handed::Fact(fact)) => self.window.push(fact),
            Some(Handed::Position(seq)) => self.window.pass(seq),
            None => self.source = Source::Log(VecDeque::new()),
        }
    }

    /// Sends what may be sent now.
    fn launch(&mut self) {
        // An attempt must be over before somebody else may think that the subscription is free.
        while self.hold.is_none() && self.shared.has_lease() {
            let Some(fact) = self.window.next() else { return };
            let attempt = self.attempt(&fact);
            self.attempts.spawn(attempt.map(|attempt| (fact, attempt)));
        }
    }

    /// What an attempt came to; `true`: that was the last.
    fn landed(&mut self, fact: &Fact, attempt: Option<Attempt>) -> bool {
        let seq = fact.seq;
        match attempt {
            None => self.window.returned(seq),
            Some(Attempt::Delivered) => {
                self.window.delivered(seq);
                self.progress.last_success = Some(now());
                if !self.window.in_trouble() {
                    self.progress.next_attempt = None;
                    self.hold = None;
                }
            }
            Some(Attempt::Gone) => {
                self.gone();
                return true;
            }
            Some(Attempt::Failed { error, retry_after }) => self.failed(seq, error, retry_after),
        }
        if self.window.in_trouble() && self.window.is_quiet() {
            self.window.rewind();
            self.source = Source::Log(VecDeque::new());
        }
        false
    }

    /// The listener wants no more: the subscription has ended.
    fn gone(&mut self) {
        let id = &self.claimed.subscription.id;
        tracing::info!(subscription = id, "the listener is gone (410): subscription ended");
        self.progress.last_failure = Some(failed(GONE.to_owned()));
        self.progress.ended = true;
        self.note();
    }

    fn failed(&mut self, seq: i64, error: String, retry_after: Option<Duration>) {
        let attempts = self.window.failed(seq);
        let failed = failed(error);
        self.progress.last_failure = Some(failed.clone());
        match self.shared.schedule.next(attempts, retry_after, chance()) {
            Some(wait) => {
                let wait = wait.min(LONGEST_WAIT);
                let until = Instant::now() + wait;
                self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
                let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                self.progress.next_attempt = Some(failed.at.saturating_add(wait));
            }
            None => {
                let id = &self.claimed.subscription.id;
                tracing::warn!(subscription = id, seq, attempts, "an event was given up");
                self.window.give_up(seq);
                self.progress.dead.push(Dead { seq, attempts, failed });
                self.progress.next_attempt = None;
                self.hold = None;
            }
        }
    }

    /// One attempt, once it is its turn; `None`: by then it was no longer ours to make.
    fn attempt(&self, fact: &Arc<Fact>) -> impl Future<Output = Option<Attempt>> + Send + use<> {
        let callback = self.claimed.subscription.callback.clone();
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        let (reading, fact) = (Arc::clone(&self.reading), Arc::clone(fact));
        let turns = Arc::clone(&self.shared.turns[usize::from(self.window.in_trouble())]);
        async move {
            let _turn = turns.acquire_owned().await.ok()?;
            if *stop.borrow() || !shared.has_lease() {
                return None;
            }
            // A panic is the failure of this attempt, not of all others.
            let sending = AssertUnwindSafe(async {
                let body = reading.body(&fact);
                (shared.deliver)(callback, fact.event.id.clone(), body).await
            });
            let sent = timeout(shared.patience, sending.catch_unwind()).await;
            let because = |error: &str| Attempt::Failed { error: error.into(), retry_after: None };
            Some(match sent {
                Ok(Ok(attempt)) => attempt,
                Ok(Err(_)) => because("the attempt panicked"),
                Err(_) => because("no answer in time"),
            })
        }
    }

    /// Waits for what is in flight, and notes what came of it.
    async fn land(&mut self) {
        while let Some(done) = self.attempts.join_next().await {
            if done.is_ok_and(|(fact, attempt)| self.landed(&fact, attempt)) {
                return;
            }
        }
        self.note();
    }

    /// Tries what was queued again, one after the other, and says how to end unless that was all.
    async fn redeliver(&mut self) -> Option<End> {
        let id = self.claimed.subscription.id.clone();
        let queued = match self.shared.store.queued(&id, QUEUED).await {
            Ok(queued) => queued,
            Err(error) => {
                tracing::warn!(%error, "queued deliveries cannot be read");
                return None;
            }
        };
        let is_all = queued.len() < QUEUED as usize;
        for logged in queued {
            let seq = logged.seq;
            let Some(fact) = Fact::of(logged) else { continue };
            let attempt = loop {
                if !self.may_send().await {
                    return None;
                }
                if let Some(attempt) = self.attempt(&fact).await {
                    break attempt;
                }
            };
            let is_gone = attempt == Attempt::Gone;
            let failed = match attempt {
                Attempt::Delivered => None,
                Attempt::Gone => Some(failed(GONE.to_owned())),
                Attempt::Failed { error, .. } => Some(failed(error)),
            };
            match &failed {
                None => self.progress.last_success = Some(now()),
                Some(_) => self.progress.last_failure.clone_from(&failed),
            }
            self.progress.redelivered.push(Redelivered { seq, failed });
            if is_gone {
                self.gone();
                return Some(End::Stopped);
            }
            self.note();
        }
        (!is_all).then_some(End::Again)
    }

    /// Waits for a lease that is long enough; `false`: it was told to stop.
    async fn may_send(&mut self) -> bool {
        let mut lease = self.shared.lease.clone();
        while !*self.stop.borrow_and_update() {
            if self.shared.has_lease() {
                return true;
            }
            tokio::select! {
                _ = self.stop.changed() => {}
                _ = lease.changed() => {}
            }
        }
        false
    }

    /// Notes how far it has got, if that is news.
    fn note(&mut self) {
        let (cursor, attempts) = (self.window.cursor(), self.window.attempts());
        let state = (cursor, attempts, self.progress.next_attempt);
        let Progress { dead, redelivered, ended, .. } = &self.progress;
        if state == self.noted && dead.is_empty() && redelivered.is_empty() && !ended {
            return;
        }
        self.noted = state;
        self.progress.cursor = cursor;
        self.progress.attempts = attempts;
        let next = Progress {
            subscription_id: self.progress.subscription_id.clone(),
            epoch: self.progress.epoch,
            next_attempt: self.progress.next_attempt,
            ..Progress::default()
        };
        self.shared.ledger.note(std::mem::replace(&mut self.progress, next));
    }
}

impl Shared {
    /// Whether an attempt begun now is over while the lease lasts.
    fn has_lease(&self) -> bool {
        Instant::now() + self.patience < *self.lease.borrow()
    }
}

/// The store takes and gives nothing more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct StoreClosed;

/// What comes next from the dispatcher; never, while it reads by itself.
async fn next_of(source: &mut Source) -> Option<Handed> {
    match source {
        Source::Live(live) => live.queue.recv().await,
        Source::Log(_) => std::future::pending().await,
    }
}

/// Never, where there is no time.
pub(super) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn failed(error: String) -> Failed {
    Failed { error, at: now() }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    Utc::now().timestamp_millis()
}

/// From 0 to 1, so that listeners who failed together are not tried again together.
fn chance() -> f64 {
    const BITS: u32 = 32;
    let drawn = Uuid::new_v4().as_u128() & ((1 << BITS) - 1);
    drawn as f64 / f64::from(u32::MAX)
}
