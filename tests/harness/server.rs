//! A server in this process: its own database, a port the system picks, stopped when the test is
//! done.
//!
//! Where `TEST_POSTGRES` is the URL of a database that may be filled with anything, servers keep what
//! they have there, each in a schema of its own; otherwise in SQLite files.

use crate::api::Api;
use crate::call::Caller;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use tmf683_server::config::{Flags, Settings};
use tmf683_server::{Running, start};

const FILE: &str = "tmf683.db";

/// A running server.
pub struct TestServer {
    running: Option<Running>,
    settings: String,
    directory: TempDir,
    store: String,
}

impl TestServer {
    /// Starts with the defaults.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Starts with the text of a settings file.
    pub async fn with(settings: &str) -> Self {
        match std::env::var("TEST_POSTGRES") {
            Ok(url) => Self::on(|_| schema(&url), settings).await,
            Err(_) => Self::on_sqlite(settings).await,
        }
    }

    /// The same on SQLite, for tests that look at its file.
    pub async fn on_sqlite(settings: &str) -> Self {
        Self::on(|directory| format!("sqlite:{}", directory.join(FILE).display()), settings).await
    }

    async fn on(store: impl FnOnce(&Path) -> String, settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let (settings, store) = (settings.to_owned(), store(directory.path()));
        let mut server = Self { running: None, settings, directory, store };
        server.open().await;
        server
    }

    /// Another server process, as it were, on the same database.
    pub async fn beside(&self) -> Self {
        let store = self.store.clone();
        Self::on(|_| store, &self.settings).await
    }

    /// Stops in order and starts again on the same database.
    pub async fn restart(&mut self) {
        self.close().await;
        self.open().await;
    }

    /// Stops in order.
    pub async fn stop(mut self) {
        self.close().await;
    }

    /// A caller of one API.
    pub async fn through(&self, api: Api) -> Caller {
        Caller::connect(self.address(), api).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("a running server").local_addr()
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        assert!(self.store.starts_with("sqlite:"), "a test about files runs on_sqlite");
        self.directory.path().join(FILE)
    }

    async fn open(&mut self) {
        let config = self.directory.path().join("settings.toml");
        std::fs::write(&config, &self.settings).unwrap();
        let flags = Flags {
            config: Some(config),
            listen: Some("127.0.0.1:0".into()),
            store: Some(self.store.clone()),
            ..Flags::default()
        };
        let settings = Settings::with_flags(&flags).unwrap();
        self.running = Some(start(settings).await.expect("a server that starts"));
    }

    async fn close(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.expect("a server that stops in order");
        }
    }
}

/// The URL with a schema of its own, which the server finds empty.
fn schema(url: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let made = std::process::Command::new("psql")
        .args(["--quiet", "--dbname", url, "--command"])
        .arg(format!("CREATE SCHEMA {name}"))
        .status();
    assert!(made.expect("psql").success(), "no schema {name}");
    format!("{url}?options=-c%20search_path%3D{name}")
}
