//! Import and export of the admin API: the command line's, over a connection.
//!
//! ```text
//! body ─▶ parts ─▶ (a thread reads lines) ─▶ bulk::import ─▶ what is told ─▶ report, or lines of the answer
//! ```
//!
//! Nothing is read faster than it is stored, and nothing is read out faster than it is taken. An import
//! has a task of its own, which ends when its body breaks off, or when nobody is there to be told.

use crate::bulk::Audience;
use crate::bulk::export::{After, Export, ExportError, Exporter, Look};
use crate::bulk::import::{Importer, Manner, on_conflict};
use crate::bulk::{Columns, Summary};
use crate::config::Limits;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::media::{self, CSV, NDJSON};
use crate::http::schema::Violation;
use crate::http::version::Version;
use crate::query::error::QueryError;
use crate::query::fields::Fields;
use crate::query::parameters;
use crate::store::contract::{OnConflict, StoreError};
use bytes::Bytes;
use dropshot::{Body, RequestInfo};
use futures::{StreamExt, TryStreamExt};
use http::StatusCode;
use http_body_util::{BodyExt, StreamBody as Frames};
use hyper::body::Frame;
use std::convert::Infallible;
use std::future::pending;
use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;
use tmf683_generated::admin_v1::types::{Complaint, ImportReport};
use tmf683_generated::serving::{Operation, StreamBody};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Complaints in a report that is one JSON object.
const MOST_COMPLAINTS: usize = 100;
/// Parts of a body, and things to tell, that may wait to be taken.
const AHEAD: usize = 1;

/// POST on `/import`.
pub async fn import(
    context: &Context,
    request: &RequestInfo,
    body: StreamBody,
    operation: &'static Operation,
) -> Result<Answer, ApiError> {
    let manner = manner(request.uri().query().unwrap_or_default())?;
    let taken = operation.request_media_types;
    let media_type = body.media_type().unwrap_or_else(|| NDJSON.to_owned());
    if !taken.contains(&media_type.as_str()) {
        return Err(ApiError::unsupported_media_type(taken));
    }
    crate::http::body::as_it_is(request.headers())?;
    let place = context.load.import()?;
    let importer = Importer {
        app: Arc::clone(&context.app),
        schemas: Arc::clone(&context.schemas),
        limits: context.limits.clone(),
        public_url: context.public_url.clone(),
    };
    let (teller, mut told) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let _place = place;
        run(importer, manner, body.into_body(), teller).await;
    });
    if media::chosen(request.headers(), operation.response_media_types) == Some(NDJSON) {
        let lines = futures::stream::unfold(told, async |mut told| {
            let line = told.recv().await?.line();
            Some((Ok::<_, String>(Frame::data(Bytes::from(line))), told))
        });
        return Ok(Answer::stream(NDJSON, Body::wrap(Frames::new(lines))));
    }
    let mut complaints = Vec::new();
    while let Some(told) = told.recv().await {
        match told {
            Told::Complaint(complaint) if complaints.len() < MOST_COMPLAINTS => {
                complaints.push(complaint);
            }
            Told::Complaint(_) | Told::Reached(_) => {}
            Told::Done(summary) => {
                let report = ImportReport { complaints: Some(complaints), ..report(summary, true) };
                let text = serde_json::to_string(&report).map_err(ApiError::internal)?;
                return Ok(Answer::json(StatusCode::OK, text));
            }
            Told::Failed(error) => return Err(error),
        }
    }
    Err(ApiError::internal("an import ended without a word"))
}

fn manner(raw_query: &str) -> Result<Manner, ApiError> {
    let names = ["version", "onConflict", "events", "source"];
    let [version, conflict, events, source] = parameters::named(raw_query, names)?;
    let conflict = conflict.as_deref().unwrap_or("skip");
    let on_conflict =
        on_conflict(conflict).ok_or_else(|| expected("onConflict", "skip, replace or fail"))?;
    let with_events = match events.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(expected("events", "true or false")),
    };
    if on_conflict == OnConflict::Replace && with_events {
        let told = "events: what is replaced makes none; not with onConflict=replace";
        return Err(ApiError::invalid_request(told));
    }
    Ok(Manner { source, version: version.map(named).transpose()?, on_conflict, with_events })
}

