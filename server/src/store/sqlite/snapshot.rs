//! What lists ask of this database, as SQL: a read transaction is a snapshot.

use super::connection::{READ, set_up_reader};
use super::error::failed;
use super::probe::entries;
use super::store::SqliteOptions;
use super::tail::{State, Tail, View, amended_after, number_from, signed};
use crate::domain::index::Lookup;
use crate::domain::interaction::Interaction;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::list::{Age, Amendment, Show, Snapshot, Source, WHAT, Work};
use crate::store::plan::Probe;
use r2d2_sqlite::SqliteConnectionManager;
use roaring::RoaringTreemap;
use rusqlite::{CachedStatement, Connection, Params, Row, params_from_iter};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// Instants of the tail that are read at first.
const INSTANTS: usize = 64;

/// Connections for lists, as many as there are lists and streams at a time.
#[derive(Debug)]
pub(super) struct Pool {
    connections: r2d2::Pool<SqliteConnectionManager>,
    tail: Arc<Tail>,
}

impl Pool {
    /// Opens no connection yet.
    pub(super) fn new(path: &Path, options: &SqliteOptions, tail: Arc<Tail>) -> Self {
        let settings = options.clone();
        let manager = SqliteConnectionManager::file(path)
            .with_flags(READ)
            .with_init(move |connection| set_up_reader(connection, &settings));
        let most =
            options.list_connections.max(1).saturating_add(options.stream_connections.max(1));
        let connections = r2d2::Pool::builder()
            .max_size(most)
            .min_idle(Some(0))
            // A local file does not go away between two uses.
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .build_unchecked(manager);
        Self { connections, tail }
    }
}

impl Source for Pool {
    fn with_snapshot(&self, work: &mut Work<'_>) -> StoreResult<()> {
        let mut connection = self.connections.get().map_err(|e| StoreError::Failed {
            what: "opening a read connection",
            source: Box::new(e),
        })?;
        // Ends, by rollback, when it is dropped: there is nothing to commit.
        let transaction = connection.transaction().map_err(because)?;
        // Whose first look is what fixes it.
        let state = State::of(&transaction).map_err(because)?;
        work(&Transaction { connection: &transaction, state, tail: &self.tail })
    }
}

/// A connection in a transaction, and what is not in its index.
struct Transaction<'a> {
    connection: &'a Connection,
    state: State,
    tail: &'a Tail,
}

impl<'a> Transaction<'a> {
    /// A statement, compiled once per connection.
    fn prepare(&self, sql: &str) -> StoreResult<CachedStatement<'a>> {
        self.connection.prepare_cached(sql).map_err(because)
    }

    /// Looks at what is not in the index.
    fn tail<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> StoreResult<T> {
        self.tail.look(self.connection, self.state, look).map_err(because)
    }

    /// The last number whose entries are in the index.
    fn indexed(&self) -> i64 {
        signed(self.state.indexed)
    }
}

