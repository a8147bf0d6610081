//! What the store keeps in memory beside the database: facts every request asks for.
//!
//! They are loaded at start and learnt after each commit, before its replies, so that whoever has
//! a reply finds them. Only the writer of this process tells them: paths another process writes
//! to the same file are known after the next start.

use rusqlite::Connection;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// Facts kept in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    extension_paths: RwLock<HashSet<String>>,
}

impl Memory {
    /// Reads what earlier runs have stored.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT path FROM extension_path")?;
        let paths = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Self { extension_paths: RwLock::new(paths) })
    }

    /// Whether any interaction has, or had, this member.
    pub(super) fn knows_extension_path(&self, path: &str) -> bool {
        let paths = self.extension_paths.read().unwrap_or_else(PoisonError::into_inner);
        paths.contains(path)
    }

    /// Takes in what a transaction has made true. Called after its commit.
    pub(super) fn learn(&self, news: News) {
        if !news.extension_paths.is_empty() {
            let mut paths = self.extension_paths.write().unwrap_or_else(PoisonError::into_inner);
            paths.extend(news.extension_paths);
        }
    }
}

/// What will be true once the transaction is committed.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Extension paths that were not known.
    pub(super) extension_paths: Vec<String>,
}

impl News {
    /// Everything told so far, to go back to if a job fails.
    pub(super) fn mark(&self) -> usize {
        self.extension_paths.len()
    }

    /// Forgets what was told after `mark`: its savepoint was rolled back.
    pub(super) fn forget_since(&mut self, mark: usize) {
        self.extension_paths.truncate(mark);
    }
}
