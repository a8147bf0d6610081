//! What lists ask of this database, as SQL: a read transaction that sees one state.
//!
//! Lists run on blocking threads and wait there for the driver. What is long is read in parts, each
//! beginning where the last one ended, so that neither side keeps all of it.

use super::change::{path_number, signed};
use super::connection::in_time;
use super::counter::Counter;
use super::error::{Error, Result};
use super::intersection::Intersection;
use crate::domain::interaction::Interaction;
use crate::store::contract::StoreResult;
use crate::store::list::{Show, Snapshot, Source, WHAT};
use crate::store::plan::AnyOf;
use deadpool_postgres::{Pool, Transaction};
use roaring::RoaringTreemap;
use std::collections::HashMap;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

/// Documents in a part.
const DOCUMENTS: i64 = 64;

/// Entries of the index in a part.
const ENTRIES: i64 = 4096;

/// Connections for lists, as many as there are lists and streams at a time.
#[derive(Debug)]
pub(super) struct Snapshots {
    pub(super) pool: Pool,
    /// How long to wait for an answer.
    pub(super) patience: Duration,
}

impl Source for Snapshots {
    fn with_snapshot(&self, work: &mut dyn FnMut(&dyn Snapshot)) -> StoreResult<()> {
        let runtime = Handle::current();
        let mut client = runtime
            .block_on(self.pool.get())
            .map_err(|e| Error::from(e).during("opening a read connection"))?;
        let begin = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start();
        let patience = self.patience;
        let transaction = runtime
            .block_on(in_time(patience, async { Ok(begin.await?) }))
            .map_err(|e| e.during(WHAT))?;
        // There is nothing to commit: it is rolled back when it goes.
        work(&Reading { transaction: &transaction, runtime: &runtime, patience });
        Ok(())
    }
}

/// A transaction, and who drives its connection.
struct Reading<'a> {
    transaction: &'a Transaction<'a>,
    runtime: &'a Handle,
    patience: Duration,
}

impl Reading<'_> {
    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> StoreResult<T> {
        self.runtime.block_on(in_time(self.patience, work)).map_err(|e| e.during(WHAT))
    }

    /// A statement of which there are few, compiled once per connection.
    fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> StoreResult<Vec<Row>> {
        self.wait(async {
            let statement = self.transaction.prepare_cached(sql).await?;
            Ok(self.transaction.query(&statement, values).await?)
        })
    }

    /// The numbers of a statement of which there may be many forms, in parts and in order.
    fn each_part(
        &self,
        sets: &[AnyOf],
        show: &mut dyn FnMut(Vec<u64>) -> StoreResult<bool>,
    ) -> StoreResult<()> {
        let portal = self.wait(async {
            let made = Intersection::of(self.transaction, sets).await?;
            let sql = format!("{} ORDER BY seq", made.sql);
            let statement = self.transaction.prepare(&sql).await?;
            Ok(self.transaction.bind(&statement, &made.bound()).await?)
        })?;
        loop {
            let part = self.transaction.query_portal(&portal, ENTRIES as i32);
            let part = self.wait(async { Ok(part.await?) })?;
            let is_last = (part.len() as i64) < ENTRIES;
            if !show(part.iter().map(|row| number_from(row, 0)).collect())? || is_last {
                return Ok(());
            }
        }
    }

    /// Numbers above one, in order, a part at a time.
    fn numbers_above(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        show: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        let mut above = 0_i64;
        loop {
            let own: [&(dyn ToSql + Sync); 2] = [&above, &ENTRIES];
            let all: Vec<_> = own.into_iter().chain(values.iter().copied()).collect();
            let rows = self.rows(sql, &all)?;
            for row in &rows {
                above = row.get(0);
                if !show(above.unsigned_abs()) {
                    return Ok(());
                }
            }
            if (rows.len() as i64) < ENTRIES {
                return Ok(());
            }
        }
    }
}

