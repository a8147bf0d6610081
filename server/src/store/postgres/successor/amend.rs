//! Rows out of and into the tables, inside one transaction.
//!
//! Parts that are long are written by columns, a statement for all rows; of the others each row is a
//! statement, sent without waiting for one another.

use super::super::change::{Keys, digest};
use super::super::delivery::log;
use super::super::error::{Error, Result};
use super::super::once;
use super::super::subscriptions;
use crate::domain::event::Event;
use crate::domain::index::{self, Key};
use crate::domain::interaction::Interaction;
use crate::store::contract::succession::{
    Counters, KeptAnswer, KeptDelivery, KeptSubscription, Part, Row,
};
use deadpool_postgres::Transaction;
use futures::future::try_join_all;
use std::collections::HashSet;
use tokio_postgres::types::ToSql;

/// See [`crate::store::contract::succession::Successor::amend`].
pub(super) async fn amend(
    transaction: &Transaction<'_>,
    part: Part,
    gone: &[Row],
    new: &[Row],
) -> Result<()> {
    match part {
        Part::Interactions => {
            take_interactions(transaction, &interactions(gone)).await?;
            put_interactions(transaction, &interactions(new)).await
        }
        Part::Events => {
            let numbers: Vec<i64> = events(gone).iter().map(|(number, _)| *number).collect();
            let sql = "DELETE FROM outbox WHERE seq = ANY($1::BIGINT[])";
            execute(transaction, sql, &[&numbers]).await?;
            log::append(transaction, &events(new)).await
        }
        Part::ExtensionPaths => put_paths(transaction, gone, new).await,
        Part::Subscriptions | Part::DeadDeliveries | Part::Answers | Part::Counters => {
            try_join_all(gone.iter().map(|row| take(transaction, row))).await?;
            try_join_all(new.iter().map(|row| put(transaction, row))).await?;
            Ok(())
        }
    }
}

/// An interaction and its number.
type Numbered<'a> = (i64, &'a Interaction);

fn interactions(rows: &[Row]) -> Vec<Numbered<'_>> {
    rows.iter()
        .filter_map(|row| match row {
            Row::Interaction { number, interaction } => Some((*number, interaction)),
            _ => None,
        })
        .collect()
}

fn events(rows: &[Row]) -> Vec<(i64, &Event)> {
    rows.iter()
        .filter_map(|row| match row {
            Row::Event(logged) => Some((logged.seq, &logged.event)),
            _ => None,
        })
        .collect()
}

/// What has another number by now stays.
async fn take_interactions(transaction: &Transaction<'_>, gone: &[Numbered<'_>]) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let (numbers, ids): (Vec<i64>, Vec<&str>) =
        gone.iter().map(|(number, interaction)| (*number, interaction.id.as_str())).unzip();
    let sql = "DELETE FROM interaction WHERE (id, seq) IN
         (SELECT n.id, n.seq FROM unnest($1::TEXT[], $2::BIGINT[]) AS n(id, seq))";
    execute(transaction, sql, &[&ids, &numbers]).await?;
    let entries = entries(gone)?;
    let Keys { text_paths, texts, text_numbers, instant_paths, instants, instant_numbers } =
        keys(&entries);
    let sql =
        "DELETE FROM attribute_text WHERE (path, value, seq) IN (SELECT n.path, n.value, n.seq
         FROM unnest($1::SMALLINT[], $2::BYTEA[], $3::BIGINT[]) AS n(path, value, seq))";
    execute(transaction, sql, &[&text_paths, &texts, &text_numbers]).await?;
    let sql = "DELETE FROM attribute_instant WHERE (path, value, seq) IN
         (SELECT n.path, n.value, n.seq
          FROM unnest($1::SMALLINT[], $2::BIGINT[], $3::BIGINT[]) AS n(path, value, seq))";
    execute(transaction, sql, &[&instant_paths, &instants, &instant_numbers]).await?;
    Ok(())
}

