//! The schema: its story, its version, and the way from any earlier version to this one.
//!
//! It is that of SQLite, see its `schema.rs`, and differs where the database does:
//!
//! `counter` is one row, and every writing transaction begins by locking it. So one batch at a time is
//! written, whichever process writes it, and what the row gives out (`interaction.seq`, `outbox.seq`) is
//! in commit order, with nothing undecided in front of what can be seen. That is what makes conditional
//! changes, idempotency keys and the event log right for any number of processes, without a lock
//! manager, sequences or isolation levels that differ from one database to the next. Its price is that
//! batches of several processes wait for each other; each of them is many requests.
//!
//! `interaction` has `id` for its key and nothing else that is unique, so that it can be partitioned
//! by a hash of `id`; `outbox` is in the order of time, and can be by ranges of `seq`.
//!
//! `attribute` is two tables, for a column has one type. Texts are bytes there: compared without a
//! collation, and U+0000, which PostgreSQL's TEXT cannot hold, is a character like others. Where
//! clients' words are shown to people they are inside JSON, which escapes it.
//!
//! `amendment` is numbered by the counter, and written by the statement of the change: what such a statement
//! leaves out, cached lists would not notice.
//!
//! `succession` has a row only while the database is being made the successor of another store.
//!
//! Nothing here is PostgreSQL's alone: no extension, no sequence, no trigger, no advisory lock.

use super::error::OpenError;
use super::reindex::reindex;
use crate::domain::index;
use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;

/// The way from nothing to now. The n-th brings the database to version n.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_no_attribute_seq.sql"),
    include_str!("migrations/0003_amendment.sql"),
    include_str!("migrations/0004_succession.sql"),
    include_str!("migrations/0005_replica.sql"),
];

/// The version this release reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// See SQLite's `schema.rs`.
const REINDEXED: i64 = 2;
const _: () = assert!(index::RULES == 1, "set REINDEXED to a new migration");

/// How often to begin again where several processes begin at once.
const ATTEMPTS: usize = 20;

/// Brings the database to [`VERSION`]: all steps or none. Of several processes that start at once the
/// first does it, and the others find it done.
pub(super) async fn migrate(client: &mut Object) -> Result<(), OpenError> {
    let failed = |e: tokio_postgres::Error| OpenError::Failed {
        what: "migrating its schema",
        source: e.into(),
    };
    let encoding = client.query_one("SHOW server_encoding", &[]).await.map_err(failed)?;
    let encoding: String = encoding.get(0);
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        match step(client).await {
            Ok(found) if found > VERSION => {
                return Err(OpenError::Newer { found, supported: VERSION });
            }
            Ok(_) => return Ok(()),
            Err(e) if left > 0 && is_race(&e) => {}
            Err(e) => return Err(failed(e)),
        }
    }
}

/// The version found; nothing is done to one that is newer.
async fn step(client: &mut Object) -> Result<i64, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_version
                 (one INTEGER PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL);
             INSERT INTO schema_version VALUES (1, 0) ON CONFLICT (one) DO NOTHING",
        )
        .await?;
    let sql = "SELECT version FROM schema_version WHERE one = 1 FOR UPDATE";
    let found: i64 = transaction.query_one(sql, &[]).await?.get(0);
    let done = usize::try_from(found).unwrap_or(0);
    if done < MIGRATIONS.len() {
        for step in &MIGRATIONS[done..] {
            transaction.batch_execute(step).await?;
        }
        if found < REINDEXED {
            reindex(&transaction).await?;
        }
        let sql = "UPDATE schema_version SET version = $1 WHERE one = 1";
        transaction.execute(sql, &[&VERSION]).await?;
    }
    transaction.commit().await?;
    Ok(found)
}

/// Somebody else made the same table at the same moment, or holds it.
fn is_race(error: &tokio_postgres::Error) -> bool {
    let races = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    error.code().is_some_and(|code| races.contains(code))
}
