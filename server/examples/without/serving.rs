//! Serves a store on a free port of loopback and prints which. Settings are those of the environment.
//!
//! No setting leaves these tricks out: nobody would be better off.

use anyhow::{Context, bail};
use tmf683_server::config::{Flags, Settings};
use tmf683_server::{SqliteOptions, init_log, start_with};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
pub(super) async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (trick, store) = arguments.next().zip(arguments.next()).context("without TRICK STORE")?;
    let all = SqliteOptions::default();
    let sqlite = match trick.as_str() {
        "nothing" => all,
        "snapshots" => SqliteOptions { keeps_snapshots: false, ..all },
        "copier" => SqliteOptions { copies_beside: false, ..all },
        "tail" => SqliteOptions { indexed_together: 1, ..all },
        other => bail!("{other} is none of nothing, snapshots, copier, tail"),
    };
    let listen = Some("127.0.0.1:0".to_owned());
    let settings = Settings::load(&Flags { listen, store: Some(store), ..Flags::default() })?;
    init_log(&settings.log)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = start_with(settings, sqlite).await?;
    println!("listening on http://{}", server.local_addr());
    terminate.recv().await;
    server.stop().await
}
