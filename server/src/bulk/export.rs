//! Out of the store: the interactions of a list, from one snapshot, a line each.
//!
//! The query is that of a list, in the words of the version asked for. `href` is left out where it is
//! our own and nobody said what clients reach us by: then an import into another store makes it that
//! store's own.

use super::columns::Columns;
use super::output::Output;
use super::table::Table;
use crate::app::App;
use crate::config::{Limits, Settings};
use crate::domain::interaction::{Interaction, Members};
use crate::http::version::Version;
use crate::query::cursor::Position;
use crate::query::error::QueryError;
use crate::query::fields::Fields;
use crate::query::parse::{self, ListQuery, QueryContext, QueryLimits};
use crate::query::sort::Sort;
use crate::query::vocabulary::Kind;
use crate::store::contract::{Chunks, Items, Page, PageQuery, Start, StoreError};
use anyhow::{Context, anyhow, bail};
use futures::{Stream, StreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

const PARQUET: &str = "parquet";

/// What is to be exported, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// `None`: standard output.
    pub file: Option<PathBuf>,
    /// Whether a file that is there is replaced.
    pub replace: bool,
    /// `v4` or `v5`.
    pub version: String,
    /// The query of a list, percent-encoded as in a URL; `None`: all.
    pub filter: Option<String>,
    /// Go on behind this cursor.
    pub after: Option<String>,
    /// Dotted paths with commas between them; `None`: all members.
    pub fields: Option<String>,
    /// `ndjson`, `csv` or `parquet`.
    pub format: String,
}

/// How it ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exported {
    /// Interactions written.
    pub written: u64,
    /// Those that were to be.
    pub asked: u64,
    /// Behind which to go on; `None` where nothing was written or the last one is gone meanwhile.
    pub cursor: Option<String>,
    /// Where the lines of an interrupted export are.
    pub part: Option<PathBuf>,
}

impl Exported {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.written == self.asked
    }
}

