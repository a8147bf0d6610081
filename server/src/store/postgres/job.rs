//! A job: one unit of work on its way through the queue, with the way back to its caller.

use super::counter::Counter;
use super::delivery::log;
use super::error::{Error, Result};
use super::memory::Memory;
use crate::domain::event::Event;
use crate::store::contract::{Creation, StoreError, StoreResult};
use crate::store::room::Place;
use deadpool_postgres::Transaction;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What jobs work on; several may at a time.
pub(super) struct Unit<'a> {
    /// The counter is locked in it.
    pub(super) transaction: &'a Transaction<'a>,
    /// What is in memory: the state before the transaction.
    pub(super) memory: &'a Memory,
    is_shared: bool,
    told: Mutex<Told>,
}

/// What will be written at the end, or is to be undone with a savepoint.
#[derive(Clone)]
struct Told {
    counter: Counter,
    /// Of jobs whose change has happened, still without numbers.
    events: Vec<Event>,
    /// Of jobs that are to be written with others like them.
    creations: Vec<Creation>,
}

impl<'a> Unit<'a> {
    pub(super) fn new(
        transaction: &'a Transaction<'a>,
        memory: &'a Memory,
        counter: Counter,
        is_shared: bool,
    ) -> Self {
        Self { transaction, memory, is_shared, told: Mutex::new(Told::since(counter)) }
    }

    /// Whether all jobs fail when one does. Then who creates may gather what is to be created.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// To be created with the others.
    pub(super) fn gather(&self, creations: &[Creation]) {
        self.told().creations.extend_from_slice(creations);
    }

    /// What was gathered.
    pub(super) fn take_gathered(&self) -> Vec<Creation> {
        std::mem::take(&mut self.told().creations)
    }

    /// The counter as it will be.
    pub(super) fn counter(&self) -> Counter {
        self.told().counter.clone()
    }

    /// Counts on, and answers with what `change` says of it.
    pub(super) fn count<T>(&self, change: impl FnOnce(&mut Counter) -> T) -> T {
        change(&mut self.told().counter)
    }

    /// To be written with the others.
    pub(super) fn tell(&self, events: &[Event]) {
        self.told().events.extend_from_slice(events);
    }

    /// What was told, under its numbers.
    pub(super) fn take_events(&self) -> Vec<(i64, Event)> {
        let mut told = self.told();
        let events = std::mem::take(&mut told.events);
        let first = told.counter.event + 1;
        told.counter.event += events.len() as i64;
        (first..).zip(events).collect()
    }

    /// Numbers what was told and writes it.
    pub(super) async fn write_events(&self) -> Result<()> {
        log::append(self.transaction, &self.take_events()).await
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was told since the counter was so: its savepoint was rolled back.
    pub(super) fn forget_since(&self, counter: Counter) {
        *self.told() = Told::since(counter);
    }
}

impl Told {
    fn since(counter: Counter) -> Self {
        Self { counter, events: Vec::new(), creations: Vec::new() }
    }
}

/// Whether others may be under way at the same time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Company {
    /// A single statement: the server runs those one after the other, in any order as well.
    Any,
    /// What it read must still be so when it writes.
    Alone,
}

/// The work of a job: a function of its input.
pub(super) type Work<I, T> = for<'a, 'u> fn(&'a Unit<'u>, &'a I) -> BoxFuture<'a, Result<T>>;

/// A unit of work in the queue, its types forgotten.
pub(super) trait Job: Send {
    /// Does the work and keeps the result. May be called again after a rollback.
    fn run<'a>(&'a mut self, unit: &'a Unit<'_>) -> BoxFuture<'a, Result<()>>;
    /// See [`Company`].
    fn company(&self) -> Company;
    /// Whether nobody waits for it any more. Then it is not begun.
    fn is_late(&self) -> bool;
    /// Tells the caller how it ended: with the result kept, or with an error.
    fn answer(self: Box<Self>, error: Option<Error>);
}

/// A job that is waited for until then, and the end of the channel its answer comes through. `place` is what it takes of
/// the queue.
pub(super) fn job<I, T>(
    what: &'static str,
    place: Place,
    company: Company,
    until: Instant,
    input: I,
    work: Work<I, T>,
) -> (Box<dyn Job>, oneshot::Receiver<StoreResult<T>>)
where
    I: Send + Sync + 'static,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { what, place, company, until, input, work, result: None, reply }), answer)
}

struct Task<I, T> {
    what: &'static str,
    place: Place,
    company: Company,
    until: Instant,
    input: I,
    work: Work<I, T>,
    result: Option<T>,
    reply: oneshot::Sender<StoreResult<T>>,
}

impl<I: Send + Sync, T: Send> Job for Task<I, T> {
    fn run<'a>(&'a mut self, unit: &'a Unit<'_>) -> BoxFuture<'a, Result<()>> {
        let Self { input, work, result, .. } = self;
        async move {
            *result = Some(work(unit, input).await?);
            Ok(())
        }
        .boxed()
    }

    fn company(&self) -> Company {
        self.company
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    fn answer(self: Box<Self>, error: Option<Error>) {
        let result = match (error, self.result) {
            (Some(error), _) => Err(error.during(self.what)),
            (None, Some(result)) => Ok(result),
            (None, None) => {
                Err(StoreError::Failed { what: self.what, source: "it was not run".into() })
            }
        };
        // Who has the answer finds room for more.
        drop((self.input, self.place));
        // A caller that no longer waits is no failure.
        let _ = self.reply.send(result);
    }
}
