//! From NDJSON into the store.
//!
//! ```text
//! lines ─▶ parts ─▶ read, judged, indexed: several beside each other ─▶ batches ─▶ one transaction each ─▶ report
//! ```
//!
//! In the order of the lines, with no more parts under way than there are processors, and one batch made
//! while another is written. Nothing is kept about a run that died: the same command, run again, finds what
//! is there already.

use super::document::{Complaints, Reader};
use super::lines::{Lines, Part};
use super::progress::Progress;
use super::report::{Audience, Report, Summary};
use super::terminal::Terminal;
use crate::app::{self, App};
use crate::config::{Limits, Settings};
use crate::domain::json;
use crate::http::version::{Schemas, Version};
use crate::store::contract::{ImportBatch, ImportItem, OnConflict};
use anyhow::{Context, anyhow};
use futures::future::{Either, ready, select};
use futures::{FutureExt, Stream, StreamExt, stream};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

/// What a line may have beyond its document's limits: `id` and `href`.
const SPARE_BYTES: usize = 16 << 10;
const SPARE_VALUES: usize = 2;
/// Levels by which stored documents can be deeper than what v4 was sent.
const SPARE_DEPTH: usize = 8;
/// Read ahead by this much.
const BUFFER_BYTES: usize = 1 << 20;

/// Lines that are written together, at most, but for what the last part of them has more. The more of them,
/// the more entries each page of the index takes before it is written: with 1000, a large store costs a
/// third more.
const BATCH_LINES: usize = 4000;
/// The same in bytes of the source.
const BATCH_BYTES: u64 = 16 << 20;

/// What is to be imported, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// `None`: standard input.
    pub file: Option<PathBuf>,
    /// What the ids of lines without one are made of, besides; `None`: the name of the file.
    pub source: Option<String>,
    /// `v4` or `v5`; `None`: told by the shape of each.
    pub version: Option<String>,
    /// What becomes of an id that is there with other content: `skip`, `replace` or `fail`.
    pub on_conflict: String,
    /// Where refused lines are told of.
    pub errors: Option<PathBuf>,
    /// Whether listeners are told.
    pub with_events: bool,
}

/// How lines become interactions.
pub(crate) struct Manner {
    /// What the ids of lines without one are made of, besides; `None`: each has to have one.
    pub(crate) source: Option<String>,
    /// `None`: told by the shape of each.
    pub(crate) version: Option<Version>,
    pub(crate) on_conflict: OnConflict,
    /// Whether listeners are told. What is replaced makes no events.
    pub(crate) with_events: bool,
}

/// What imports have in common, wherever their lines come from.
pub(crate) struct Importer {
    pub(crate) app: Arc<App>,
    /// In the order of [`Version::ALL`].
    pub(crate) schemas: Arc<[Schemas; 2]>,
    pub(crate) limits: Limits,
    pub(crate) public_url: Option<String>,
}

/// What becomes of an id that is there with other content, by its name.
pub(crate) fn on_conflict(name: &str) -> Option<OnConflict> {
    match name {
        "skip" => Some(OnConflict::Skip),
        "replace" => Some(OnConflict::Replace),
        "fail" => Some(OnConflict::Stop),
        _ => None,
    }
}

/// A line's number and what it became.
type Row = (u64, Result<ImportItem, Complaints>);

/// What is written together.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    /// How far the source has been read, in bytes.
    bytes: u64,
}

/// Imports all of a file that can be.
///
/// # Errors
/// The source cannot be read, or the store does not write. What was written stays.
pub(crate) async fn run(
    app: Arc<App>,
    settings: &Settings,
    order: &Order,
) -> anyhow::Result<Summary> {
    let manner = order.manner()?;
    let (source, total) = open(order)?;
    let importer = Importer {
        app,
        schemas: Arc::new([Schemas::compile(Version::V4)?, Schemas::compile(Version::V5)?]),
        limits: settings.limits.clone(),
        public_url: settings.public_url.0.clone(),
    };
    let mut terminal = Terminal::new(order.errors.as_deref(), Progress::new(total))?;
    let summary = importer.import(manner, source, &mut terminal).await?;
    terminal.finish()?;
    Ok(summary)
}

impl Order {
    fn manner(&self) -> anyhow::Result<Manner> {
        let named = &self.on_conflict;
        let on_conflict = on_conflict(named)
            .with_context(|| format!("--on-conflict: {named} is not skip, replace or fail"))?;
        if on_conflict == OnConflict::Replace && self.with_events {
            return Err(anyhow!(
                "--events: what is replaced makes none; without --on-conflict replace"
            ));
        }
        let name = self.file.as_ref().and_then(|file| file.file_name());
        let name = name.map_or("-".into(), |name| name.to_string_lossy());
        Ok(Manner {
            source: Some(self.source.clone().unwrap_or_else(|| name.into_owned())),
            version: self.version.as_deref().map(super::version).transpose()?,
            on_conflict,
            with_events: self.with_events,
        })
    }
}

