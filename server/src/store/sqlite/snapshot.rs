//! What lists ask of this database, as SQL: a read transaction is a snapshot.

use super::connection::{READ, set_up_reader};
use super::error::failed;
use super::intersection::Intersection;
use super::store::SqliteOptions;
use crate::domain::interaction::Interaction;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::list::{Show, Snapshot, Source, WHAT, Work};
use crate::store::plan::AnyOf;
use r2d2_sqlite::SqliteConnectionManager;
use roaring::RoaringTreemap;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params_from_iter};
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

    /// A number; 0 where there is no row.
    fn number(&self, sql: &str, params: impl Params) -> StoreResult<u64> {
        let found = self.prepare(sql)?.query_row(params, |row| number_from(row, 0)).optional();
        Ok(found.map_err(because)?.unwrap_or(0))
    }
}

impl Snapshot for Transaction<'_> {
    fn count(&self) -> StoreResult<u64> {
        self.number("SELECT count(*) FROM interaction", [])
    }

    fn newest(&self) -> StoreResult<u64> {
        self.number("SELECT max(seq) FROM interaction HAVING count(*) > 0", [])
    }

    fn number_at(&self, offset: u64) -> StoreResult<Option<u64>> {
        let sql = "SELECT seq FROM interaction ORDER BY seq LIMIT 1 OFFSET ?";
        let number = self.number(sql, [signed(offset)])?;
        Ok(Some(number).filter(|number| *number > 0))
    }

    fn count_above(&self, number: u64, limit: Option<u64>) -> StoreResult<(u64, u64)> {
        // A negative LIMIT is none.
        let limit = limit.map_or(-1, signed);
        self.prepare(
            "SELECT count(*), coalesce(max(seq), 0) FROM
                 (SELECT seq FROM interaction WHERE seq > ? ORDER BY seq LIMIT ?)",
        )?
        .query_row([signed(number), limit], |row| Ok((number_from(row, 0)?, number_from(row, 1)?)))
        .map_err(because)
    }

    fn matching(&self, sets: &[AnyOf]) -> StoreResult<RoaringTreemap> {
        let Intersection { from, only, values } =
            Intersection::of(self.0, sets).map_err(because)?;
        let mut statement = self.prepare(&format!("SELECT c.seq FROM {from} {only}"))?;
        numbers(&mut statement, params_from_iter(values)).map_err(because)
    }

    fn count_matching(&self, sets: &[AnyOf], most: u64) -> StoreResult<u64> {
        let Intersection { from, only, mut values } =
            Intersection::of(self.0, sets).map_err(because)?;
        values.push(signed(most).into());
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} {only} LIMIT ?)");
        self.number(&sql, params_from_iter(values))
    }

    fn each_matching(&self, sets: &[AnyOf], show: &mut Show<'_>) -> StoreResult<()> {
        let Intersection { from, only, values } =
            Intersection::of(self.0, sets).map_err(because)?;
        // CROSS JOIN keeps the order of the tables: the candidates lead.
        let sql = format!(
            "SELECT i.id, i.version, i.foreign_href, i.document, i.seq
             FROM {from} CROSS JOIN interaction AS i ON i.seq = c.seq {only} ORDER BY c.seq"
        );
        each(&mut self.prepare(&sql)?, params_from_iter(values), show).map(drop)
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

    fn each_number(&self, show: &mut dyn FnMut(u64) -> bool) -> StoreResult<()> {
        let mut statement = self.prepare("SELECT seq FROM interaction")?;
        let mut rows = statement.query([]).map_err(because)?;
        while let Some(row) = rows.next().map_err(because)?
            && show(number_from(row, 0).map_err(because)?)
        {}
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
            "SELECT value, seq FROM attribute WHERE path = ? AND value >= ? ORDER BY value"
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
