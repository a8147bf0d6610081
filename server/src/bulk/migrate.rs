//! From one store to another that takes its place: from SQLite to PostgreSQL.
//!
//! ```text
//! original ──pages, in order──▶ ┐
//!                               ├─ compare ─▶ differences ─▶ batches ─▶ successor, a transaction each
//! successor ─pages, in order──▶ ┘
//! ```
//!
//! **What is copied** is all that clients and operators can see, under the numbers it has, see
//! `store::contract::succession`: so cursors of lists and feeds, `Last-Event-ID`s, ETags, keys of
//! creates and places of subscriptions go on where they were.
//!
//! **One pass** reads a part of both stores side by side and writes into the successor what is different.
//! It asks nobody what has changed: what is missing, old or should be gone is what the two do not have in
//! common. So the first run, one that goes on after a run that was killed, and one that catches up with a
//! server that went on writing are the same, and nothing is kept about any of them. Each page of the
//! original is a moment of its own, and no snapshot stands in the way of its server.
//!
//! **To verify** is the same pass without writing. What has been written is read once more, and a checksum
//! over each part is made of each side alone. While the original's server writes, the second pass catches
//! up with what happened during the first, and says so.
//!
//! **The cut-over** (`finish`) holds the original, which nobody may have open, for as long as it takes to
//! catch up, verify, and take the mark off the successor that keeps servers away from it until then. So
//! nobody can serve from a part of the data, deliver from two stores at once, or lose what was written
//! last; and once there is no mark, no run can overwrite what has been written since.
//!
//! Only what follows from the rest is not compared: index entries, which are made of the documents in the
//! transaction that writes these.

use super::progress::Progress;
use super::sides::{Difference, Sides, Sum};
use crate::store::contract::StoreResult;
use crate::store::contract::succession::{Original, Part, Row, Successor};
use anyhow::{Context, ensure};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Transactions of the successor under way.
const WRITERS: usize = 4;

/// A batch has no more rows than this,
const BATCH_ROWS: usize = 512;

/// and no more bytes, but for a single row that is longer.
const BATCH_BYTES: usize = 1 << 20;

/// Differences that are told one by one.
const MOST_SHOWN: u64 = 10;

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Compare and change nothing.
    Verify,
    /// Make the successor what the original is, as well as can be while that is used.
    CatchUp,
    /// Make it exactly that, and ready to serve. Nobody uses the original.
    Finish,
}

/// Whether the two have the same now.
///
/// # Errors
/// A store fails, or may not be used so. To verify or to finish: they have not the same.
pub(crate) async fn run(
    name: &str,
    original: Arc<dyn Original>,
    successor: Arc<dyn Successor>,
    order: Order,
) -> anyhow::Result<bool> {
    let pass = Pass { original, successor: Arc::clone(&successor), writes: order != Order::Verify };
    if !pass.writes {
        ensure!(pass.run().await?, "they have not the same");
        return Ok(true);
    }
    let unfit = || "the database that is to be the successor";
    successor.begin(name.to_owned()).await.with_context(unfit)?;
    // What was written is read again.
    let are_same = pass.run().await? || pass.run().await?;
    if order == Order::Finish {
        ensure!(are_same, "what was written is not what was read");
        successor.finish().await.with_context(unfit)?;
    }
    Ok(are_same)
}

/// All parts of both stores, once.
struct Pass {
    original: Arc<dyn Original>,
    successor: Arc<dyn Successor>,
    writes: bool,
}

impl Pass {
    /// Whether there was no difference.
    async fn run(&self) -> anyhow::Result<bool> {
        let mut are_same = true;
        for part in Part::ALL {
            let found = self.part(part).await.with_context(|| part.name())?;
            are_same &= found.is_same();
            if found.is_same() || !self.writes {
                println!("{}: {found}", part.name());
            } else {
                println!("{}: {} written", part.name(), found.differences());
            }
        }
        Ok(are_same)
    }

