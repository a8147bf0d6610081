//! Records a call, reads it back, finds it by its party, and completes it.
//!
//! Needs a running server: `cargo run -p tmf683-client --example record_a_call [BASE]`, where `BASE`
//! is the v5 base of the server, by default the one `cargo run --release` starts.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use serde_json::json;
use tmf683_client::v5::{Client, types::PartyInteractionFvo};
use tmf683_client::{Error, ListQuery};

const BASE: &str = "http://127.0.0.1:8683/tmf-api/partyInteraction/v5";

#[tokio::main]
async fn main() -> Result<()> {
    let base = std::env::args().nth(1).unwrap_or_else(|| BASE.to_owned());
    let client = Client::connect(&base)?;

    let call: PartyInteractionFvo = serde_json::from_value(json!({
        "@type": "PartyInteraction",
        "reason": "Invoice too high",
        "direction": "inbound",
        "relatedChannel": [{"@type": "RelatedChannel", "role": "creation",
            "channel": {"@type": "ChannelRef", "id": "7", "name": "Call centre"}}],
        "relatedParty": [{"@type": "RelatedPartyOrPartyRole", "role": "customer",
            "partyOrPartyRole": {"@type": "PartyRef", "id": "42", "name": "Ada",
                "@referredType": "Individual"}}],
    }))?;
    let created = client.create(&call).await.context("cannot record the call")?;
    let id = created.id.as_deref().context("the server gave no id")?;
    println!("recorded {id}");

    let read = client.retrieve(id).await?;
    let reason = read.reason.as_deref().unwrap_or("none");
    println!("read     reason: {reason}, status: {:?}, ETag: {:?}", read.status, read.etag);

    let of_ada = ListQuery::new()
        .filter("relatedParty.partyOrPartyRole.id", "42")
        .fields("reason,status")
        .page_size(10);
    let mut found = client.list(of_ada).stream();
    while let Some(interaction) = found.try_next().await? {
        println!("found    {:?} {:?}", interaction.id, interaction.status);
    }

    let etag = read.etag.as_deref().context("the server gave no ETag")?;
    let completed = json!({"status": "completed"});
    let changed = client.patch(id, &completed).if_match(etag).await?;
    println!("changed  status: {:?}, ETag: {:?}", changed.status, changed.etag);

    // The ETag is of the version before: somebody changed the interaction, here ourselves.
    match client.patch(id, &json!({"status": "opened"})).if_match(etag).await {
        Err(error) if error.is_precondition_failed() => println!("refused  {error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => println!("changed  though it should not have been"),
    }
    match client.retrieve("unknown").await {
        Err(error @ Error::Api { .. }) => println!("refused  {error}"),
        other => println!("got      {other:?}"),
    }
    Ok(())
}
