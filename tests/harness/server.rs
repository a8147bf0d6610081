//! A server in this process: its own database, a port the system picks, stopped when the test is
//! done.

use crate::api::Api;
use crate::call::Caller;
use std::path::PathBuf;
use tempfile::TempDir;
use tmf683_server::config::{Flags, Settings};
use tmf683_server::{Running, start};

/// A running server.
pub struct TestServer {
    running: Option<Running>,
    settings: String,
    directory: TempDir,
}

impl TestServer {
    /// Starts with the defaults.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Starts with the text of a settings file.
    pub async fn with(settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut server = Self { running: None, settings: settings.to_owned(), directory };
        server.open().await;
        server
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
        let running = self.running.as_ref().expect("a running server");
        Caller::connect(running.local_addr(), api).await
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("tmf683.db")
    }

    async fn open(&mut self) {
        let config = self.directory.path().join("settings.toml");
        std::fs::write(&config, &self.settings).unwrap();
        let flags = Flags {
            config: Some(config),
            listen: Some("127.0.0.1:0".into()),
            store: Some(format!("sqlite:{}", self.database().display())),
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
