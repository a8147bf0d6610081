//! Listens to the events of a server, prints them, and unsubscribes on Ctrl-C. A subscription that was there
//! before is used, and left alone.
//!
//! Needs a running server:
//! `cargo run -p tmf683-client --features listener --example listen_to_events [BASE] [CALLBACK]`.
//! `BASE` is the server's v5 base, by default of the one `cargo run --release` starts; `CALLBACK` is
//! the address here as the server sees it. A secret in `TMF683_SECRET` has signatures verified.

use std::time::Duration;

use anyhow::{Context, Result};
use tmf683_client::listener::{Listener, Receiver};
use tmf683_client::v5::{Client, types::HubFvo};
use url::Url;

const BASE: &str = "http://127.0.0.1:8683/tmf-api/partyInteraction/v5";
const CALLBACK: &str = "http://127.0.0.1:9683/events";

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().unwrap_or_else(|| BASE.to_owned());
    let callback = Url::parse(&arguments.next().unwrap_or_else(|| CALLBACK.to_owned()))?;

    let mut receiver = Receiver::v5(|event| async move {
        let interaction = event.interaction().context("an event without its interaction")?;
        let (id, status) = (interaction.id.as_deref(), interaction.status.as_deref());
        let time = event.time().unwrap_or("some time");
        println!("{time} {} {} {}", event.kind(), id.unwrap_or("?"), status.unwrap_or("?"));
        anyhow::Ok(())
    });
    if let Ok(secret) = std::env::var("TMF683_SECRET") {
        receiver = receiver.secret(secret.parse().context("TMF683_SECRET")?);
    }
    let port = callback.port_or_known_default().context("the callback has no port")?;
    let address = if callback.host_str() == Some("127.0.0.1") { [127, 0, 0, 1] } else { [0; 4] };
    let listener = Listener::new(receiver).callback(callback.path());
    let listener = listener.start((address, port).into()).await?;

    // First listen, then subscribe: the first event may come at once.
    let client = Client::connect(&base)?;
    let (type_, callback) = (Some("Hub".to_owned()), Some(callback.into()));
    let subscription = HubFvo { type_, callback, ..Default::default() };
    let id = match client.subscribe(&subscription).await {
        Ok(made) => Some(made.id.context("the server gave no id")?),
        Err(error) if error.is_conflict() => None,
        Err(error) => return Err(error).context("cannot subscribe"),
    };
    let called = id.as_deref().unwrap_or("that was there before");
    println!("listening for the subscription {called}; Ctrl-C ends it");

    tokio::signal::ctrl_c().await?;
    if let Some(id) = id {
        client.unsubscribe(&id).await.context("cannot unsubscribe")?;
        println!("unsubscribed");
    }
    listener.stop(Duration::from_secs(10)).await;
    Ok(())
}
