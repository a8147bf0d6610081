//! The schema: its story, its version, and the way from any earlier version to this one.
//!
//! `interaction` is the truth. A row holds the JSON text exactly as it is served, `seq` is the
//! creation order that lists are in, `version` is what conditional changes compare. Everything
//! else hangs off `seq`, eight bytes, rather than off `id`, thirty-six.
//!
//! `attribute` is one generic index instead of one per attribute: a row says that interaction
//! `seq` has `value` at the indexed `path` (a number given out by [`crate::domain::index`]). Its
//! primary key is the whole row and it has no rowid, so the table *is* the index, and for one
//! (path, value) its entries lie together, already in creation order. Nothing leads from an
//! interaction to its entries: when it changes or goes, they are computed from its document, as they
//! were when it was written. So all entries must have been made by the same rules, and a release with
//! others makes them all anew ([`REINDEXED`]). `id` and `href` are not looked up here: they have columns.
//!
//! `indexed` says how far the index goes: interactions above `up_to` have not all of their entries in it, and
//! no list looks for them there. See [`super::tail`].
//!
//! `amendment` is which interactions were replaced or deleted lately, in the order of commits. What lists
//! have found in one state of the database is by it brought to another: see [`crate::store::list`]. Its
//! last 65536 entries are kept, or a few more.
//!
//! `extension_path` remembers which members beyond the API document were ever stored: that is how
//! a filter on a member nobody ever sent is told from one on a member that is only rare.
//!
//! `outbox` is what happened, written in the transaction of the change (D7): the event log. With one
//! writer at a time the order of `seq` is the order of commits. Retention takes the oldest away.
//!
//! `subscription` is what POST /hub made, with its cursor over the log: everything up to it is settled,
//! so that no row per delivery is needed. `delivery_lease` says until when the subscriptions of an owner
//! are its own. `dead_delivery` is what was given up, and what of it is to be tried again.
//!
//! `heartbeat` is one row that readiness writes to.
//!
//! `idempotency` remembers what was answered to a create that came with a key, until it expires. The
//! whole answer, for by then the interaction may have changed.
//!
//! All tables are STRICT: SQLite otherwise stores any type anywhere.
//!
//! The version is in `PRAGMA user_version`, and `PRAGMA application_id` marks the file as ours:
//! both are in the file's header, and both change in the transaction of the migration.

use super::error::OpenError;
use super::reindex::reindex;
use crate::domain::index;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// "TMFi" in ASCII: in the header of every database of ours.
pub(super) const APPLICATION_ID: i32 = 0x544D_4669;

/// The way from nothing to now. The n-th brings the database to `user_version` n.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_idempotency.sql"),
    include_str!("migrations/0003_delivery.sql"),
    include_str!("migrations/0004_no_attribute_seq.sql"),
    include_str!("migrations/0005_amendment.sql"),
    include_str!("migrations/0006_indexed.sql"),
];

/// The `user_version` this release reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// From this version on the index is as `index::RULES` make it; of an older database it is made anew.
/// Other rules need a migration, be it an empty one, so that releases with the old ones keep away.
const REINDEXED: i64 = 4;
const _: () = assert!(index::RULES == 1, "set REINDEXED to a new migration");

/// What a database file says about itself.
struct Identity {
    application_id: i32,
    version: i64,
    empty: bool,
}

/// Refuses databases that are not ours to touch. Only reads.
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let path = path.to_path_buf();
    let identity = match identify(connection) {
        Ok(identity) => identity,
        Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(OpenError::NotADatabase { path });
        }
        Err(e) => {
            let what = "reading its header";
            return Err(OpenError::Failed { path, what, source: e.into() });
        }
    };
    let Identity { application_id, version, empty } = identity;
    let fresh = empty && application_id == 0 && version == 0;
    if application_id != APPLICATION_ID && !fresh {
        return Err(OpenError::Foreign { path, application_id });
    }
    if version > VERSION {
        return Err(OpenError::Newer { path, found: version, supported: VERSION });
    }
    Ok(())
}

/// Refuses databases that are not ours, and those that are not at [`VERSION`]. Only reads.
pub(super) fn inspect_current(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    inspect(connection, path)?;
    let path = path.to_path_buf();
    match identify(connection) {
        Ok(Identity { empty: true, .. }) => Err(OpenError::Empty { path }),
        Ok(Identity { version, .. }) if version != VERSION => {
            Err(OpenError::Older { path, found: version, supported: VERSION })
        }
        Ok(_) => Ok(()),
        Err(e) => Err(OpenError::Failed { path, what: "reading its header", source: e.into() }),
    }
}

/// Whether it has been ours before, and is not merely nobody's yet.
pub(super) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(identify(connection)?.application_id == APPLICATION_ID)
}

fn identify(connection: &Connection) -> rusqlite::Result<Identity> {
    Ok(Identity {
        application_id: connection.pragma_query_value(None, "application_id", |r| r.get(0))?,
        version: connection.pragma_query_value(None, "user_version", |r| r.get(0))?,
        empty: connection.query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)",
            [],
            |r| r.get(0),
        )?,
    })
}

/// Brings the database to [`VERSION`]: all steps or none.
///
/// The version is read inside the transaction, so that of two processes starting on one file the
/// second finds the work done.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    if version < REINDEXED {
        reindex(&transaction)?;
    }
    if done < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}
