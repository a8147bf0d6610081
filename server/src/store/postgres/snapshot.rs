//! What lists ask of this database, as SQL: a read transaction that sees one state.
//!
//! Lists run on blocking threads and wait there for the driver. What is long is read in parts, each
//! beginning where the last one ended, so that neither side keeps all of it.

use super::change::{path_number, signed};
use super::connection::in_time;
use super::counter::Counter;
use super::error::{Error, Result};
use super::probe::{Value, entries};
use super::replica::Replica;
use crate::domain::interaction::Interaction;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::list::{Age, Amendment, Show, Snapshot, Source, WHAT, Work};
use crate::store::plan::Probe;
use deadpool_postgres::{Pool, Transaction};
use roaring::RoaringTreemap;
use std::collections::HashMap;
use std::iter;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, IsolationLevel, Row};

/// Documents in a part.
const DOCUMENTS: i64 = 64;

/// Entries of the index in a part.
const ENTRIES: i64 = 4096;

/// Instants in the first part, which has the newest of all.
const FIRST_INSTANTS: i64 = 64;

/// Numbers in the first part, which is often all there is, and in the others.
const NUMBERS: [i64; 2] = [2048, 1 << 16];

/// What tells one start of a database server from another. After a failover the database may have lost
/// what was seen before, and give out its numbers again; a standby that has taken over was started at
/// another time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin(&'static str);

impl Origin {
    /// As this database tells it. One that has no such function (CockroachDB) is of a kind that loses
    /// nothing it has shown.
    pub(super) async fn of(client: &Client) -> Self {
        let start = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::BIGINT";
        match client.query_one(&format!("SELECT {start}"), &[]).await {
            Ok(_) => Self(start),
            Err(_) => Self("0::BIGINT"),
        }
    }
}

/// Connections for lists, as many as there are lists and streams at a time.
#[derive(Debug)]
pub(super) struct Snapshots {
    pub(super) primary: Pool,
    pub(super) replica: Option<Arc<Replica>>,
    pub(super) origin: Origin,
    /// How long to wait for an answer.
    pub(super) patience: Duration,
}

impl Source for Snapshots {
    fn with_snapshot(&self, work: &mut Work<'_>) -> StoreResult<()> {
        let (runtime, origin, patience) = (&Handle::current(), self.origin, self.patience);
        if let Some(replica) = self.replica.as_ref().filter(|replica| replica.is_fit()) {
            let done = with_transaction(replica.pool(), runtime, patience, |transaction| {
                let age = in_time(patience, replica.age(transaction));
                let age = runtime.block_on(age).map_err(|e| e.during(WHAT))?;
                let provenance = format!("from the replica, at most {} ms old", age.as_millis());
                let provenance = Some(provenance);
                work(&Reading { transaction, runtime, origin, patience, provenance })
            });
            let Err(StoreError::Busy | StoreError::Unavailable { .. } | StoreError::Failed { .. }) =
                done
            else {
                return done;
            };
            replica.is_unfit();
        }
        with_transaction(&self.primary, runtime, patience, |transaction| {
            work(&Reading { transaction, runtime, origin, patience, provenance: None })
        })
    }
}