/// An id can have moved to another number in the original while that was read. The later one counts.
async fn put_interactions(transaction: &Transaction<'_>, new: &[Numbered<'_>]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let entries = entries(new)?;
    let there = insert(transaction, new).await?;
    if there.len() < new.len() {
        let is_left = |(number, _): &&Numbered<'_>| !there.contains(number);
        let left: Vec<Numbered<'_>> = new.iter().filter(is_left).copied().collect();
        let moved = of_ids(transaction, &left).await?;
        let moved: Vec<_> = moved.iter().map(|(number, one)| (*number, one)).collect();
        take_interactions(transaction, &moved).await?;
        if insert(transaction, &left).await?.len() < left.len() {
            return Err(Error::because("an id is there twice"));
        }
    }
    let Keys { text_paths, texts, text_numbers, instant_paths, instants, instant_numbers } =
        keys(&entries);
    let sql = "INSERT INTO attribute_text (path, value, seq)
         SELECT n.path, n.value, n.seq
         FROM unnest($1::SMALLINT[], $2::BYTEA[], $3::BIGINT[]) AS n(path, value, seq)
         ON CONFLICT DO NOTHING";
    execute(transaction, sql, &[&text_paths, &texts, &text_numbers]).await?;
    let sql = "INSERT INTO attribute_instant (path, value, seq)
         SELECT n.path, n.value, n.seq
         FROM unnest($1::SMALLINT[], $2::BIGINT[], $3::BIGINT[]) AS n(path, value, seq)
         ON CONFLICT DO NOTHING";
    execute(transaction, sql, &[&instant_paths, &instants, &instant_numbers]).await?;
    Ok(())
}

/// Writes those whose ids are free, and answers with their numbers.
async fn insert(transaction: &Transaction<'_>, new: &[Numbered<'_>]) -> Result<HashSet<i64>> {
    let sql = "INSERT INTO interaction (id, seq, version, foreign_href, href_digest, document)
         SELECT n.id, n.seq, n.version, n.href, n.digest, n.document
         FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::BYTEA[], $6::TEXT[])
             AS n(id, seq, version, href, digest, document)
         ON CONFLICT (id) DO NOTHING RETURNING seq";
    let statement = transaction.prepare_cached(sql).await?;
    let numbers: Vec<i64> = new.iter().map(|(number, _)| *number).collect();
    let ones = || new.iter().map(|(_, interaction)| *interaction);
    let ids: Vec<&str> = ones().map(|one| one.id.as_str()).collect();
    let versions: Vec<i64> = ones().map(|one| one.version).collect();
    let hrefs: Vec<Option<&str>> = ones().map(|one| one.foreign_href.as_deref()).collect();
    let digests: Vec<Option<Vec<u8>>> =
        hrefs.iter().map(|href| href.map(|href| digest(href).to_vec())).collect();
    let documents: Vec<&str> = ones().map(|one| one.text.as_str()).collect();
    let values: [&(dyn ToSql + Sync); 6] =
        [&ids, &numbers, &versions, &hrefs, &digests, &documents];
    let rows = transaction.query(&statement, &values).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What is there under the ids of these.
async fn of_ids(
    transaction: &Transaction<'_>,
    these: &[Numbered<'_>],
) -> Result<Vec<(i64, Interaction)>> {
    let ids: Vec<&str> = these.iter().map(|(_, interaction)| interaction.id.as_str()).collect();
    let sql = "SELECT seq, id, version, foreign_href, document FROM interaction
         WHERE id = ANY($1::TEXT[])";
    let statement = transaction.prepare_cached(sql).await?;
    let rows = transaction.query(&statement, &[&ids]).await?;
    let one = |row: &tokio_postgres::Row| {
        let interaction = Interaction {
            id: row.get(1),
            version: row.get(2),
            foreign_href: row.get(3),
            text: row.get(4),
        };
        (row.get(0), interaction)
    };
    Ok(rows.iter().map(one).collect())
}

/// The index entries of interactions: made anew, for they follow from the documents.
fn entries(interactions: &[Numbered<'_>]) -> Result<Vec<(Vec<Key>, i64)>> {
    let of_one = |(number, interaction): &Numbered<'_>| {
        let id = &interaction.id;
        if interaction.foreign_href.as_ref().is_some_and(|href| href.contains('\0')) {
            let why = "U+0000 in its href, which PostgreSQL cannot keep";
            return Err(Error::because(format!("interaction {id} has {why}")));
        }
        let members = interaction.members();
        let members = members.map_err(|e| Error::because(format!("interaction {id}: {e}")))?;
        Ok((index::keys(&members), *number))
    };
    interactions.iter().map(of_one).collect()
}

fn keys(entries: &[(Vec<Key>, i64)]) -> Keys<'_> {
    Keys::of(entries.iter().flat_map(|(keys, number)| keys.iter().map(|key| (key, *number))))
}