fn named(version: String) -> Result<Version, ApiError> {
    Version::named(&version).ok_or_else(|| expected("version", "v4 or v5"))
}

fn expected(name: &str, what: &str) -> ApiError {
    ApiError::invalid_request(format!("{name}: expected {what}"))
}

/// What an import says on its way. `Done` or `Failed` is the last of it.
enum Told {
    Complaint(Complaint),
    Reached(Summary),
    Done(Summary),
    Failed(ApiError),
}

impl Told {
    /// A line of the answer.
    fn line(self) -> String {
        let text = match self {
            Self::Complaint(complaint) => serde_json::to_string(&complaint),
            Self::Reached(summary) => serde_json::to_string(&report(summary, false)),
            Self::Done(summary) => serde_json::to_string(&report(summary, true)),
            Self::Failed(error) => serde_json::to_string(&error),
        };
        text.unwrap_or_default() + "\n"
    }
}

fn report(summary: Summary, done: bool) -> ImportReport {
    let count = |number: u64| Some(i64::try_from(number).unwrap_or(i64::MAX));
    let Summary { created, replaced, skipped, same, refused, stopped_at } = summary;
    ImportReport {
        done: Some(done),
        created: count(created),
        replaced: count(replaced),
        skipped: count(skipped),
        same: count(same),
        refused: count(refused),
        stopped_at: stopped_at.and_then(count),
        ..ImportReport::default()
    }
}

/// From the first byte of the body to the last word about it.
async fn run(importer: Importer, manner: Manner, body: Body, teller: mpsc::Sender<Told>) {
    let Limits { body_seconds, stream_stall_seconds, .. } = importer.limits;
    let (sender, parts) = mpsc::channel(AHEAD);
    let source = Parts { parts, part: Bytes::new(), is_ended: false };
    let stall = Duration::from_secs(stream_stall_seconds);
    let mut listener = Listener { teller: teller.clone(), stall };
    let patience = Duration::from_secs(body_seconds);
    let outcome = tokio::select! {
        outcome = importer.import(manner, source, &mut listener) => outcome,
        never = async { hand_on(body, sender, patience).await; pending::<Infallible>().await } => {
            match never {}
        }
    };
    let last = match outcome {
        Ok(summary) => Told::Done(summary),
        Err(error) => Told::Failed(failed(error, body_seconds)),
    };
    // Who has gone away is told nothing.
    let _ = teller.send_timeout(last, stall).await;
}

/// What the caller can do about it.
fn failed(error: anyhow::Error, body_seconds: u64) -> ApiError {
    let error = match error.downcast::<StoreError>() {
        Ok(error) => return error.into(),
        Err(error) => error,
    };
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(ErrorKind::UnexpectedEof) => ApiError::incomplete_body(),
        Some(ErrorKind::TimedOut) => ApiError::body_too_slow(body_seconds),
        _ => ApiError::internal(format!("an import ended: {error:#}")),
    }
}

/// Whoever sent the request.
struct Listener {
    teller: mpsc::Sender<Told>,
    /// How long it may take to take what it is told.
    stall: Duration,
}

impl Listener {
    async fn tell(&self, told: Told) -> anyhow::Result<()> {
        let taken = self.teller.send_timeout(told, self.stall).await;
        // As when its body breaks off.
        taken.map_err(|_| io::Error::from(ErrorKind::UnexpectedEof).into())
    }
}

impl Audience for Listener {
    async fn complaint(&mut self, line: u64, violation: &Violation) -> anyhow::Result<()> {
        let Violation { pointer, problem } = violation.clone();
        self.tell(Told::Complaint(Complaint {
            line: i64::try_from(line).ok(),
            pointer: Some(pointer),
            problem: Some(problem),
            ..Complaint::default()
        }))
        .await
    }