impl Importer {
    /// Imports all lines that can be.
    ///
    /// # Errors
    /// The source cannot be read ([`std::io::Error`]), the store does not write
    /// ([`crate::store::contract::StoreError`]), or nobody can be told. What was written stays.
    pub(crate) async fn import(
        &self,
        manner: Manner,
        source: impl BufRead + Send + 'static,
        audience: &mut impl Audience,
    ) -> anyhow::Result<Summary> {
        let on_conflict = manner.on_conflict;
        let reader = Arc::new(self.reader(manner));
        let mut report = Report::new(audience);
        let most_bytes = self.limits.document_bytes.max(self.limits.body_bytes) + SPARE_BYTES;
        let mut batches = pin!(batches(reader, parts(Lines::new(source, most_bytes))));
        let mut next = batches.next().await;
        while let Some(batch) = next {
            let written = pin!(write(&self.app, batch?, on_conflict, &mut report));
            // Told as soon as it is written, however long the next one takes to come.
            let (is_stopped, following) = match select(written, batches.next()).await {
                Either::Left((is_stopped, following)) => (is_stopped?, following.left_future()),
                Either::Right((following, written)) => {
                    (written.await?, ready(following).right_future())
                }
            };
            if is_stopped {
                break;
            }
            next = following.await;
        }
        Ok(report.summary)
    }

    fn reader(&self, manner: Manner) -> Reader {
        let limits = &self.limits;
        let href_prefixes =
            Version::ALL.into_iter().flat_map(|version| version.bases()).filter_map(|base| {
                Some(format!("{}{base}/partyInteraction/", self.public_url.as_ref()?))
            });
        Reader {
            app: Arc::clone(&self.app),
            schemas: Arc::clone(&self.schemas),
            version: manner.version,
            limits: json::Limits {
                depth: limits.json_depth + SPARE_DEPTH,
                items: limits.array_items,
                values: limits.json_values + SPARE_VALUES,
            },
            href_prefixes: href_prefixes.collect(),
            source: manner.source,
            now: app::now(),
            with_events: manner.with_events,
        }
    }
}

/// Writes what can be written, and tells of each line in their order. Answers whether it stopped at one.
async fn write(
    app: &App,
    batch: Batch,
    on_conflict: OnConflict,
    report: &mut Report<'_, impl Audience>,
) -> anyhow::Result<bool> {
    let Batch { rows, bytes } = batch;
    let (mut numbers, mut items, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (number, row) in rows {
        match row {
            Ok(item) => {
                numbers.push(number);
                items.push(item);
            }
            Err(complaints) => refused.push((number, complaints)),
        }
    }
    let batch = ImportBatch { items: items.into(), on_conflict };
    let fates = app.import(batch).await.context("what is written so far stays")?;
    let mut refused = refused.iter().peekable();
    for (number, fate) in numbers.into_iter().zip(fates) {
        while let Some((earlier, complaints)) = refused.next_if(|(line, _)| *line < number) {
            report.refused(*earlier, complaints).await?;
        }
        report.imported(number, fate).await?;
        if report.summary.stopped_at.is_some() {
            report.reached(bytes).await?;
            return Ok(true);
        }
    }
    for (number, complaints) in refused {
        report.refused(*number, complaints).await?;
    }
    report.reached(bytes).await?;
    Ok(false)
}

/// Has the parts judged, and puts together what is to be written together.
fn batches(
    reader: Arc<Reader>,
    parts: mpsc::Receiver<std::io::Result<Part>>,
) -> impl Stream<Item = anyhow::Result<Batch>> {
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let parts = stream::unfold(parts, async |mut parts| Some((parts.recv().await?, parts)));
    let judged = parts.map(move |part| {
        let reader = Arc::clone(&reader);
        spawn_blocking(move || part.map(|part| (part.bytes, rows(&reader, &part))))
    });
    let judged = Box::pin(judged.buffered(workers));
    stream::try_unfold((judged, 0), async |(mut judged, begin)| {
        let mut batch = Batch::default();
        while batch.rows.len() < BATCH_LINES && batch.bytes.saturating_sub(begin) < BATCH_BYTES {
            let Some(part) = judged.next().await else { break };
            let (bytes, rows) = part.context("reading a line panicked")?.context("reading")?;
            batch.rows.extend(rows);
            batch.bytes = bytes;
        }
        let end = batch.bytes;
        Ok((end > 0).then_some((batch, (judged, end))))
    })
}

fn rows(reader: &Reader, part: &Part) -> Vec<Row> {
    let is_blank = |text: Option<&[u8]>| text.is_some_and(|text| text.trim_ascii().is_empty());
    let row = |(number, text): (u64, Option<&[u8]>)| match text {
        Some(text) => (number, reader.item(number, text)),
        None => (number, Err(too_long())),
    };
    part.lines().filter(|(_, text)| !is_blank(*text)).map(row).collect()
}

fn too_long() -> Complaints {
    let problem = "is longer than limits.body_bytes and limits.document_bytes allow".to_owned();
    vec![crate::http::schema::Violation { pointer: String::new(), problem }]
}

/// Reads ahead on a thread of its own, by one part.
fn parts<R: BufRead + Send + 'static>(
    mut lines: Lines<R>,
) -> mpsc::Receiver<std::io::Result<Part>> {
    let (sender, receiver) = mpsc::channel(1);
    spawn_blocking(move || {
        while let Some(part) = lines.part().transpose() {
            let is_last = part.is_err();
            if sender.blocking_send(part).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// The source, and its length where that is known.
fn open(order: &Order) -> anyhow::Result<(Box<dyn BufRead + Send>, Option<u64>)> {
    let Some(path) = &order.file else {
        return Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, std::io::stdin())), None));
    };
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let about = file.metadata().with_context(|| path.display().to_string())?;
    let total = about.is_file().then_some(about.len());
    Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), total))
}
