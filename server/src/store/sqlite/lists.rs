//! Lists: each runs on a pooled connection, on a blocking thread, within one snapshot.
//!
//! What a list finds is told first: total, window, first items. Most lists end there. Where more
//! follow, they are read chunk by chunk as somebody takes them, so that memory does not grow with
//! the list; the snapshot is kept meanwhile, and who takes nothing for too long loses it.
//!
//! As many lists run at a time as there are connections for them; more wait for their turn, holding
//! neither thread nor connection, and are told [`StoreError::Busy`] when it does not come. Streams
//! have turns of their own, for they last as long as their readers please.

use super::connection::{READ, set_up_reader};
use super::error::{failed, failed_because};
use super::selection::Selection;
use super::session::{Session, WHAT};
use super::store::SqliteOptions;
use super::window::{Course, Window};
use crate::domain::interaction::Interaction;
use crate::store::contract::{Chunks, Items, Page, PageQuery, StoreError, StoreResult};
use crate::store::plan::Plan;
use futures::stream;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use std::path::Path;
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

type Pool = r2d2::Pool<SqliteConnectionManager>;

/// Runs lists.
#[derive(Debug)]
pub(super) struct Lists {
    /// `None` once closed.
    open: RwLock<Option<Open>>,
    turns: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    patience: Duration,
    stall: Duration,
    sort_bytes: usize,
    scan_documents: Option<u64>,
}

/// What there is until the lists are closed.
#[derive(Debug)]
struct Open {
    pool: Pool,
    /// Tells the streams of the end by going away.
    lifeline: watch::Sender<()>,
}

impl Lists {
    /// Opens no connection yet.
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        let lists = options.list_connections.max(1);
        let streams = options.stream_connections.max(1);
        let settings = options.clone();
        let manager = SqliteConnectionManager::file(path)
            .with_flags(READ)
            .with_init(move |connection| set_up_reader(connection, &settings));
        let pool = r2d2::Pool::builder()
            .max_size(lists.saturating_add(streams))
            .min_idle(Some(0))
            // A local file does not go away between two uses.
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .build_unchecked(manager);
        Self {
            open: RwLock::new(Some(Open { pool, lifeline: watch::Sender::new(()) })),
            turns: Arc::new(Semaphore::new(lists as usize)),
            streams: Arc::new(Semaphore::new(streams as usize)),
            patience: options.busy_timeout,
            stall: options.stream_stall,
            sort_bytes: options.sort_bytes,
            scan_documents: options.scan_documents,
        }
    }

    /// Answers a list. If the future is dropped, a walk through documents going on stops.
    pub(super) async fn page(&self, query: PageQuery) -> StoreResult<Page> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned());
        let Ok(turn) = turn.await else { return Err(StoreError::Busy) };
        let Ok(turn) = turn else { return Err(StoreError::Closed) };
        let (pool, lifeline) = self.resources()?;
        let (asker, answer) = oneshot::channel();
        let run = Run {
            _turn: turn,
            streams: Arc::clone(&self.streams),
            lifeline,
            stall: self.stall,
            sort_bytes: self.sort_bytes,
            scan_documents: self.scan_documents,
            runtime: Handle::current(),
        };
        spawn_blocking(move || match pool.get() {
            Ok(mut connection) => run.list(&mut connection, &query, asker),
            Err(e) => {
                let what = "opening a read connection";
                let _gone = asker.send(Err(StoreError::Failed { what, source: Box::new(e) }));
            }
        });
        // Without an answer the thread has panicked, or the runtime is going down.
        answer.await.unwrap_or_else(|_| Err(failed_because(WHAT, "no answer")))
    }

    /// Accepts no more lists, cuts the streams, and closes the connections not in use; the others
    /// close when their list is done.
    pub(super) fn close(&self) {
        self.turns.close();
        self.open.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn resources(&self) -> StoreResult<(Pool, watch::Receiver<()>)> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let Open { pool, lifeline } = open.as_ref().ok_or(StoreError::Closed)?;
        Ok((pool.clone(), lifeline.subscribe()))
    }
}

/// One list on its thread.
struct Run {
    _turn: OwnedSemaphorePermit,
    streams: Arc<Semaphore>,
    lifeline: watch::Receiver<()>,
    stall: Duration,
    sort_bytes: usize,
    scan_documents: Option<u64>,
    runtime: Handle,
}

/// The answer, and what is left to read after its first items.
struct Begun {
    total: u64,
    plan: String,
    window: Window,
    first: Vec<Interaction>,
}

impl Run {
    fn list(
        self,
        connection: &mut Connection,
        query: &PageQuery,
        asker: oneshot::Sender<StoreResult<Page>>,
    ) {
        // Ends, by rollback, when it is dropped: there is nothing to commit.
        let snapshot = match connection.transaction() {
            Ok(snapshot) => snapshot,
            Err(e) => {
                let _gone = asker.send(Err(failed(WHAT, e)));
                return;
            }
        };
        let begun = begin(self.session(&snapshot, &|| !asker.is_closed()), query);
        let Begun { total, plan, window, first } = match begun {
            Ok(begun) => begun,
            Err(e) => {
                let _gone = asker.send(Err(e));
                return;
            }
        };
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
            self.streaming(turn).stream(&snapshot, first, course, &taker);
        }
    }

    fn session<'a>(&self, snapshot: &'a Connection, wanted: &'a dyn Fn() -> bool) -> Session<'a> {
        let Self { sort_bytes, scan_documents, .. } = *self;
        Session { snapshot, wanted, sort_bytes, scan_documents }
    }

    /// From here on other lists may have this one's turn.
    fn streaming(self, turn: OwnedSemaphorePermit) -> Self {
        Self { _turn: turn, ..self }
    }

    /// Until all is read or nobody wants it.
    fn stream(
        mut self,
        snapshot: &Connection,
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
            let chunk = course.read(self.session(snapshot, &wanted), CHUNK_BYTES);
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
        let (stall, lifeline) = (self.stall, &mut self.lifeline);
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
    let plan =
        format!("{plan}; read {} to find them, {} to sort them", evaluated, window.documents);
    let first = window.course.read(session, FIRST_BYTES)?;
    Ok(Begun { total, plan, window, first })
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
                Some(Err(failed_because(WHAT, why)))
            }
            None => None,
        })
    }))
}