/// One state of the database, for as long as the work takes.
fn with_transaction(
    pool: &Pool,
    runtime: &Handle,
    patience: Duration,
    work: impl FnOnce(&Transaction<'_>) -> StoreResult<()>,
) -> StoreResult<()> {
    let mut client = runtime
        .block_on(pool.get())
        .map_err(|e| Error::from(e).during("opening a read connection"))?;
    let begin = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start();
    let transaction = runtime
        .block_on(in_time(patience, async { Ok(begin.await?) }))
        .map_err(|e| e.during(WHAT))?;
    // There is nothing to commit: it is rolled back when it goes.
    work(&transaction)
}

/// A transaction, and who drives its connection.
struct Reading<'a> {
    transaction: &'a Transaction<'a>,
    runtime: &'a Handle,
    origin: Origin,
    patience: Duration,
    provenance: Option<String>,
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

    /// The numbers of a statement that answers with one array of them; NULL: there are none.
    fn arrays(
        &self,
        sql: &str,
        own: &(dyn ToSql + Sync),
        values: &[Value],
    ) -> StoreResult<Vec<i64>> {
        let values = values.iter().map(|value| &**value as &(dyn ToSql + Sync));
        let all: Vec<_> = iter::once(own).chain(values).collect();
        let rows = self.rows(sql, &all)?;
        Ok(rows.first().and_then(|row| row.get::<_, Option<Vec<i64>>>(0)).unwrap_or_default())
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
    fn provenance(&self) -> Option<&str> {
        self.provenance.as_deref()
    }

    fn age(&self) -> StoreResult<Age> {
        let origin = self.origin.0;
        let sql = format!("SELECT {origin}, amendment, interaction FROM counter WHERE one = 1");
        let rows = self.rows(&sql, &[])?;
        Ok(rows.first().map_or_else(Age::default, |row| Age {
            origin: row.get(0),
            amendments: number_from(row, 1),
            newest: number_from(row, 2),
        }))
    }

    fn count(&self) -> StoreResult<Option<u64>> {
        // Kept by the writer: PostgreSQL would read the whole table to count it.
        let counter = self.wait(Counter::read(self.transaction))?;
        Ok(Some(counter.interactions.unsigned_abs()))
    }

    fn count_above(&self, number: u64, limit: u64) -> StoreResult<(u64, u64)> {
        let sql = "SELECT count(*), coalesce(max(seq), 0) FROM
             (SELECT seq FROM interaction WHERE seq > $1 ORDER BY seq LIMIT $2) AS part";
        let rows = self.rows(sql, &[&signed(number), &signed(limit)])?;
        Ok(rows.first().map_or((0, 0), |row| (number_from(row, 0), number_from(row, 1))))
    }

    fn amended_after(&self, number: u64) -> StoreResult<Option<Vec<Amendment>>> {
        let oldest = self.rows("SELECT coalesce(min(number), 1) FROM amendment", &[])?;
        if oldest.first().is_some_and(|row| number_from(row, 0) > number.saturating_add(1)) {
            return Ok(None);
        }
        let sql = "SELECT number, seq FROM amendment WHERE number > $1 ORDER BY number";
        let rows = self.rows(sql, &[&signed(number)])?;
        let amendment = |row| Amendment { number: number_from(row, 0), of: number_from(row, 1) };
        Ok(Some(rows.iter().map(amendment).collect()))
    }

    fn each_found(
        &self,
        probe: &Probe,
        above: u64,
        show: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        let Some((entries, values)) = entries(probe) else { return Ok(()) };
        let mut above = signed(above);
        let [first, next] = NUMBERS;
        for most in iter::once(first).chain(iter::repeat(next)) {
            // A limit that is not known when the statement is planned makes it sort all there are.
            let sql = format!(
                "SELECT array_agg(seq) FROM
                     (SELECT seq FROM {entries} AND seq > $1 ORDER BY seq LIMIT {most}) AS part"
            );
            let mut part = self.arrays(&sql, &above, &values)?;
            // The order is that of the part, but nothing promises it.
            part.sort_unstable();
            if !part.iter().all(|number| show(number.unsigned_abs())) || (part.len() as i64) < most
            {
                break;
            }
            above = part.last().copied().unwrap_or(i64::MAX);
        }
        Ok(())
    }

    fn found_among(&self, probe: &Probe, numbers: &[u64]) -> StoreResult<Vec<u64>> {
        let Some((entries, values)) = entries(probe) else { return Ok(Vec::new()) };
        let asked: Vec<i64> = numbers.iter().copied().map(signed).collect();
        // One by one, however few entries the planner takes a probe to have.
        let sql = format!(
            "SELECT array_agg(asked.seq) FROM unnest($1::BIGINT[]) AS asked(seq),
                 LATERAL (SELECT FROM {entries} AND seq = asked.seq LIMIT 1) AS found"
        );
        let found = self.arrays(&sql, &asked, &values)?;
        Ok(found.into_iter().map(i64::unsigned_abs).collect())
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

    fn has_texts(&self, path: u16) -> StoreResult<bool> {
        // In this order it is one look at the index; EXISTS would read the table where there are none.
        let sql = "SELECT 1 FROM attribute_text WHERE path = $1 ORDER BY value LIMIT 1";
        Ok(!self.rows(sql, &[&path_number(path)])?.is_empty())
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
             ORDER BY value {order}, seq {order} LIMIT {FIRST_INSTANTS}"
        );
        let next = format!(
            "SELECT value, seq FROM attribute_instant
             WHERE path = $1 AND (value, seq) {behind} ($2, $3)
             ORDER BY value {order}, seq {order} LIMIT {ENTRIES}"
        );
        let path = path_number(path);
        let mut rows = self.rows(&first, &[&path, &from_us])?;
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
            rows = self.rows(&next, &[&path, &us, &number])?;
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