/// Exports until all is written, or until `interrupted`.
///
/// # Errors
/// The query cannot be honoured, the store cannot be read, or the output takes no more.
pub(crate) async fn run(
    app: &App,
    settings: &Settings,
    order: &Order,
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<Exported> {
    let exporter = Exporter {
        app,
        limits: &settings.limits,
        public_url: settings.public_url.0.as_deref(),
        version: super::version(&order.version)?,
    };
    let after = order.after.as_deref().map_or(After::Nothing, After::Cursor);
    let look = look(&order.format, order.fields.as_deref())?;
    let query = order.filter.as_deref().unwrap_or_default();
    let mut export = exporter.export(query, after, look).await.map_err(|error| match error {
        ExportError::Query(error) => anyhow!(error).context("--filter"),
        other => anyhow!(other),
    })?;
    let output = Output::open(order.file.as_deref(), order.replace)?;
    let mut sheet = match (&export.view.look, order.format.as_str()) {
        (Look::Columns(columns), PARQUET) => {
            let paths = columns.paths().iter().cloned();
            Sheet::Table(Box::new(Table::create(
                output,
                paths.map(|path| exporter.with_kind(path)),
            )?))
        }
        _ => Sheet::begin(output, &export.head())?,
    };
    let (mut written, mut last) = (0, None);
    let mut interrupted = std::pin::pin!(interrupted);
    let failure = loop {
        let chunk = tokio::select! {
            chunk = export.chunks.next() => chunk,
            () = &mut interrupted => break None,
        };
        match chunk {
            None => break None,
            Some(Err(error)) => break Some(error),
            Some(Ok(items)) => {
                for item in &items {
                    sheet.add(&export.view, item)?;
                }
                written += items.len() as u64;
                last = items.into_iter().next_back().map(|item| item.id).or(last);
            }
        }
    };
    let cursor = match &last {
        Some(id) => {
            let position = exporter.position(id, export.sort.clone()).await?;
            position.and_then(|position| position.to_cursor(export.sort.as_ref()))
        }
        None => order.after.clone(),
    };
    if let Some(error) = failure {
        let cursor = cursor.unwrap_or_default();
        return Err(anyhow!(error).context(format!("after {written}, go on with --after {cursor}")));
    }
    let is_whole = written == export.count;
    let output = sheet.end()?;
    let part = if is_whole { output.finish().map(|()| None) } else { output.interrupt() };
    Ok(Exported { written, asked: export.count, cursor, part: part.context("the output")? })
}

/// What is written to.
enum Sheet {
    Lines(Output),
    Table(Box<Table<Output>>),
}

impl Sheet {
    fn begin(mut output: Output, head: &str) -> anyhow::Result<Self> {
        output.write_all(head.as_bytes())?;
        Ok(Self::Lines(output))
    }

    fn add(&mut self, view: &View, interaction: &Interaction) -> anyhow::Result<()> {
        match self {
            Self::Lines(output) => Ok(output.write_all(view.shown(interaction)?.as_bytes())?),
            Self::Table(table) => {
                table.row(&view.whole(interaction)?).with_context(|| interaction.id.clone())
            }
        }
    }

    /// What is in it can be read.
    fn end(self) -> anyhow::Result<Output> {
        match self {
            Self::Lines(output) => Ok(output),
            Self::Table(table) => table.finish(),
        }
    }
}

fn look(format: &str, fields: Option<&str>) -> anyhow::Result<Look> {
    match (format, fields) {
        ("ndjson", None) => Ok(Look::Whole),
        ("ndjson", Some(fields)) => Ok(Look::Fields(Fields::parse(fields)?)),
        ("csv" | PARQUET, Some(fields)) => {
            Ok(Look::Columns(Columns::parse(fields).context("--fields")?))
        }
        ("csv" | PARQUET, None) => bail!("--format {format} needs --fields"),
        (other, _) => bail!("--format: {other} is not ndjson, csv or parquet"),
    }
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The query cannot be honoured.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Nothing is there to go on behind.
    #[error("after: there is no interaction {0} to go on behind")]
    NoPlace(String),
    /// It could not be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
}

/// Where an export begins.
pub(crate) enum After<'a> {
    Nothing,
    /// Behind a cursor, as an export and the `next` links of lists end with.
    Cursor(&'a str),
    /// Behind the interaction of an id.
    Id(&'a str),
}

/// What a line shows.
pub(crate) enum Look {
    Whole,
    Fields(Fields),
    Columns(Columns),
}

/// One version's way to ask and to show.
pub(crate) struct Exporter<'a> {
    pub(crate) app: &'a App,
    pub(crate) limits: &'a Limits,
    pub(crate) public_url: Option<&'a str>,
    pub(crate) version: Version,
}

/// A list on its way out.
pub(crate) struct Export {
    /// All that match.
    pub(crate) total: u64,
    /// How many are shown.
    pub(crate) count: u64,
    chunks: Chunks,
    sort: Option<Sort>,
    view: View,
}

/// How a line is made.
struct View {
    version: Version,
    href_prefix: Option<String>,
    look: Look,
}

impl Exporter<'_> {
    /// Finds what is to be shown; it is read as it is taken.
    pub(crate) async fn export(
        &self,
        query: &str,
        after: After<'_>,
        look: Look,
    ) -> Result<Export, ExportError> {
        let ListQuery { filter, sort, after: cursor, offset, limit, fields } = match after {
            After::Cursor(cursor) => {
                let and = if query.is_empty() { "" } else { "&" };
                let cursor = utf8_percent_encode(cursor, NON_ALPHANUMERIC);
                self.parsed(&format!("{query}{and}cursor={cursor}"))?
            }
            After::Nothing | After::Id(_) => self.parsed(query)?,
        };
        let place = match after {
            After::Id(id) => {
                let place = self.position(id, sort.clone()).await?;
                Some(place.ok_or_else(|| ExportError::NoPlace(id.to_owned()))?)
            }
            After::Nothing | After::Cursor(_) => cursor,
        };
        let start = place.map_or(Start::Offset(offset), Start::After);
        let page = PageQuery { filter, sort: sort.clone(), start, limit };
        let Page { total, count, items, .. } = self.app.list(page).await?;
        let chunks: Chunks = match items {
            Items::Read(items) => Box::pin(stream::iter([Ok(items)])),
            Items::Streamed(chunks) => chunks,
        };
        let look = match (look, fields) {
            (Look::Whole, Some(fields)) => Look::Fields(fields),
            (look, _) => look,
        };
        let view = View { version: self.version, href_prefix: self.href_prefix(), look };
        Ok(Export { total, count, chunks, sort, view })
    }

    /// A path of this version, and whether date-times are there.
    fn with_kind(&self, path: Vec<String>) -> (Vec<String>, bool) {
        let canonical = self.version.shape().canonical_paths(&path);
        let kind = |path: &Vec<String>| self.app.vocabulary().kind_of(path);
        let is_time = canonical.iter().filter_map(kind).any(|kind| kind == Kind::Instant);
        (path, is_time)
    }

    fn href_prefix(&self) -> Option<String> {
        let base = self.version.bases()[0];
        self.public_url.map(|root| format!("{root}{base}/partyInteraction/"))
    }

    fn parsed(&self, raw: &str) -> Result<ListQuery, QueryError> {
        let (limits, shape) = (self.limits, self.version.shape());
        let context = QueryContext {
            vocabulary: self.app.vocabulary(),
            canonical_paths: &|path| shape.canonical_paths(path),
            knows_extension: &|path| self.app.knows_extension_path(path),
            shape,
            href_prefix: &self.href_prefix().unwrap_or_default(),
            limits: QueryLimits {
                comparisons: limits.conditions,
                items: None,
                regex_bytes: limits.regex_bytes,
                jsonpath_bytes: limits.jsonpath_bytes,
            },
        };
        parse::parse(raw, &context)
    }

    /// The place of an interaction: what a page with nothing else in it ends at.
    async fn position(
        &self,
        id: &str,
        sort: Option<Sort>,
    ) -> Result<Option<Position>, ExportError> {
        let filter = self.parsed(&format!("id={}", utf8_percent_encode(id, NON_ALPHANUMERIC)))?;
        let start = Start::Offset(0);
        let query = PageQuery { filter: filter.filter, sort, start, limit: Some(1) };
        Ok(self.app.list(query).await?.last)
    }
}

