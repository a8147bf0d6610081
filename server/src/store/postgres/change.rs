//! The SQL of each change of interactions: one statement each, so that those of a batch are sent
//! without waiting for one another.
//!
//! What belongs together is one statement by `WITH`, of which every part sees the state before it.

use super::error::{Error, Result};
use super::job::Unit;
use super::parts::parts;
use crate::domain::event::Event;
use crate::domain::index::{Key, KeyValue, not_among};
use crate::store::contract::{Before, Creation, Outcome, Record};
use sha2::{Digest, Sha256};
use std::borrow::Borrow;

/// What a replacement needs.
pub(super) struct Replacement {
    pub(super) record: Record,
    pub(super) before: Before,
    pub(super) events: Vec<Event>,
}

/// What a deletion needs.
pub(super) struct Deletion {
    pub(super) id: String,
    pub(super) before: Before,
    pub(super) events: Vec<Event>,
}

const CREATE: &str = "
    WITH free AS (
        SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 FROM interaction WHERE id = ANY($1::TEXT[]))
    ), interactions AS (
        INSERT INTO interaction (id, seq, version, foreign_href, href_digest, document)
        SELECT n.id, n.seq, n.version, n.href, n.digest, n.document
        FROM free, unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::BYTEA[], $6::TEXT[])
            AS n(id, seq, version, href, digest, document)
    ), texts AS (
        INSERT INTO attribute_text (path, value, seq)
        SELECT n.path, n.value, n.seq
        FROM free, unnest($7::SMALLINT[], $8::BYTEA[], $9::BIGINT[]) AS n(path, value, seq)
        ON CONFLICT DO NOTHING
    ), instants AS (
        INSERT INTO attribute_instant (path, value, seq)
        SELECT n.path, n.value, n.seq
        FROM free, unnest($10::SMALLINT[], $11::BIGINT[], $12::BIGINT[]) AS n(path, value, seq)
        ON CONFLICT DO NOTHING
    )
    SELECT EXISTS (SELECT 1 FROM free)";

/// The same as [`create`], with all others of the batch at once where the batch stands or falls as a
/// whole anyway.
pub(super) async fn create_with_others(unit: &Unit<'_>, creations: &[Creation]) -> Result<bool> {
    if unit.is_shared() {
        unit.gather(creations);
        return Ok(true);
    }
    create(unit, creations).await
}

/// Writes what was gathered. Ids are drawn, so that one is taken is an accident: then each creation is
/// tried by itself.
pub(super) async fn create_gathered(unit: &Unit<'_>) -> Result<()> {
    let gathered = unit.take_gathered();
    for some in parts(&gathered, |one| one.record.interaction.text.len()) {
        if !create(unit, some).await? {
            return Err(Error::because("an id is taken"));
        }
    }
    Ok(())
}

/// `false`: one of the ids exists, and nothing is written.
pub(super) async fn create(unit: &Unit<'_>, creations: &[impl Borrow<Creation>]) -> Result<bool> {
    if creations.is_empty() {
        return Ok(true);
    }
    let creations: Vec<&Creation> = creations.iter().map(Borrow::borrow).collect();
    let statement = unit.transaction.prepare_cached(CREATE).await?;
    let many = creations.len() as i64;
    let first = unit.count(|counter| {
        counter.interaction += many;
        counter.interaction - many + 1
    });
    let numbers: Vec<i64> = (first..first + many).collect();
    let interactions = || creations.iter().map(|creation| &creation.record.interaction);
    let ids: Vec<&str> = interactions().map(|one| one.id.as_str()).collect();
    let versions: Vec<i64> = interactions().map(|one| one.version).collect();
    let hrefs: Vec<Option<&str>> = interactions().map(|one| one.foreign_href.as_deref()).collect();
    let digests: Vec<Option<[u8; 32]>> = hrefs.iter().map(|href| href.map(digest)).collect();
    let digests: Vec<Option<&[u8]>> =
        digests.iter().map(|digest| digest.as_ref().map(<[u8; 32]>::as_slice)).collect();
    let documents: Vec<&str> = interactions().map(|one| one.text.as_str()).collect();
    let entries = creations.iter().zip(first..);
    let entries = entries
        .flat_map(|(creation, number)| creation.record.keys.iter().map(move |key| (key, number)));
    let keys = Keys::of(entries);
    let row = unit
        .transaction
        .query_one(
            &statement,
            &[
                &ids,
                &numbers,
                &versions,
                &hrefs,
                &digests,
                &documents,
                &keys.text_paths,
                &keys.texts,
                &keys.text_numbers,
                &keys.instant_paths,
                &keys.instants,
                &keys.instant_numbers,
            ],
        )
        .await?;
    if !row.get::<_, bool>(0) {
        return Ok(false);
    }
    unit.count(|counter| counter.interactions += many);
    for Creation { record, events } in creations {
        add_extension_paths(unit, &record.extension_paths).await?;
        unit.tell(events);
    }
    Ok(true)
}

