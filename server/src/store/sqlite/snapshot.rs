//! What lists ask of this database, as SQL: a read transaction is a snapshot.

use super::connection::{READ, set_up_reader};
use super::error::failed;
use super::probe::entries;
use super::store::SqliteOptions;
use crate::domain::interaction::Interaction;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::list::{Age, Amendment, Show, Snapshot, Source, WHAT, Work};
use crate::store::plan::Probe;
use r2d2_sqlite::SqliteConnectionManager;
use roaring::RoaringTreemap;
use rusqlite::{CachedStatement, Connection, Params, Row, params_from_iter};
use std::path::Path;

/// Connections for lists, as many as there are lists and streams at a time.
#[derive(Debug)]
pub(super) struct Pool(r2d2::Pool<SqliteConnectionManager>);

impl Pool {
    /// Opens no connection yet.
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        let settings = options.clone();
        let manager = SqliteConnectionManager::file(path)
            .with_flags(READ)
            .with_init(move |connection| set_up_reader(connection, &settings));
        let most =
            options.list_connections.max(1).saturating_add(options.stream_connections.max(1));
        let pool = r2d2::Pool::builder()
            .max_size(most)
            .min_idle(Some(0))
            // A local file does not go away between two uses.
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .build_unchecked(manager);
        Self(pool)
    }
}

impl Source for Pool {
    fn with_snapshot(&self, work: &mut Work<'_>) -> StoreResult<()> {
        let mut connection = self.0.get().map_err(|e| StoreError::Failed {
            what: "opening a read connection",
            source: Box::new(e),
        })?;
        // Ends, by rollback, when it is dropped: there is nothing to commit.
        let snapshot = connection.transaction().map_err(because)?;
        work(&Transaction(&snapshot))
    }
}

/// A connection in a transaction.
struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// A statement, compiled once per connection.
    fn prepare(&self, sql: &str) -> StoreResult<CachedStatement<'a>> {
        self.0.prepare_cached(sql).map_err(because)
    }
}

impl Snapshot for Transaction<'_> {
    fn age(&self) -> StoreResult<Age> {
        // Both columns are keys, and the newest entry of the log is always kept.
        let sql = "SELECT (SELECT coalesce(max(number), 0) FROM amendment),
                          (SELECT coalesce(max(seq), 0) FROM interaction)";
        self.prepare(sql)?
            .query_row([], |row| {
                let (amendments, newest) = (number_from(row, 0)?, number_from(row, 1)?);
                Ok(Age { origin: 0, amendments, newest })
            })
            .map_err(because)
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
        let oldest = "SELECT coalesce(min(number), 1) FROM amendment";
        let oldest = self.prepare(oldest)?.query_row([], |row| number_from(row, 0));
        if oldest.map_err(because)? > number.saturating_add(1) {
            return Ok(None);
        }
        let sql = "SELECT number, seq FROM amendment WHERE number > ? ORDER BY number";
        let mut statement = self.prepare(sql)?;
        let amendments = statement
            .query_map([signed(number)], |row| {
                Ok(Amendment { number: number_from(row, 0)?, of: number_from(row, 1)? })
            })
            .and_then(Iterator::collect);
        amendments.map(Some).map_err(because)
    }

    fn each_found(
        &self,
        probe: &Probe,
        above: u64,
        show: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        let (entries, mut values) = entries(probe);
        let sql = if above == 0 && *probe == Probe::Every {
            // Any index has them all, in an order of its own; the table is as large as its documents.
            "SELECT seq FROM interaction".to_owned()
        } else {
            values.push(signed(above).into());
            format!("SELECT seq FROM {entries} AND seq > ? ORDER BY seq")
        };
        let mut statement = self.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(because)?;
        while let Some(row) = rows.next().map_err(because)?
            && show(number_from(row, 0).map_err(because)?)
        {}
        Ok(())
    }

    fn found_among(&self, probe: &Probe, numbers: &[u64]) -> StoreResult<Vec<u64>> {
        let (entries, values) = entries(probe);
        let mut statement = self.prepare(&format!("SELECT 1 FROM {entries} AND seq = ?"))?;
        let mut found = Vec::new();
        for number in numbers {
            let values = values.iter().cloned().chain([signed(*number).into()]);
            if statement.exists(params_from_iter(values)).map_err(because)? {
                found.push(*number);
            }
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
        self.prepare(sql)?.query_row([path], |row| row.get(0)).map_err(because)
    }

    fn present(&self, path: u16) -> StoreResult<RoaringTreemap> {
        let mut statement = self.prepare("SELECT seq FROM attribute WHERE path = ?")?;
        numbers(&mut statement, [path]).map_err(because)
    }

    fn each_instant(
        &self,
        path: u16,
        from_us: i64,
        descending: bool,
        show: &mut dyn FnMut(i64, u64) -> StoreResult<bool>,
    ) -> StoreResult<()> {
        let mut statement = self.prepare(if descending {
            "SELECT value, seq FROM attribute WHERE path = ? AND value <= ? ORDER BY value DESC"
        } else {
            // Texts are above all integers.
            "SELECT value, seq FROM attribute WHERE path = ? AND value >= ? AND value < ''
             ORDER BY value"
        })?;
        let mut rows = statement.query((path, from_us)).map_err(because)?;
        while let Some(row) = rows.next().map_err(because)? {
            let (us, number) = (row.get(0).map_err(because)?, number_from(row, 1));
            if !show(us, number.map_err(because)?)? {
                break;
            }
        }
        Ok(())
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

/// Reads the creation number in a column. SQLite counts from 1.
fn number_from(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

/// For SQL, whose integers have a sign.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The contract's error for one of SQLite while listing.
fn because(error: rusqlite::Error) -> StoreError {
    failed(WHAT, error)
}
