//! From NDJSON into the store.
//!
//! ```text
//! lines ─▶ batches ─▶ read, judged, indexed: several beside each other ─▶ one transaction each ─▶ report
//! ```
//!
//! In the order of the lines, and with no more batches under way than there are processors. Nothing is
//! kept about a run that died: the same command, run again, finds what is there already.

use super::document::{Complaints, Reader};
use super::lines::{Batch, Line, Lines};
use super::progress::Progress;
use super::report::{Report, Summary};
use crate::app::{self, App};
use crate::config::Settings;
use crate::domain::json;
use crate::http::version::{Schemas, Version};
use crate::store::contract::{ImportBatch, ImportItem, OnConflict};
use anyhow::{Context, anyhow};
use futures::{StreamExt, stream};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::PathBuf;
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

/// A line's number and what it became.
type Row = (u64, Result<ImportItem, Complaints>);

/// Imports all that can be.
///
/// # Errors
/// The source cannot be read, or the store does not write. What was written stays.
pub(crate) async fn run(
    app: Arc<App>,
    settings: &Settings,
    order: &Order,
) -> anyhow::Result<Summary> {
    let on_conflict = match order.on_conflict.as_str() {
        "skip" => OnConflict::Skip,
        "replace" => OnConflict::Replace,
        "fail" => OnConflict::Stop,
        other => return Err(anyhow!("--on-conflict: {other} is not skip, replace or fail")),
    };
    if on_conflict == OnConflict::Replace && order.with_events {
        return Err(anyhow!(
            "--events: what is replaced makes none; without --on-conflict replace"
        ));
    }
    let (source, total) = open(order)?;
    let reader = Arc::new(reader(Arc::clone(&app), settings, order)?);
    let mut report = Report::new(order.errors.as_deref())?;
    let mut progress = Progress::new(total);
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let most_bytes = settings.limits.document_bytes.max(settings.limits.body_bytes) + SPARE_BYTES;
    let batches = batches(Lines::new(source, most_bytes));
    let prepared =
        stream::unfold(batches, async |mut batches| Some((batches.recv().await?, batches)))
            .map(|batch| {
                let reader = Arc::clone(&reader);
                spawn_blocking(move || batch.map(|batch| (batch.bytes, rows(&reader, batch.lines))))
            })
            .buffered(workers);
    let mut prepared = std::pin::pin!(prepared);
    while let Some(batch) = prepared.next().await {
        let (bytes, rows) = batch.context("reading a line panicked")?.context("reading")?;
        write(&app, rows, on_conflict, &mut report).await?;
        progress.reached(report.summary.lines(), bytes);
        if report.summary.stopped_at.is_some() {
            break;
        }
    }
    drop(progress);
    report.finish()
}

/// Writes what can be written, and tells of each line in their order.
async fn write(
    app: &App,
    rows: Vec<Row>,
    on_conflict: OnConflict,
    report: &mut Report,
) -> anyhow::Result<()> {
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
            report.refused(*earlier, complaints)?;
        }
        report.imported(number, fate)?;
        if report.summary.stopped_at.is_some() {
            return Ok(());
        }
    }
    refused.try_for_each(|(number, complaints)| report.refused(*number, complaints))
}

fn rows(reader: &Reader, lines: Vec<Line>) -> Vec<Row> {
    let is_blank =
        |line: &Line| line.text.as_ref().is_some_and(|text| text.trim_ascii().is_empty());
    let row = |Line { number, text }: Line| match text {
        Some(text) => (number, reader.item(number, &text)),
        None => (number, Err(too_long())),
    };
    lines.into_iter().filter(|line| !is_blank(line)).map(row).collect()
}

fn too_long() -> Complaints {
    let problem = "is longer than limits.body_bytes and limits.document_bytes allow".to_owned();
    vec![crate::http::schema::Violation { pointer: String::new(), problem }]
}

/// Reads ahead on a thread of its own, by one batch.
fn batches<R: BufRead + Send + 'static>(
    mut lines: Lines<R>,
) -> mpsc::Receiver<std::io::Result<Batch>> {
    let (sender, receiver) = mpsc::channel(1);
    spawn_blocking(move || {
        while let Some(batch) = lines.batch().transpose() {
            let is_last = batch.is_err();
            if sender.blocking_send(batch).is_err() || is_last {
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

fn reader(app: Arc<App>, settings: &Settings, order: &Order) -> anyhow::Result<Reader> {
    let version = order.version.as_deref().map(super::version).transpose()?;
    let name = order.file.as_ref().and_then(|file| file.file_name());
    let name = name.map_or("-".into(), |name| name.to_string_lossy());
    let limits = &settings.limits;
    let href_prefixes =
        Version::ALL.into_iter().flat_map(|version| version.bases()).filter_map(|base| {
            Some(format!("{}{base}/partyInteraction/", settings.public_url.0.as_ref()?))
        });
    Ok(Reader {
        app,
        v4: Schemas::compile(Version::V4)?,
        v5: Schemas::compile(Version::V5)?,
        version,
        limits: json::Limits {
            depth: limits.json_depth + SPARE_DEPTH,
            items: limits.array_items,
            values: limits.json_values + SPARE_VALUES,
        },
        href_prefixes: href_prefixes.collect(),
        source: order.source.clone().unwrap_or_else(|| name.into_owned()),
        now: app::now(),
        with_events: order.with_events,
    })
}
