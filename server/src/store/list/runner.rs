//! Running lists: each on a connection of its source, on a blocking thread, within one snapshot.
//!
//! What a list finds is told first: total, window, first items. Most lists end there. Where more
//! follow, they are read chunk by chunk as somebody takes them, so that memory does not grow with
//! the list; the snapshot is kept meanwhile, and who takes nothing for too long loses it.
//!
//! As many lists run at a time as there are connections for them; more wait for their turn, holding
//! neither thread nor connection, and are told [`StoreError::Busy`] when it does not come. Streams
//! have turns of their own, for they last as long as their readers please.

use super::postings::Postings;
use super::selection::Selection;
use super::session::{Session, failed_because};
use super::snapshot::{Age, Snapshot};
use super::window::{Course, Window};
use crate::domain::interaction::Interaction;
use crate::store::contract::{Chunks, Items, Page, PageQuery, StoreError, StoreResult};
use crate::store::plan::Plan;
use futures::stream;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

/// What is read before a list is answered, in bytes of documents; what fits needs no stream.
const FIRST_BYTES: usize = 1 << 20;

/// The same for each chunk of a stream. A chunk ends with the document that exceeds it.
const CHUNK_BYTES: usize = 64 << 10;

/// Chunks that wait to be taken, beside one being read and one being written.
const CHUNKS_AHEAD: usize = 1;

/// Where snapshots come from.
pub trait Source: Send + Sync + 'static {
    /// Opens one, on a blocking thread of a Tokio runtime, and works with it; with another one where
    /// the first does not do. An error: none was opened, or the work's own.
    fn with_snapshot(&self, work: &mut Work<'_>) -> StoreResult<()>;
}

/// Works with a snapshot. An error: nobody was answered yet, so another may be tried.
pub type Work<'w> = dyn FnMut(&dyn Snapshot) -> StoreResult<()> + 'w;

/// How many lists run, and what each may take.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Lists that run at a time, until they are answered or begin to stream.
    pub lists: usize,
    /// Lists that stream at a time.
    pub streams: usize,
    /// How long a list waits for its turn.
    pub patience: Duration,
    /// How long a stream waits for somebody to take more.
    pub stall: Duration,
    /// What the keys of a sort may take in memory, in bytes; twice as much for moments.
    pub sort_bytes: usize,
    /// Most documents that may be read to find the matches of one list and to sort them.
    pub scan_documents: Option<u64>,
    /// How much of the index is kept in memory, in bytes.
    pub index_cache_bytes: usize,
    /// Entries that are walked each time rather than kept.
    pub walked_entries: u64,
}

/// Runs lists.
#[derive(Debug)]
pub struct Lists<S> {
    /// `None` once closed.
    open: RwLock<Option<Open<S>>>,
    turns: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    postings: Arc<Postings>,
    bounds: Bounds,
}

/// What there is until the lists are closed.
#[derive(Debug)]
struct Open<S> {
    source: Arc<S>,
    /// Tells the streams of the end by going away.
    lifeline: watch::Sender<()>,
}

impl<S: Source> Lists<S> {
    /// Asks nothing of the source yet.
    pub fn new(source: S, bounds: Bounds) -> Self {
        let open = Open { source: Arc::new(source), lifeline: watch::Sender::new(()) };
        Self {
            open: RwLock::new(Some(open)),
            turns: Arc::new(Semaphore::new(bounds.lists.max(1))),
            streams: Arc::new(Semaphore::new(bounds.streams.max(1))),
            postings: Arc::new(Postings::new(bounds.index_cache_bytes, bounds.walked_entries)),
            bounds,
        }
    }

    /// Answers a list. If the future is dropped, a walk through documents going on stops.
    ///
    /// # Errors
    /// As [`Store::page`](crate::store::contract::Store::page).
    pub async fn page(&self, query: PageQuery) -> StoreResult<Page> {
        let patience = self.bounds.patience;
        let turn = tokio::time::timeout(patience, Arc::clone(&self.turns).acquire_owned());
        let Ok(turn) = turn.await else { return Err(StoreError::Busy) };
        let Ok(turn) = turn else { return Err(StoreError::Closed) };
        let (source, lifeline) = self.resources()?;
        let (asker, answer) = oneshot::channel();
        let run = Run {
            _turn: turn,
            streams: Arc::clone(&self.streams),
            postings: Arc::clone(&self.postings),
            lifeline,
            bounds: self.bounds.clone(),
            runtime: Handle::current(),
        };
        spawn_blocking(move || {
            let mut ready = Some((run, asker));
            let opened = source.with_snapshot(&mut |snapshot| {
                let Some((run, asker)) = &ready else { return Ok(()) };
                let begun = run.begin(snapshot, &query, asker)?;
                if let Some((run, asker)) = ready.take() {
                    run.list(snapshot, begun, asker);
                }
                Ok(())
            });
            if let (Err(error), Some((_, asker))) = (opened, ready) {
                let _gone = asker.send(Err(error));
            }
        });
        // Without an answer the thread has panicked, or the runtime is going down.
        answer.await.unwrap_or_else(|_| Err(failed_because("no answer")))
    }

    /// Accepts no more lists, cuts the streams and long walks through the index, and closes the connections
    /// not in use; the others close when their list is done.
    pub fn close(&self) {
        self.turns.close();
        self.open.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn resources(&self) -> StoreResult<(Arc<S>, watch::Receiver<()>)> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let Open { source, lifeline } = open.as_ref().ok_or(StoreError::Closed)?;
        Ok((Arc::clone(source), lifeline.subscribe()))
    }
}

