//! Where servers keep what they have, a place of its own for each test.
//!
//! Where `TEST_POSTGRES` is the URL of a database that may be filled with anything, that is a schema
//! there; otherwise an SQLite file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

const FILE: &str = "tmf683.db";

/// A database for any number of servers, with a folder for what else they need.
pub struct Database {
    directory: TempDir,
    store: String,
}

impl Database {
    /// An empty one, of the kind this run of the tests is about.
    pub fn empty() -> Self {
        match std::env::var("TEST_POSTGRES") {
            Ok(url) => Self::at(schema(&url)),
            Err(_) => Self::on_sqlite(),
        }
    }

    /// An empty file, for tests that look at it.
    pub fn on_sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let store = format!("sqlite:{}", directory.path().join(FILE).display());
        Self { directory, store }
    }

    /// One that is there already.
    pub fn at(store: impl Into<String>) -> Self {
        Self { directory: TempDir::new().unwrap(), store: store.into() }
    }

    /// What a server's `--store` is.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        self.store.starts_with("sqlite:").then(|| self.directory.path().join(FILE))
    }

    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// The URL with a schema of its own, which the server finds empty.
pub fn schema(url: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let made = std::process::Command::new("psql")
        .args(["--quiet", "--dbname", url, "--command"])
        .arg(format!("CREATE SCHEMA {name}"))
        .status();
    assert!(made.expect("psql").success(), "no schema {name}");
    format!("{url}?options=-c%20search_path%3D{name}")
}
