//! Two stores side by side: a part of each read in order, page by page, ahead of who compares them, and
//! what is different between them.

use super::progress::Progress;
use crate::store::contract::succession::{Original, Part, Row};
use crate::store::contract::{StoreError, StoreResult};
use anyhow::Context;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Pages that are read ahead.
const AHEAD: usize = 2;

/// What one side has at a place and the other has not, or not so.
#[derive(Debug)]
pub(super) struct Difference {
    /// Of the original.
    pub(super) expected: Option<Row>,
    /// Of the successor.
    pub(super) found: Option<Row>,
}

/// A part of two stores.
pub(super) struct Sides {
    original: Side,
    successor: Side,
    progress: Progress,
}

impl Sides {
    /// Begins to read both. `progress` is told how many rows of the original have been compared.
    pub(super) fn of(
        part: Part,
        original: Arc<dyn Original>,
        successor: Arc<dyn Original>,
        progress: Progress,
    ) -> Self {
        let (original, successor) = (Side::of(part, original), Side::of(part, successor));
        Self { original, successor, progress }
    }

    /// The next difference, in order; `None`: there are no more.
    pub(super) async fn difference(&mut self) -> StoreResult<Option<Difference>> {
        loop {
            if self.original.page.len() == 0 {
                self.progress.reached(self.original.taken, self.original.taken);
            }
            let order = match (self.original.peek().await?, self.successor.peek().await?) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(expected), Some(found)) => expected.place().cmp(&found.place()),
            };
            let expected = if order.is_le() { self.original.take() } else { None };
            let found = if order.is_ge() { self.successor.take() } else { None };
            if expected != found {
                return Ok(Some(Difference { expected, found }));
            }
        }
    }

    /// What both were, read to their ends: the original, the successor.
    pub(super) async fn sums(self) -> anyhow::Result<(Sum, Sum)> {
        Ok((self.original.sum().await?, self.successor.sum().await?))
    }
}

/// What has been read of a part.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Sum {
    /// Rows.
    pub(super) rows: u64,
    /// SHA-256 over all of each row, in order, in hexadecimal digits.
    pub(super) checksum: String,
}

struct Side {
    pages: mpsc::Receiver<StoreResult<Vec<Row>>>,
    page: std::iter::Peekable<std::vec::IntoIter<Row>>,
    taken: u64,
    reading: JoinHandle<Sum>,
}

impl Side {
    fn of(part: Part, store: Arc<dyn Original>) -> Self {
        let (sender, pages) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(read(part, store, sender));
        Self { pages, page: Vec::new().into_iter().peekable(), taken: 0, reading }
    }

    async fn peek(&mut self) -> StoreResult<Option<&Row>> {
        if self.page.peek().is_none() {
            let Some(page) = self.pages.recv().await else { return Ok(None) };
            self.page = page?.into_iter().peekable();
        }
        Ok(self.page.peek())
    }

    fn take(&mut self) -> Option<Row> {
        self.taken += 1;
        self.page.next()
    }

    async fn sum(self) -> anyhow::Result<Sum> {
        self.reading.await.context("reading panicked")
    }
}

/// Reads all of a part. A failure is the last that is sent.
async fn read(
    part: Part,
    store: Arc<dyn Original>,
    pages: mpsc::Sender<Result<Vec<Row>, StoreError>>,
) -> Sum {
    let (mut rows, mut checksum, mut after) = (0, Checksum::default(), part.start());
    loop {
        let page = store.rows(part, after).await;
        let Some(last) = page.as_ref().ok().and_then(|page| page.last()) else {
            if page.is_err() {
                // Who no longer waits needs not to know.
                let _ = pages.send(page).await;
            }
            let checksum = checksum.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Sum { rows, checksum };
        };
        after = last.place();
        for row in page.iter().flatten() {
            rows += 1;
            row.hash(&mut checksum);
        }
        if pages.send(page).await.is_err() {
            return Sum::default();
        }
    }
}

/// SHA-256 of what a row tells of itself, which is all of it, and where each of its texts ends.
#[derive(Default)]
struct Checksum(Sha256);

impl Hasher for Checksum {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: it would be a part of the sum.
    fn finish(&self) -> u64 {
        0
    }
}