const REPLACE: &str = "
    WITH found AS (
        SELECT version FROM interaction WHERE id = $1
    ), now AS (
        UPDATE interaction SET version = $3, foreign_href = $4, href_digest = $5, document = $6
        WHERE id = $1 AND version = $2 RETURNING seq
    ), amended AS (
        INSERT INTO amendment (number, seq) SELECT $15, seq FROM now
    ), texts_gone AS (
        DELETE FROM attribute_text AS a
        USING now, unnest($7::SMALLINT[], $8::BYTEA[]) AS o(path, value)
        WHERE a.path = o.path AND a.value = o.value AND a.seq = now.seq
    ), instants_gone AS (
        DELETE FROM attribute_instant AS a
        USING now, unnest($9::SMALLINT[], $10::BIGINT[]) AS o(path, value)
        WHERE a.path = o.path AND a.value = o.value AND a.seq = now.seq
    ), texts_new AS (
        INSERT INTO attribute_text (path, value, seq) SELECT n.path, n.value, now.seq
        FROM now, unnest($11::SMALLINT[], $12::BYTEA[]) AS n(path, value)
        ON CONFLICT DO NOTHING
    ), instants_new AS (
        INSERT INTO attribute_instant (path, value, seq) SELECT n.path, n.value, now.seq
        FROM now, unnest($13::SMALLINT[], $14::BIGINT[]) AS n(path, value)
        ON CONFLICT DO NOTHING
    )
    SELECT EXISTS (SELECT 1 FROM found), EXISTS (SELECT 1 FROM now)";

/// Replaces the document, and of the index entries those that differ.
pub(super) async fn replace(unit: &Unit<'_>, replacement: &Replacement) -> Result<Outcome> {
    let Replacement { record, before, events } = replacement;
    let statement = unit.transaction.prepare_cached(REPLACE).await?;
    let interaction = &record.interaction;
    let digest = interaction.foreign_href.as_deref().map(digest);
    let gone = Keys::of(not_among(&before.keys, &record.keys).map(|key| (key, 0)));
    let new = Keys::of(not_among(&record.keys, &before.keys).map(|key| (key, 0)));
    let row = unit
        .transaction
        .query_one(
            &statement,
            &[
                &interaction.id,
                &before.version,
                &interaction.version,
                &interaction.foreign_href,
                &digest.as_ref().map(<[u8; 32]>::as_slice),
                &interaction.text,
                &gone.text_paths,
                &gone.texts,
                &gone.instant_paths,
                &gone.instants,
                &new.text_paths,
                &new.texts,
                &new.instant_paths,
                &new.instants,
                &amendment(unit).await?,
            ],
        )
        .await?;
    let outcome = outcome(row.get(0), row.get(1));
    if outcome == Outcome::Done {
        add_extension_paths(unit, &record.extension_paths).await?;
        unit.tell(events);
    }
    Ok(outcome)
}

const DELETE: &str = "
    WITH found AS (
        SELECT version FROM interaction WHERE id = $1
    ), now AS (
        DELETE FROM interaction WHERE id = $1 AND version = $2 RETURNING seq
    ), amended AS (
        INSERT INTO amendment (number, seq) SELECT $7, seq FROM now
    ), texts AS (
        DELETE FROM attribute_text AS a
        USING now, unnest($3::SMALLINT[], $4::BYTEA[]) AS o(path, value)
        WHERE a.path = o.path AND a.value = o.value AND a.seq = now.seq
    ), instants AS (
        DELETE FROM attribute_instant AS a
        USING now, unnest($5::SMALLINT[], $6::BIGINT[]) AS o(path, value)
        WHERE a.path = o.path AND a.value = o.value AND a.seq = now.seq
    )
    SELECT EXISTS (SELECT 1 FROM found), EXISTS (SELECT 1 FROM now)";