impl Snapshot for Transaction<'_> {
    fn age(&self) -> StoreResult<Age> {
        Ok(self.state.age)
    }

    fn count(&self) -> StoreResult<Option<u64>> {
        // SQLite would read an index to count it.
        Ok(None)
    }

    fn count_above(&self, number: u64, limit: u64) -> StoreResult<(u64, u64)> {
        self.prepare(
            "SELECT count(*), coalesce(max(seq), 0) FROM
                 (SELECT seq FROM interaction WHERE seq > ? ORDER BY seq LIMIT ?)",
        )?
        .query_row([signed(number), signed(limit)], |row| {
            Ok((number_from(row, 0)?, number_from(row, 1)?))
        })
        .map_err(because)
    }

    fn amended_after(&self, number: u64) -> StoreResult<Option<Vec<Amendment>>> {
        amended_after(self.connection, number).map_err(because)
    }

    fn each_found(
        &self,
        probe: &Probe,
        above: u64,
        show: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        let (entries, mut values) = entries(probe, self.indexed());
        let sql = if above == 0 && *probe == Probe::Every {
            // Any index has them all, in an order of its own; the table is as large as its documents.
            "SELECT seq FROM interaction".to_owned()
        } else {
            values.push(signed(above).into());
            format!("SELECT seq FROM {entries} AND seq > ? ORDER BY seq")
        };
        let mut statement = self.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(because)?;
        while let Some(row) = rows.next().map_err(because)? {
            if !show(number_from(row, 0).map_err(because)?) {
                return Ok(());
            }
        }
        if let Probe::Index(Lookup::Key(key)) = probe {
            let mut others = self.tail(|view| view.with(key, above))?.into_iter();
            while others.next().is_some_and(&mut *show) {}
        }
        Ok(())
    }

    fn found_among(&self, probe: &Probe, numbers: &[u64]) -> StoreResult<Vec<u64>> {
        let (entries, values) = entries(probe, self.indexed());
        let mut statement = self.prepare(&format!("SELECT 1 FROM {entries} AND seq = ?"))?;
        let mut found = Vec::new();
        // Columns have no tail.
        let indexed = match probe {
            Probe::Index(_) | Probe::Present(_) => self.state.indexed,
            _ => u64::MAX,
        };
        let is_in_index = |number: &&u64| **number <= indexed;
        for number in numbers.iter().filter(is_in_index) {
            let values = values.iter().cloned().chain([signed(*number).into()]);
            if statement.exists(params_from_iter(values)).map_err(because)? {
                found.push(*number);
            }
        }
        let mut others = numbers.iter().filter(|number| !is_in_index(number)).peekable();
        if let (Probe::Index(Lookup::Key(key)), Some(_)) = (probe, others.peek()) {
            let with = self.tail(|view| view.with(key, self.state.indexed))?;
            found.extend(others.filter(|number| with.binary_search(number).is_ok()));
        }
        Ok(found)
    }

    fn each_between(&self, above: u64, up_to: u64, show: &mut Show<'_>) -> StoreResult<()> {
        let mut statement = self.prepare(
            "SELECT id, version, foreign_href, document, seq FROM interaction
             WHERE seq > ? AND seq <= ? ORDER BY seq",
        )?;
        each(&mut statement, [signed(above), signed(up_to)], show).map(drop)
    }

    fn each_of(&self, numbers: &[u64], show: &mut Show<'_>) -> StoreResult<()> {
        let mut statement = self.prepare(
            "SELECT id, version, foreign_href, document, seq FROM interaction WHERE seq = ?",
        )?;
        for number in numbers {
            if !each(&mut statement, [signed(*number)], show)? {
                break;
            }
        }
        Ok(())
    }

    fn has_texts(&self, path: u16) -> StoreResult<bool> {
        // Texts are above all integers.
        let sql = "SELECT EXISTS (SELECT 1 FROM attribute WHERE path = ? AND value >= '')";
        let has_some = self.prepare(sql)?.query_row([path], |row| row.get(0)).map_err(because)?;
        Ok(has_some || self.tail(|view| view.has_texts(path))?)
    }

    fn present(&self, path: u16) -> StoreResult<RoaringTreemap> {
        let sql = "SELECT seq FROM attribute WHERE path = ? AND seq <= ?";
        let mut numbers =
            numbers(&mut self.prepare(sql)?, (path, self.indexed())).map_err(because)?;
        numbers.extend(self.tail(|view| view.present(path))?);
        Ok(numbers)
    }

    fn each_instant(
        &self,
        path: u16,
        from_us: i64,
        descending: bool,
        show: &mut dyn FnMut(i64, u64) -> StoreResult<bool>,
    ) -> StoreResult<()> {
        let mut statement = self.prepare(if descending {
            "SELECT value, seq FROM attribute WHERE path = ?1 AND value <= ?2 AND seq <= ?3
             ORDER BY value DESC"
        } else {
            // Texts are above all integers.
            "SELECT value, seq FROM attribute WHERE path = ?1 AND value >= ?2 AND value < ''
                 AND seq <= ?3
             ORDER BY value"
        })?;
        let mut others =
            Instants { of: self, path, from_us, descending, read: VecDeque::new(), passed: 0 };
        let indexed = self.indexed();
        let mut rows = statement.query((path, from_us, indexed)).map_err(because)?;
        while let Some(row) = rows.next().map_err(because)? {
            let us: i64 = row.get(0).map_err(because)?;
            while let Some((other_us, number)) = others.before(us)? {
                if !show(other_us, number)? {
                    return Ok(());
                }
            }
            if !show(us, number_from(row, 1).map_err(because)?)? {
                return Ok(());
            }
        }
        let end = if descending { i64::MIN } else { i64::MAX };
        while let Some((us, number)) = others.before(end)? {
            if !show(us, number)? {
                break;
            }
        }
        Ok(())
    }
}

/// Instants of the tail, as they are asked for.
struct Instants<'a> {
    of: &'a Transaction<'a>,
    path: u16,
    from_us: i64,
    descending: bool,
    read: VecDeque<(i64, u64)>,
    passed: usize,
}

impl Instants<'_> {
    /// The next one, unless it is behind an instant.
    fn before(&mut self, end_us: i64) -> StoreResult<Option<(i64, u64)>> {
        if self.read.is_empty() {
            // Twice as many each time: most want twenty, some want all.
            let (most, passed) = (self.passed.max(INSTANTS), self.passed);
            let read = self.of.tail(|view| {
                view.instants(self.path, self.from_us, self.descending, passed, most)
            })?;
            self.passed += read.len();
            self.read = read.into();
        }
        let is_due = |(us, _): &(i64, u64)| match self.descending {
            true => *us >= end_us,
            false => *us <= end_us,
        };
        Ok(self.read.pop_front_if(|next| is_due(next)))
    }
}

/// Shows rows of `id, version, foreign_href, document, seq`. `false`: that was enough.
fn each(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    show: &mut Show<'_>,
) -> StoreResult<bool> {
    let mut rows = statement.query(params).map_err(because)?;
    while let Some(row) = rows.next().map_err(because)? {
        let number = number_from(row, 4).map_err(because)?;
        if !show(number, interaction_from(row).map_err(because)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn numbers(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
) -> rusqlite::Result<RoaringTreemap> {
    let mut numbers = RoaringTreemap::new();
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        numbers.insert(number_from(row, 0)?);
    }
    Ok(numbers)
}

/// Reads a row that begins with `id, version, foreign_href, document`.
pub(super) fn interaction_from(row: &Row<'_>) -> rusqlite::Result<Interaction> {
    Ok(Interaction {
        id: row.get(0)?,
        version: row.get(1)?,
        foreign_href: row.get(2)?,
        text: row.get(3)?,
    })
}

/// The contract's error for one of SQLite while listing.
fn because(error: rusqlite::Error) -> StoreError {
    failed(WHAT, error)
}
