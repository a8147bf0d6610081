//! Lists: runs a [`Plan`] on a pooled connection, on a blocking thread.
//!
//! Total and window are read in one transaction, hence from one snapshot. As many lists run at a
//! time as there are connections; more wait for their turn, holding neither thread nor
//! connection, and are told [`StoreError::Busy`] when it does not come.
//!
//! Keyset cursors and in-process bitmaps are not here: deep offsets and broad conditions cost
//! what they cost in SQL.

use super::connection::{READ, set_up_reader};
use super::error::{failed, failed_because};
use super::intersection::Intersection;
use super::plan::{AnyOf, Plan};
use super::store::SqliteOptions;
use crate::domain::interaction::Interaction;
use crate::query::filter::Filter;
use crate::store::contract::{Page, StoreError, StoreResult};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

const WHAT: &str = "listing interactions";

type Pool = r2d2::Pool<SqliteConnectionManager>;

/// Runs lists.
#[derive(Debug)]
pub(super) struct Pages {
    /// `None` once closed.
    pool: RwLock<Option<Pool>>,
    turns: Arc<Semaphore>,
    patience: Duration,
}

impl Pages {
    /// Opens no connection yet.
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        let size = options.list_connections.max(1);
        let settings = options.clone();
        let manager = SqliteConnectionManager::file(path)
            .with_flags(READ)
            .with_init(move |connection| set_up_reader(connection, &settings));
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            // A local file does not go away between two uses.
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .build_unchecked(manager);
        Self {
            pool: RwLock::new(Some(pool)),
            turns: Arc::new(Semaphore::new(size as usize)),
            patience: options.busy_timeout,
        }
    }

    /// Reads a page. If the future is dropped, a walk through documents going on stops.
    pub(super) async fn page(
        &self,
        filter: Filter,
        offset: u64,
        limit: Option<u64>,
    ) -> StoreResult<Page> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned());
        let Ok(turn) = turn.await else { return Err(StoreError::Busy) };
        let Ok(turn) = turn else { return Err(StoreError::Closed) };
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(pool) = pool else { return Err(StoreError::Closed) };
        let wanted = Wanted::default();
        let still_wanted = Arc::clone(&wanted.0);
        let work = spawn_blocking(move || {
            let _turn = turn;
            let mut connection = pool.get().map_err(|e| StoreError::Failed {
                what: "opening a read connection",
                source: Box::new(e),
            })?;
            let window = Window { offset, limit };
            read(&mut connection, &filter, window, &still_wanted)
        });
        match work.await {
            Ok(result) => result,
            Err(e) if e.is_cancelled() => Err(StoreError::Closed),
            Err(e) => Err(failed_because(WHAT, e.to_string())),
        }
    }

    /// Accepts no more lists and closes the connections not in use; the others close when their
    /// list is done.
    pub(super) fn close(&self) {
        self.turns.close();
        self.pool.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// True until dropped: with the future that waits for the answer.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What part of the matches is asked for.
#[derive(Clone, Copy, Debug)]
struct Window {
    offset: u64,
    limit: Option<u64>,
}

impl Window {
    /// For SQL, where a negative LIMIT means none.
    fn as_sql(self) -> [Value; 2] {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        [Value::from(self.limit.map_or(-1, signed)), Value::from(signed(self.offset))]
    }

    /// Whether the match with that many before it is in the window.
    fn contains(self, position: u64) -> bool {
        let end = self.limit.map_or(u64::MAX, |limit| self.offset.saturating_add(limit));
        (self.offset..end).contains(&position)
    }
}

/// Answers the filter from one snapshot.
fn read(
    connection: &mut Connection,
    filter: &Filter,
    window: Window,
    wanted: &AtomicBool,
) -> StoreResult<Page> {
    // Ends, by rollback, when it is dropped: there is nothing to commit.
    let snapshot = connection.transaction().map_err(|e| failed(WHAT, e))?;
    match Plan::of(filter) {
        Plan::Nothing => Ok(Page::default()),
        Plan::Everything => everything(&snapshot, window).map_err(|e| failed(WHAT, e)),
        Plan::Exact(sets) => exact(&snapshot, sets, window).map_err(|e| failed(WHAT, e)),
        Plan::Evaluate(sets) => evaluate(&snapshot, sets, filter, window, wanted),
    }
}

fn everything(connection: &Connection, window: Window) -> rusqlite::Result<Page> {
    let total = connection
        .prepare_cached("SELECT count(*) FROM interaction")?
        .query_row([], |row| row.get::<_, i64>(0))?;
    let items = connection
        .prepare_cached(
            "SELECT id, version, foreign_href, document FROM interaction
             ORDER BY seq LIMIT ? OFFSET ?",
        )?
        .query_map(window.as_sql(), interaction_from)?
        .collect::<Result<_, _>>()?;
    Ok(Page { total: total.unsigned_abs(), items })
}

/// Counts and windows on the index alone; documents are read for the window only.
fn exact(connection: &Connection, sets: Vec<AnyOf>, window: Window) -> rusqlite::Result<Page> {
    let Intersection { from, only, mut values } = Intersection::of(connection, sets)?;
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM {from} {only}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let sql = format!(
        "SELECT id, version, foreign_href, document FROM interaction WHERE seq IN
             (SELECT c.seq FROM {from} {only} ORDER BY c.seq LIMIT ? OFFSET ?) ORDER BY seq"
    );
    values.extend(window.as_sql());
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&values), interaction_from)?
        .collect::<Result<_, _>>()?;
    Ok(Page { total: total.unsigned_abs(), items })
}

/// Reads each candidate, in creation order, and keeps the window: memory is bounded by it.
fn evaluate(
    connection: &Connection,
    sets: Vec<AnyOf>,
    filter: &Filter,
    window: Window,
    wanted: &AtomicBool,
) -> StoreResult<Page> {
    let intersection = Intersection::of(connection, sets).map_err(|e| failed(WHAT, e))?;
    let Intersection { from, only, values } = intersection;
    // CROSS JOIN keeps the order of the tables: the candidates lead.
    let sql = format!(
        "SELECT i.id, i.version, i.foreign_href, i.document
         FROM {from} CROSS JOIN interaction AS i ON i.seq = c.seq {only} ORDER BY c.seq"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(|e| failed(WHAT, e))?;
    let rows = statement
        .query_map(params_from_iter(&values), interaction_from)
        .map_err(|e| failed(WHAT, e))?;
    let mut page = Page::default();
    for row in rows {
        if !wanted.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let interaction = row.map_err(|e| failed(WHAT, e))?;
        let members = interaction.members().map_err(|e| StoreError::Failed {
            what: "reading a stored document",
            source: Box::new(e),
        })?;
        if filter.matches(&interaction, &members) {
            if window.contains(page.total) {
                page.items.push(interaction);
            }
            page.total += 1;
        }
    }
    Ok(page)
}

/// Reads a row of `id, version, foreign_href, document`.
pub(super) fn interaction_from(row: &Row<'_>) -> rusqlite::Result<Interaction> {
    Ok(Interaction {
        id: row.get(0)?,
        version: row.get(1)?,
        foreign_href: row.get(2)?,
        text: row.get(3)?,
    })
}