    async fn part(&self, part: Part) -> anyhow::Result<Found> {
        let (original, successor) = (Arc::clone(&self.original), Arc::clone(&self.successor));
        let progress = Progress::of_rows(part.name(), self.expected(part).await?);
        let mut sides = Sides::of(part, original, successor, progress);
        let mut found = Found::default();
        let mut writing = JoinSet::new();
        loop {
            let batch = self.batch(part, &mut sides, &mut found).await?;
            if batch.is_empty() {
                break;
            }
            if writing.len() >= WRITERS {
                written(&mut writing).await?;
            }
            let successor = Arc::clone(&self.successor);
            writing.spawn(async move { successor.amend(part, batch.gone, batch.new).await });
        }
        while !writing.is_empty() {
            written(&mut writing).await?;
        }
        (found.original, found.successor) = sides.sums().await?;
        Ok(found)
    }

    /// How many rows there will be, where that is known.
    async fn expected(&self, part: Part) -> anyhow::Result<Option<u64>> {
        if part != Part::Interactions {
            return Ok(None);
        }
        let counters = self.original.rows(Part::Counters, Part::Counters.start()).await?;
        Ok(counters.first().and_then(|row| match row {
            Row::Counters(counters) => Some(counters.interactions.unsigned_abs()),
            _ => None,
        }))
    }

    /// The next differences; none: all has been compared.
    async fn batch(
        &self,
        part: Part,
        sides: &mut Sides,
        found: &mut Found,
    ) -> anyhow::Result<Batch> {
        let mut batch = Batch::default();
        while batch.rows() < BATCH_ROWS && batch.bytes < BATCH_BYTES {
            let Some(difference) = sides.difference().await? else { break };
            found.count(&difference);
            match self.writes {
                true => batch.add(difference),
                false if found.differences() <= MOST_SHOWN => tell(part, &difference),
                false => {}
            }
        }
        Ok(batch)
    }
}

async fn written(writing: &mut JoinSet<StoreResult<()>>) -> anyhow::Result<()> {
    match writing.join_next().await {
        Some(done) => Ok(done.context("writing panicked")??),
        None => Ok(()),
    }
}

/// What one transaction does.
#[derive(Default)]
struct Batch {
    gone: Vec<Row>,
    new: Vec<Row>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, Difference { expected, found }: Difference) {
        self.bytes += found.iter().chain(&expected).map(Row::bytes).sum::<usize>();
        self.gone.extend(found);
        self.new.extend(expected);
    }

    fn rows(&self) -> usize {
        self.gone.len().max(self.new.len())
    }

    fn is_empty(&self) -> bool {
        self.rows() == 0
    }
}

/// What was found of a part.
#[derive(Debug, Default)]
struct Found {
    missing: u64,
    other: u64,
    extra: u64,
    original: Sum,
    successor: Sum,
}

impl Found {
    fn differences(&self) -> u64 {
        self.missing + self.other + self.extra
    }

    fn is_same(&self) -> bool {
        self.differences() == 0 && self.original == self.successor
    }

    fn count(&mut self, difference: &Difference) {
        match (&difference.expected, &difference.found) {
            (Some(_), Some(_)) => self.other += 1,
            (_, None) => self.missing += 1,
            (None, _) => self.extra += 1,
        }
    }
}

/// Which row of the successor is not as it should be.
fn tell(part: Part, Difference { expected, found }: &Difference) {
    let part = part.name();
    let what = match (expected, found) {
        (Some(_), Some(_)) => "is another",
        (_, None) => "is missing",
        (None, _) => "should not be there",
    };
    match expected.as_ref().or(found.as_ref()) {
        Some(Row::Interaction { number, interaction }) => {
            eprintln!("{part}: {}, number {number}, {what}", interaction.id);
        }
        Some(other) => eprintln!("{part}: {} {what}", other.place()),
        None => {}
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { missing, other, extra, original, successor } = self;
        if self.is_same() {
            return write!(f, "{} on both sides, {}", original.rows, original.checksum);
        }
        write!(
            f,
            "{missing} are missing, {other} are others, {extra} should not be there; \
             {} with {} against {} with {}",
            original.rows, original.checksum, successor.rows, successor.checksum
        )
    }
}
