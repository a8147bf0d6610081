//! The client against canned servers: what it sends, what it repeats, how it reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod canned;
mod errors;
mod events;
mod lists;
mod notations;
mod other_vendors;
mod repeats;
mod requests;
mod tokens;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canned::{Canned, Server, answer};
use futures::TryStreamExt;
use serde_json::{Value, json};
use tmf683_client::v5::{Client, types};
use tmf683_client::{Builder, Error, ListQuery, v4};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn quick(server: &Server) -> Builder<Client> {
    Client::builder(&server.base()).longest_wait(MS(20))
}

fn interaction(id: &str) -> String {
    json!({"id": id, "@type": "PartyInteraction", "reason": "bill"}).to_string()
}

fn page(ids: &[&str]) -> String {
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    Value::Array(items).to_string()
}

fn new_interaction() -> types::PartyInteractionFvo {
    serde_json::from_value(json!({"@type": "PartyInteraction", "reason": "bill"})).unwrap()
}

async fn ids(client: &Client, query: ListQuery) -> Result<Vec<String>, Error> {
    let ids = client.list(query).stream().map_ok(|one| one.id.unwrap_or_default());
    ids.try_collect().await
}