impl Export {
    /// What stands before the first line.
    fn head(&self) -> String {
        match &self.view.look {
            Look::Columns(columns) => columns.head(),
            Look::Whole | Look::Fields(_) => String::new(),
        }
    }

    /// All of it, many lines at a time. After an error nothing comes.
    pub(crate) fn pieces(self) -> impl Stream<Item = anyhow::Result<String>> + Send + Sync {
        let (head, view) = (self.head(), self.view);
        let lines = self.chunks.map(move |items| {
            let items = items?;
            items.iter().map(|item| view.shown(item)).collect()
        });
        stream::iter([Ok(head)]).chain(lines)
    }
}

impl View {
    /// A line, with its end.
    fn shown(&self, interaction: &Interaction) -> anyhow::Result<String> {
        if let (Version::V5, Look::Whole) = (self.version, &self.look) {
            // The stored text is this version's: nothing to parse.
            return Ok(interaction.to_text_with(self.href(interaction).as_deref()) + "\n");
        }
        let whole = self.whole(interaction)?;
        Ok(match &self.look {
            Look::Whole => format!("{}\n", Value::Object(whole)),
            Look::Columns(columns) => columns.row(&whole),
            Look::Fields(fields) => {
                let shown = fields.apply(whole, self.version.always_shows_type());
                format!("{}\n", Value::Object(shown))
            }
        })
    }

    /// All members, as this version shows them.
    fn whole(&self, interaction: &Interaction) -> anyhow::Result<Members> {
        let members = interaction.members().with_context(|| interaction.id.clone())?;
        let view = self.version.view(members);
        Ok(interaction.identity().before_with(view, self.href(interaction).as_deref()))
    }

    fn href(&self, interaction: &Interaction) -> Option<String> {
        let identity = interaction.identity();
        match (&self.href_prefix, identity.foreign_href) {
            (None, foreign) => foreign.map(str::to_owned),
            (Some(prefix), _) => Some(identity.href(prefix)),
        }
    }
}
