//! A server in this process: its own database, a port the system picks, stopped when the test is
//! done.

use crate::api::Api;
use crate::call::Caller;
use crate::database::Database;
use std::net::SocketAddr;
use std::path::PathBuf;
use tmf683_server::config::{Flags, Settings};
use tmf683_server::{Running, start};

/// A running server.
pub struct TestServer {
    running: Option<Running>,
    settings: String,
    database: Database,
}

impl TestServer {
    /// Starts with the defaults.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Starts with the text of a settings file.
    pub async fn with(settings: &str) -> Self {
        Self::on(Database::empty(), settings).await
    }

    /// The same on SQLite, for tests that look at its file.
    pub async fn on_sqlite(settings: &str) -> Self {
        Self::on(Database::on_sqlite(), settings).await
    }

    /// The same on a database that the test has.
    pub async fn on(database: Database, settings: &str) -> Self {
        let mut server = Self { running: None, settings: settings.to_owned(), database };
        server.open().await;
        server
    }

    /// Another server process, as it were, on the same database.
    pub async fn beside(&self) -> Self {
        Self::on(Database::at(self.database.store()), &self.settings).await
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
        self.database.file().expect("a test about files runs on_sqlite")
    }

    async fn open(&mut self) {
        let config = self.database.directory().join("settings.toml");
        std::fs::write(&config, &self.settings).unwrap();
        let flags = Flags {
            config: Some(config),
            listen: Some("127.0.0.1:0".into()),
            store: Some(self.database.store().to_owned()),
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