/// One list on its thread.
struct Run {
    _turn: OwnedSemaphorePermit,
    streams: Arc<Semaphore>,
    postings: Arc<Postings>,
    lifeline: watch::Receiver<()>,
    bounds: Bounds,
    runtime: Handle,
}

/// The answer, and what is left to read after its first items.
struct Begun {
    age: Age,
    total: u64,
    plan: String,
    window: Window,
    first: Vec<Interaction>,
}

impl Run {
    fn begin(
        &self,
        snapshot: &dyn Snapshot,
        query: &PageQuery,
        asker: &oneshot::Sender<StoreResult<Page>>,
    ) -> StoreResult<Begun> {
        let age = snapshot.age()?;
        begin(self.session(snapshot, age, &|| !asker.is_closed()), query)
    }

    fn list(
        self,
        snapshot: &dyn Snapshot,
        begun: Begun,
        asker: oneshot::Sender<StoreResult<Page>>,
    ) {
        let Begun { age, total, plan, window, first } = begun;
        let Window { count, has_next, last, course, .. } = window;
        if first.len() as u64 >= count {
            let _gone = asker.send(Ok(Page {
                total,
                count,
                has_next,
                last,
                plan,
                items: Items::Read(first),
            }));
            return;
        }
        let Ok(turn) = Arc::clone(&self.streams).try_acquire_owned() else {
            let _gone = asker.send(Err(StoreError::Busy));
            return;
        };
        let (taker, taken) = mpsc::channel(CHUNKS_AHEAD);
        let items = Items::Streamed(chunks(taken, count));
        if asker.send(Ok(Page { total, count, has_next, last, plan, items })).is_ok() {
            self.streaming(turn).stream(snapshot, age, first, course, &taker);
        }
    }

    fn session<'a>(
        &'a self,
        snapshot: &'a dyn Snapshot,
        age: Age,
        wanted: &'a dyn Fn() -> bool,
    ) -> Session<'a> {
        let Bounds { sort_bytes, scan_documents, .. } = self.bounds;
        let (postings, lifeline) = (&*self.postings, &self.lifeline);
        Session { snapshot, age, postings, wanted, lifeline, sort_bytes, scan_documents }
    }

    /// From here on other lists may have this one's turn.
    fn streaming(self, turn: OwnedSemaphorePermit) -> Self {
        Self { _turn: turn, ..self }
    }

    /// Until all is read or nobody wants it.
    fn stream(
        mut self,
        snapshot: &dyn Snapshot,
        age: Age,
        first: Vec<Interaction>,
        mut course: Course,
        taker: &mpsc::Sender<StoreResult<Vec<Interaction>>>,
    ) {
        // What is handed over is turned into text at once: as little of it as of the rest.
        let (mut part, mut bytes) = (Vec::new(), 0);
        for item in first {
            bytes += item.text.len();
            part.push(item);
            if bytes >= CHUNK_BYTES {
                if !self.hand_over(Ok(std::mem::take(&mut part)), taker) {
                    return;
                }
                bytes = 0;
            }
        }
        if !part.is_empty() && !self.hand_over(Ok(part), taker) {
            return;
        }
        loop {
            let wanted = || !taker.is_closed();
            let chunk = course.read(self.session(snapshot, age, &wanted), CHUNK_BYTES);
            let is_last = chunk.is_err();
            let is_end = chunk.as_ref().is_ok_and(Vec::is_empty);
            if is_end || !self.hand_over(chunk, taker) || is_last {
                return;
            }
        }
    }

    /// Whether somebody took it, or will.
    fn hand_over(
        &mut self,
        chunk: StoreResult<Vec<Interaction>>,
        taker: &mpsc::Sender<StoreResult<Vec<Interaction>>>,
    ) -> bool {
        let (stall, lifeline) = (self.bounds.stall, &mut self.lifeline);
        self.runtime.block_on(async {
            tokio::select! {
                sent = taker.send_timeout(chunk, stall) => sent.is_ok(),
                // Nothing is ever sent: it only ends.
                _ = lifeline.changed() => false,
            }
        })
    }
}

fn begin(session: Session<'_>, query: &PageQuery) -> StoreResult<Begun> {
    let plan = Plan::of(&query.filter, query.sort.as_ref());
    let (selection, evaluated) = Selection::of(session, &plan, &query.filter)?;
    let total = selection.total();
    let mut window = selection.window(session, &plan.order, query)?;
    let mut plan =
        format!("{plan}; read {} to find them, {} to sort them", evaluated, window.documents);
    if let Some(provenance) = session.snapshot.provenance() {
        plan.push_str("; ");
        plan.push_str(provenance);
    }
    let first = window.course.read(session, FIRST_BYTES)?;
    Ok(Begun { age: session.age, total, plan, window, first })
}

/// What comes through the channel, and an error if that is less than `left` items.
fn chunks(mut taken: mpsc::Receiver<StoreResult<Vec<Interaction>>>, mut left: u64) -> Chunks {
    Box::pin(stream::poll_fn(move |context| {
        let chunk = ready!(taken.poll_recv(context));
        Poll::Ready(match chunk {
            Some(Ok(items)) => {
                left = left.saturating_sub(items.len() as u64);
                Some(Ok(items))
            }
            Some(Err(error)) => {
                left = 0;
                Some(Err(error))
            }
            None if left > 0 => {
                left = 0;
                let why = "cut before its end: nobody took more of it, or the store was closed";
                Some(Err(failed_because(why)))
            }
            None => None,
        })
    }))
}
