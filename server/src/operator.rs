//! What an operator asks a running server from the command line: subscriptions and deliveries.
//!
//! Each command is one call (a list: one per page) of the generated client of the admin API, and
//! prints what came back: a table for people, or JSON as it was answered.

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tmf683_generated::admin_v1::client::{Client, Error, ResponseValue};
use tmf683_generated::admin_v1::types;
use tmf683_generated::calling::Hooks;

/// Records asked for at once: the most the API gives.
const PAGE: i64 = 1000;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Columns of a table of subscriptions: members of `SubscriptionStatus`.
const SUBSCRIPTION: [&str; 8] = [
    "id",
    "state",
    "lag",
    "failedAttempts",
    "lastSuccessAt",
    "nextAttemptAt",
    "callback",
    "lastError",
];
/// The same of `Delivery`.
const DELIVERY: [&str; 6] = ["id", "state", "eventType", "eventTime", "attempts", "lastError"];

/// Which server, and how to print.
#[derive(Args)]
pub struct Target {
    /// The server to ask.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8683", global = true)]
    server: String,
    /// File with a bearer token in its first line.
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

/// `subscriptions …`
#[derive(Subcommand)]
pub enum Subscriptions {
    /// All of them, with the state of their delivery.
    List {
        /// Only those active, paused or ended.
        #[arg(long)]
        state: Option<String>,
    },
    /// One of them.
    Show {
        /// Of the subscription.
        id: String,
    },
    /// Send nothing more to one, and keep what happens for it.
    Pause {
        /// Of the subscription.
        id: String,
    },
    /// Go on with one, now.
    Resume {
        /// Of the subscription.
        id: String,
    },
    /// Deliver again from an event or a time on.
    Replay {
        /// Of the subscription.
        id: String,
        /// The first event to deliver.
        #[arg(long, value_name = "EVENT_ID", conflicts_with = "from_time")]
        from_event: Option<String>,
        /// RFC 3339: events of this time and later.
        #[arg(long, value_name = "TIME", required_unless_present = "from_event")]
        from_time: Option<String>,
    },
}

/// `deliveries …`
#[derive(Subcommand)]
pub enum Deliveries {
    /// Those given up, and those queued to be tried again.
    List {
        /// Only those dead or queued.
        #[arg(long)]
        state: Option<String>,
        /// Only those of this subscription.
        #[arg(long, value_name = "ID")]
        subscription: Option<String>,
    },
    /// Try one again.
    Redeliver {
        /// Of the delivery.
        id: String,
    },
}

/// Runs a command on subscriptions.
///
/// # Errors
/// The server cannot be reached, or refuses.
pub async fn subscriptions(target: &Target, command: Subscriptions) -> anyhow::Result<()> {
    let client = target.client()?;
    let found = match command {
        Subscriptions::List { state } => {
            let mut all = Vec::new();
            loop {
                let page = client.list_subscriptions(Some(PAGE), offset(&all), state.as_deref());
                if !gather(&mut all, page.await)? {
                    break all;
                }
            }
        }
        Subscriptions::Show { id } => one(client.retrieve_subscription(&id).await)?,
        Subscriptions::Pause { id } => one(client.pause_subscription(&id).await)?,
        Subscriptions::Resume { id } => one(client.resume_subscription(&id).await)?,
        Subscriptions::Replay { id, from_event, from_time } => {
            let from = types::Replay {
                from_event_id: from_event,
                from_time: from_time.map(Into::into),
                ..types::Replay::default()
            };
            one(client.replay_subscription(&id, &from).await)?
        }
    };
    target.print(&SUBSCRIPTION, &found)
}

/// Runs a command on deliveries.
///
/// # Errors
/// As [`subscriptions`].
pub async fn deliveries(target: &Target, command: Deliveries) -> anyhow::Result<()> {
    let client = target.client()?;
    let found = match command {
        Deliveries::List { state, subscription } => {
            let mut all = Vec::new();
            loop {
                let (state, of) = (state.as_deref(), subscription.as_deref());
                let page = client.list_deliveries(Some(PAGE), offset(&all), state, of);
                if !gather(&mut all, page.await)? {
                    break all;
                }
            }
        }
        Deliveries::Redeliver { id } => one(client.redeliver(&id).await)?,
    };
    target.print(&DELIVERY, &found)
}

impl Target {
    fn client(&self) -> anyhow::Result<Client> {
        let mut headers = HeaderMap::new();
        if let Some(file) = &self.token_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("token file: {}", file.display()))?;
            let token = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'));
            let token = token.with_context(|| format!("no token in {}", file.display()))?;
            // The error would show the token.
            let header = HeaderValue::try_from(format!("Bearer {token}"));
            let mut header = header.map_err(|_| anyhow!("no header can hold the token"))?;
            header.set_sensitive(true);
            headers.insert(AUTHORIZATION, header);
        }
        let http = reqwest::Client::builder().default_headers(headers).timeout(TIMEOUT).build()?;
        let base = format!("{}/admin/v1", self.server.trim_end_matches('/'));
        Ok(Client::new_with_client(&base, http, Hooks::default()))
    }

    fn print(&self, columns: &[&str], found: &[Value]) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(found)?);
        } else {
            print!("{}", table(columns, found));
        }
        Ok(())
    }
}

fn offset(known: &[Value]) -> Option<i64> {
    i64::try_from(known.len()).ok()
}

/// Adds a page; whether there may be another.
fn gather<T: Serialize>(
    all: &mut Vec<Value>,
    page: Result<ResponseValue<Vec<T>>, Error<types::Error>>,
) -> anyhow::Result<bool> {
    let page = page.map_err(told)?.into_inner();
    for record in &page {
        all.push(serde_json::to_value(record)?);
    }
    Ok(i64::try_from(page.len()).is_ok_and(|length| length == PAGE))
}

fn one<T: Serialize>(
    answer: Result<ResponseValue<T>, Error<types::Error>>,
) -> anyhow::Result<Vec<Value>> {
    Ok(vec![serde_json::to_value(answer.map_err(told)?.into_inner())?])
}

/// What the server says, without the frame a library puts around it.
fn told(error: Error<types::Error>) -> anyhow::Error {
    match error {
        Error::ErrorResponse(answer) => {
            let status = answer.status();
            let types::Error { reason, message, .. } = answer.into_inner();
            let words: Vec<String> = [reason, message].into_iter().flatten().collect();
            anyhow!("{status}: {}", words.join(": "))
        }
        other => anyhow::Error::new(other),
    }
}

/// Lines of columns as wide as their widest cell; the last is not padded.
fn table(columns: &[&str], records: &[Value]) -> String {
    let cell = |record: &Value, column: &str| match &record[column] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.replace(char::is_control, " "),
        other => other.to_string(),
    };
    let mut rows = vec![columns.iter().map(ToString::to_string).collect::<Vec<_>>()];
    rows.extend(records.iter().map(|record| columns.iter().map(|c| cell(record, c)).collect()));
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let records = [json!({"id": "a\nb", "lag": 12}), json!({"id": "ccccc", "state": "active"})];
        let expected = "id     lag  state\na b    12   -\nccccc  -    active\n";
        assert_eq!(table(&["id", "lag", "state"], &records), expected);
        assert_eq!(table(&["id"], &[]), "id\n");
    }
}
