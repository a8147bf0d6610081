//! The row every writing transaction begins with, see [`super::schema`]: numbers to give out, and what
//! the processes tell each other by it.

use super::error::Result;
use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;
use uuid::Uuid;

/// The row, and what goes with it to the memory of this process once it is committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    /// The last number of an interaction.
    pub(super) interaction: i64,
    /// How many interactions there are.
    pub(super) interactions: i64,
    /// The last number of an event: the end of the log.
    pub(super) event: i64,
    /// How often subscriptions were changed by others than their workers.
    pub(super) subscriptions: i64,
    /// How many extension paths there are.
    pub(super) extension_paths: i64,
    /// The last number of a dead delivery.
    pub(super) dead_delivery: i64,
    /// The last number of an amendment.
    pub(super) amendment: i64,
}

const COLUMNS: &str = "interaction, interactions, event, subscriptions, extension_paths,
    dead_delivery, amendment";

impl Counter {
    /// How much has happened to interactions: it grows with whatever is created, replaced or deleted.
    pub(super) fn changes(&self) -> i64 {
        self.interaction + self.amendment
    }

    /// Reads it, locking nothing.
    pub(super) async fn read(client: &impl GenericClient) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM counter WHERE one = 1");
        let statement = client.prepare_cached(&sql).await?;
        Ok(Self::from(&client.query_one(&statement, &[]).await?))
    }

    /// Reads it and keeps all others from writing until the end of the transaction.
    pub(super) async fn lock(transaction: &Transaction<'_>) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM counter WHERE one = 1 FOR UPDATE");
        let statement = transaction.prepare_cached(&sql).await?;
        Ok(Self::from(&transaction.query_one(&statement, &[]).await?))
    }

    /// Whether somebody waits for what was counted since.
    pub(super) fn is_news_after(&self, before: &Self) -> bool {
        let awaited = |counter: &Self| (counter.event, counter.subscriptions);
        awaited(self) != awaited(before)
    }

    /// Writes it back.
    pub(super) async fn write(&self, transaction: &Transaction<'_>) -> Result<()> {
        let sql =
            format!("UPDATE counter SET ({COLUMNS}) = ($1, $2, $3, $4, $5, $6, $7) WHERE one = 1");
        let statement = transaction.prepare_cached(&sql).await?;
        let Self {
            interaction,
            interactions,
            event,
            subscriptions,
            extension_paths,
            dead_delivery,
            amendment,
        } = self;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
            interaction,
            interactions,
            event,
            subscriptions,
            extension_paths,
            dead_delivery,
            amendment,
        ];
        transaction.execute(&statement, &values).await?;
        Ok(())
    }
}

/// What tells this database from others that have the same tables. The first who asks draws it.
pub(super) async fn identity(client: &impl GenericClient) -> Result<String> {
    let find = "SELECT identity FROM counter WHERE one = 1";
    let found: Option<String> = client.query_one(find, &[]).await?.get(0);
    if let Some(found) = found {
        return Ok(found);
    }
    let sql =
        "UPDATE counter SET identity = coalesce(identity, $1) WHERE one = 1 RETURNING identity";
    Ok(client.query_one(sql, &[&Uuid::now_v7().to_string()]).await?.get(0))
}

impl From<&Row> for Counter {
    fn from(row: &Row) -> Self {
        Self {
            interaction: row.get(0),
            interactions: row.get(1),
            event: row.get(2),
            subscriptions: row.get(3),
            extension_paths: row.get(4),
            dead_delivery: row.get(5),
            amendment: row.get(6),
        }
    }
}