async fn put_paths(transaction: &Transaction<'_>, gone: &[Row], new: &[Row]) -> Result<()> {
    let paths = |rows: &[Row]| -> Vec<Vec<u8>> {
        let one = |row: &Row| match row {
            Row::ExtensionPath(path) => Some(path.as_bytes().to_vec()),
            _ => None,
        };
        rows.iter().filter_map(one).collect()
    };
    let sql = "DELETE FROM extension_path WHERE path = ANY($1::BYTEA[])";
    execute(transaction, sql, &[&paths(gone)]).await?;
    let new = paths(new);
    let sql = "UPDATE counter SET extension_paths = extension_paths + $1 WHERE one = 1
         RETURNING extension_paths";
    let statement = transaction.prepare_cached(sql).await?;
    let many = new.len() as i64;
    let last: i64 = transaction.query_one(&statement, &[&many]).await?.get(0);
    let numbers: Vec<i64> = (last - many + 1..=last).collect();
    let sql = "INSERT INTO extension_path (number, path)
         SELECT n.number, n.path FROM unnest($1::BIGINT[], $2::BYTEA[]) AS n(number, path)";
    execute(transaction, sql, &[&numbers, &new]).await?;
    Ok(())
}

async fn take(transaction: &Transaction<'_>, row: &Row) -> Result<()> {
    let (sql, place): (_, &(dyn ToSql + Sync)) = match row {
        Row::Subscription(kept) => {
            ("DELETE FROM subscription WHERE id = $1", &kept.subscription.id)
        }
        Row::DeadDelivery(kept) => ("DELETE FROM dead_delivery WHERE id = $1", &kept.id),
        Row::Answer(kept) => ("DELETE FROM idempotency WHERE key = $1", &kept.key.as_slice()),
        // There is always one, which changes.
        _ => return Ok(()),
    };
    execute(transaction, sql, &[place]).await
}

async fn put(transaction: &Transaction<'_>, row: &Row) -> Result<()> {
    match row {
        Row::Subscription(kept) => put_subscription(transaction, kept).await,
        Row::DeadDelivery(kept) => put_delivery(transaction, kept).await,
        Row::Answer(KeptAnswer { key, request, expires, answer }) => {
            once::remember(transaction, (key, request), *expires, answer).await
        }
        Row::Counters(Counters { interactions, interaction, event, dead_delivery }) => {
            let sql = "UPDATE counter SET interactions = $1, interaction = $2, event = $3,
                 dead_delivery = $4 WHERE one = 1";
            let values: [&(dyn ToSql + Sync); 4] =
                [interactions, interaction, event, dead_delivery];
            execute(transaction, sql, &values).await
        }
        _ => Ok(()),
    }
}

async fn put_subscription(transaction: &Transaction<'_>, kept: &KeptSubscription) -> Result<()> {
    let KeptSubscription { subscription, last_failure, .. } = kept;
    let sql = "INSERT INTO subscription (id, api_version, registered, digest, state, epoch,
             cursor_seq, attempts, next_attempt, last_success, last_error, last_error_at,
             lost_events)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let digest = subscriptions::digest(subscription);
    let values: [&(dyn ToSql + Sync); 13] = [
        &subscription.id,
        &subscription.api_version,
        &subscriptions::registered(subscription),
        &digest.as_slice(),
        &kept.state.name(),
        &kept.epoch,
        &kept.cursor,
        &i64::from(kept.attempts),
        &kept.next_attempt,
        &kept.last_success,
        &last_failure.as_ref().map(|failed| &failed.error),
        &last_failure.as_ref().map(|failed| failed.at),
        &kept.lost_events,
    ];
    execute(transaction, sql, &values).await
}

/// An event replayed may have died again meanwhile, under another number. The later one counts.
async fn put_delivery(transaction: &Transaction<'_>, kept: &KeptDelivery) -> Result<()> {
    let KeptDelivery { id, subscription_id, dead, queued } = kept;
    let sql =
        "INSERT INTO dead_delivery (id, subscription_id, seq, attempts, error, died_at, queued)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (subscription_id, seq) DO UPDATE SET id = excluded.id,
             attempts = excluded.attempts, error = excluded.error, died_at = excluded.died_at,
             queued = excluded.queued";
    let attempts = i64::from(dead.attempts);
    let values: [&(dyn ToSql + Sync); 7] =
        [id, subscription_id, &dead.seq, &attempts, &dead.failed.error, &dead.failed.at, queued];
    execute(transaction, sql, &values).await
}

async fn execute(
    transaction: &Transaction<'_>,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<()> {
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, values).await?;
    Ok(())
}