impl Snapshot for Reading<'_> {
    fn count(&self) -> StoreResult<u64> {
        // Kept by the writer: PostgreSQL would read the whole table to count it.
        let counter = self.wait(Counter::read(self.transaction))?;
        Ok(counter.interactions.unsigned_abs())
    }

    fn newest(&self) -> StoreResult<u64> {
        let rows = self.rows("SELECT coalesce(max(seq), 0) FROM interaction", &[])?;
        Ok(rows.first().map_or(0, |row| number_from(row, 0)))
    }

    fn number_at(&self, offset: u64) -> StoreResult<Option<u64>> {
        let sql = "SELECT seq FROM interaction ORDER BY seq LIMIT 1 OFFSET $1";
        Ok(self.rows(sql, &[&signed(offset)])?.first().map(|row| number_from(row, 0)))
    }

    fn count_above(&self, number: u64, limit: Option<u64>) -> StoreResult<(u64, u64)> {
        let sql = "SELECT count(*), coalesce(max(seq), 0) FROM
             (SELECT seq FROM interaction WHERE seq > $1 ORDER BY seq LIMIT $2) AS part";
        let rows = self.rows(sql, &[&signed(number), &limit.map(signed)])?;
        Ok(rows.first().map_or((0, 0), |row| (number_from(row, 0), number_from(row, 1))))
    }

    fn matching(&self, sets: &[AnyOf]) -> StoreResult<RoaringTreemap> {
        let mut numbers = RoaringTreemap::new();
        self.each_part(sets, &mut |part| {
            numbers.extend(part);
            Ok(true)
        })?;
        Ok(numbers)
    }

    fn count_matching(&self, sets: &[AnyOf], most: u64) -> StoreResult<u64> {
        let row = self.wait(async {
            let mut made = Intersection::of(self.transaction, sets).await?;
            let limit = made.bind(signed(most));
            let sql = format!("SELECT count(*) FROM ({} LIMIT {limit}) AS part", made.sql);
            Ok(self.transaction.query_one(&sql, &made.bound()).await?)
        })?;
        Ok(number_from(&row, 0))
    }

    fn each_matching(&self, sets: &[AnyOf], show: &mut Show<'_>) -> StoreResult<()> {
        if sets.is_empty() {
            return self.each_between(0, u64::MAX, show);
        }
        self.each_part(sets, &mut |part| {
            for some in part.chunks(DOCUMENTS as usize) {
                let mut go_on = true;
                self.each_of(some, &mut |number, interaction| {
                    go_on = show(number, interaction)?;
                    Ok(go_on)
                })?;
                if !go_on {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn each_between(&self, above: u64, up_to: u64, show: &mut Show<'_>) -> StoreResult<()> {
        let sql = "SELECT id, version, foreign_href, document, seq FROM interaction
             WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
        let (mut above, up_to) = (signed(above), signed(up_to));
        loop {
            let rows = self.rows(sql, &[&above, &up_to, &DOCUMENTS])?;
            let is_last = (rows.len() as i64) < DOCUMENTS;
            for row in rows {
                above = row.get(4);
                if !show(above.unsigned_abs(), interaction_from(&row))? {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn each_of(&self, numbers: &[u64], show: &mut Show<'_>) -> StoreResult<()> {
        let sql = "SELECT id, version, foreign_href, document, seq FROM interaction
             WHERE seq = ANY($1)";
        for some in numbers.chunks(DOCUMENTS as usize) {
            let asked: Vec<i64> = some.iter().copied().map(signed).collect();
            let rows = self.rows(sql, &[&asked])?;
            let mut found: HashMap<u64, Interaction> =
                rows.iter().map(|row| (number_from(row, 4), interaction_from(row))).collect();
            for number in some {
                if let Some(interaction) = found.remove(number)
                    && !show(*number, interaction)?
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn each_number(&self, show: &mut dyn FnMut(u64) -> bool) -> StoreResult<()> {
        let sql = "SELECT seq FROM interaction WHERE seq > $1 ORDER BY seq LIMIT $2";
        self.numbers_above(sql, &[], show)
    }

    fn has_texts(&self, path: u16) -> StoreResult<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attribute_text WHERE path = $1)";
        Ok(self.rows(sql, &[&path_number(path)])?.first().is_some_and(|row| row.get(0)))
    }

    fn present(&self, path: u16) -> StoreResult<RoaringTreemap> {
        let mut numbers = RoaringTreemap::new();
        let mut add = |number| {
            numbers.insert(number);
            true
        };
        let path = path_number(path);
        for table in ["attribute_text", "attribute_instant"] {
            let sql = format!(
                "SELECT DISTINCT seq FROM {table} WHERE seq > $1 AND path = $3
                 ORDER BY seq LIMIT $2"
            );
            self.numbers_above(&sql, &[&path], &mut add)?;
        }
        Ok(numbers)
    }

    fn each_instant(
        &self,
        path: u16,
        from_us: i64,
        descending: bool,
        show: &mut dyn FnMut(i64, u64) -> StoreResult<bool>,
    ) -> StoreResult<()> {
        let (than, order) = if descending { ("<=", "DESC") } else { (">=", "ASC") };
        // The part goes on behind the entry it ended with.
        let behind = than.trim_end_matches('=');
        let first = format!(
            "SELECT value, seq FROM attribute_instant WHERE path = $1 AND value {than} $2
             ORDER BY value {order}, seq {order} LIMIT $3"
        );
        let next = format!(
            "SELECT value, seq FROM attribute_instant
             WHERE path = $1 AND (value, seq) {behind} ($2, $4)
             ORDER BY value {order}, seq {order} LIMIT $3"
        );
        let path = path_number(path);
        let mut rows = self.rows(&first, &[&path, &from_us, &ENTRIES])?;
        loop {
            let mut last = None;
            for row in &rows {
                let (us, number): (i64, i64) = (row.get(0), row.get(1));
                if !show(us, number.unsigned_abs())? {
                    return Ok(());
                }
                last = Some((us, number));
            }
            let Some((us, number)) = last else { return Ok(()) };
            rows = self.rows(&next, &[&path, &us, &ENTRIES, &number])?;
        }
    }
}

/// Reads a row that begins with `id, version, foreign_href, document`.
pub(super) fn interaction_from(row: &Row) -> Interaction {
    Interaction { id: row.get(0), version: row.get(1), foreign_href: row.get(2), text: row.get(3) }
}

/// Reads the creation number in a column; they count from 1.
fn number_from(row: &Row, column: usize) -> u64 {
    row.get::<_, i64>(column).unsigned_abs()
}