/// Deletes the interaction and its index entries; the outbox keeps what was told of it.
pub(super) async fn delete(unit: &Unit<'_>, deletion: &Deletion) -> Result<Outcome> {
    let Deletion { id, before, events } = deletion;
    let statement = unit.transaction.prepare_cached(DELETE).await?;
    let gone = Keys::of(before.keys.iter().map(|key| (key, 0)));
    let row = unit
        .transaction
        .query_one(
            &statement,
            &[
                &findable(id),
                &before.version,
                &gone.text_paths,
                &gone.texts,
                &gone.instant_paths,
                &gone.instants,
                &amendment(unit).await?,
            ],
        )
        .await?;
    let outcome = outcome(row.get(0), row.get(1));
    if outcome == Outcome::Done {
        unit.count(|counter| counter.interactions -= 1);
        unit.tell(events);
    }
    Ok(outcome)
}

/// How many amendments are kept, and a few more: they are taken away together.
const AMENDMENTS: i64 = 1 << 16;
const TOGETHER: i64 = 1 << 10;

/// The number of the next amendment; without a change it is left out. The last ones are kept.
async fn amendment(unit: &Unit<'_>) -> Result<i64> {
    let number = unit.count(|counter| {
        counter.amendment += 1;
        counter.amendment
    });
    if number % TOGETHER == 0 {
        let sql = "DELETE FROM amendment WHERE number <= $1";
        let statement = unit.transaction.prepare_cached(sql).await?;
        unit.transaction.execute(&statement, &[&(number - AMENDMENTS)]).await?;
    }
    Ok(number)
}

fn outcome(found: bool, done: bool) -> Outcome {
    match (found, done) {
        (_, true) => Outcome::Done,
        (true, false) => Outcome::Changed,
        (false, false) => Outcome::Missing,
    }
}

/// Writes for the sake of writing; answers the new count.
pub(super) async fn beat(unit: &Unit<'_>) -> Result<i64> {
    let sql = "UPDATE heartbeat SET beat = beat + 1 WHERE one = 1 RETURNING beat";
    let statement = unit.transaction.prepare_cached(sql).await?;
    Ok(unit.transaction.query_one(&statement, &[]).await?.get(0))
}

/// Stores the paths that are news. Nearly always there are none, and then this asks memory only. Two
/// processes, or two jobs, may both find one new: then it has two numbers, which does no harm.
async fn add_extension_paths(unit: &Unit<'_>, paths: &[String]) -> Result<()> {
    for path in paths.iter().filter(|path| !unit.memory.knows_extension_path(path)) {
        let sql = "INSERT INTO extension_path (number, path) VALUES ($1, $2)";
        let statement = unit.transaction.prepare_cached(sql).await?;
        let number = unit.count(|counter| {
            counter.extension_paths += 1;
            counter.extension_paths
        });
        unit.transaction.execute(&statement, &[&number, &path.as_bytes()]).await?;
    }
    Ok(())
}

/// By which a long text is looked up.
pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// A text to look something up by: TEXT has no U+0000, so what has it is not there, as NULL is not.
pub(super) fn findable(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.contains('\0'))
}

/// A number for SQL, whose integers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that SQL keeps with a sign.
pub(super) fn small(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::because(format!("{number} is out of range")))
}

/// The number of an indexed path.
pub(super) fn path_number(path: u16) -> i16 {
    i16::try_from(path).unwrap_or(i16::MAX)
}

/// Index entries by columns, in the order in which they lie in the index.
#[derive(Default)]
pub(super) struct Keys<'a> {
    pub(super) text_paths: Vec<i16>,
    pub(super) texts: Vec<&'a [u8]>,
    pub(super) text_numbers: Vec<i64>,
    pub(super) instant_paths: Vec<i16>,
    pub(super) instants: Vec<i64>,
    pub(super) instant_numbers: Vec<i64>,
}

impl<'a> Keys<'a> {
    /// Those of interactions, each with the number of its own.
    pub(super) fn of(entries: impl IntoIterator<Item = (&'a Key, i64)>) -> Self {
        let mut entries: Vec<(&Key, i64)> = entries.into_iter().collect();
        entries.sort_unstable();
        let mut columns = Self::default();
        for (Key { path, value }, number) in entries {
            match value {
                KeyValue::Text(text) => {
                    columns.text_paths.push(path_number(*path));
                    columns.texts.push(text.as_bytes());
                    columns.text_numbers.push(number);
                }
                KeyValue::Instant(instant) => {
                    columns.instant_paths.push(path_number(*path));
                    columns.instants.push(*instant);
                    columns.instant_numbers.push(number);
                }
            }
        }
        columns
    }
}