    async fn reached(&mut self, summary: Summary, _bytes: u64) -> anyhow::Result<()> {
        self.tell(Told::Reached(summary)).await
    }
}

/// A part of a body; `None`: it has ended, as it should.
type Part = io::Result<Option<Bytes>>;

/// Hands a body on, part by part, as they are taken.
async fn hand_on(mut body: Body, parts: mpsc::Sender<Part>, patience: Duration) {
    loop {
        let part = match timeout(patience, body.frame()).await {
            Err(_) => Err(ErrorKind::TimedOut.into()),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(ErrorKind::UnexpectedEof.into()),
            // Trailers are not part of the content.
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if !data.is_empty() => Ok(Some(data)),
                _ => continue,
            },
        };
        let is_last = !matches!(part, Ok(Some(_)));
        if parts.send(part).await.is_err() || is_last {
            return;
        }
    }
}

/// A body, for a thread that waits for it.
struct Parts {
    parts: mpsc::Receiver<Part>,
    part: Bytes,
    is_ended: bool,
}

impl BufRead for Parts {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.part.is_empty() && !self.is_ended {
            // Whose hand is gone before the end has broken off.
            match self.parts.blocking_recv().unwrap_or(Err(ErrorKind::UnexpectedEof.into()))? {
                Some(part) => self.part = part,
                None => self.is_ended = true,
            }
        }
        Ok(&self.part)
    }

    fn consume(&mut self, bytes: usize) {
        drop(self.part.split_to(bytes));
    }
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

/// GET on `/export`.
pub async fn export(
    context: &Context,
    request: &RequestInfo,
    operation: &'static Operation,
) -> Result<Answer, ApiError> {
    let names = ["version", "query", "after", "fields", "format"];
    let raw_query = request.uri().query().unwrap_or_default();
    let [version, query, after, fields, format] = parameters::named(raw_query, names)?;
    let offered = match format.as_deref() {
        None => operation.response_media_types,
        Some("ndjson") => &[NDJSON][..],
        Some("csv") => &[CSV][..],
        Some(_) => return Err(expected("format", "ndjson or csv")),
    };
    let media_type = media::chosen(request.headers(), offered);
    let media_type = media_type.ok_or_else(|| ApiError::not_acceptable(offered))?;
    let look = match fields {
        None if media_type == CSV => return Err(expected("fields", "attributes, for CSV")),
        None => Look::Whole,
        Some(paths) if media_type == CSV => {
            let columns = Columns::parse(&paths);
            Look::Columns(
                columns.map_err(|error| ApiError::invalid_request(format!("fields: {error}")))?,
            )
        }
        Some(paths) => Look::Fields(Fields::parse(&paths).map_err(QueryError::from)?),
    };
    let exporter = Exporter {
        app: &context.app,
        limits: &context.limits,
        public_url: context.public_url.as_deref(),
        version: version.map(named).transpose()?.unwrap_or(Version::V5),
    };
    let after = after.as_deref().map_or(After::Nothing, After::Id);
    let export = exporter.export(query.as_deref().unwrap_or_default(), after, look).await;
    let export = export.map_err(|error| match error {
        ExportError::Query(error) => error.into(),
        ExportError::NoPlace(_) => ApiError::invalid_request(error.to_string()),
        ExportError::Store(error) => error.into(),
    })?;
    let (total, count) = (export.total, export.count);
    Answer::stream(media_type, written(export)).counts(total, count)
}

/// A body that is cut where it cannot be read on, so that it is not taken for all.
fn written(export: Export) -> Body {
    let pieces = export.pieces().map_ok(|piece| Frame::data(Bytes::from(piece)));
    // The log has it; a client sees the connection end.
    let pieces = pieces.inspect_err(|error| tracing::warn!("an export was cut: {error:#}"));
    Body::wrap(Frames::new(pieces.map(|piece| piece.map_err(|error| error.to_string()))))
}
