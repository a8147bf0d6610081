//! Out of the store: the interactions of a list, from one snapshot, a line each.
//!
//! The query is that of a list, in the words of the version asked for. `href` is left out where it is
//! our own and nobody said what clients reach us by: then an import into another store makes it that
//! store's own.

use super::columns::Columns;
use super::output::Output;
use crate::app::App;
use crate::config::Settings;
use crate::domain::interaction::Interaction;
use crate::http::version::Version;
use crate::query::fields::Fields;
use crate::query::parse::{self, ListQuery, QueryContext, QueryLimits};
use crate::query::sort::Sort;
use crate::store::contract::{Items, PageQuery, Start};
use anyhow::{Context, anyhow, bail};
use futures::{StreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::path::PathBuf;

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
    /// `ndjson` or `csv`.
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
    let version = super::version(&order.version)?;
    let public_url = settings.public_url.0.as_ref();
    let href_prefix =
        public_url.map(|root| format!("{root}{}/partyInteraction/", version.bases()[0]));
    let asking = Asking { app, settings, version, href_prefix: href_prefix.as_deref() };
    let query = asking.query(order)?;
    let sort = query.sort.clone();
    let look = look(order, query.fields)?;
    let start = query.after.map_or(Start::Offset(query.offset), Start::After);
    let page = PageQuery { filter: query.filter, sort: query.sort, start, limit: query.limit };
    let page = app.list(page).await.context("the query")?;
    let mut output = Output::open(order.file.as_deref(), order.replace)?;
    if let Look::Columns(columns) = &look {
        output.write(&columns.head())?;
    }
    let mut chunks = match page.items {
        Items::Read(items) => stream::iter([Ok(items)]).boxed(),
        Items::Streamed(chunks) => chunks.boxed(),
    };
    let (mut written, mut last) = (0, None);
    let mut interrupted = std::pin::pin!(interrupted);
    let failure = loop {
        let chunk = tokio::select! {
            chunk = chunks.next() => chunk,
            () = &mut interrupted => break None,
        };
        match chunk {
            None => break None,
            Some(Err(error)) => break Some(error),
            Some(Ok(items)) => {
                for item in &items {
                    output.write(&asking.shown(item, &look)?)?;
                }
                written += items.len() as u64;
                last = items.into_iter().next_back().map(|item| item.id).or(last);
            }
        }
    };
    let cursor = match &last {
        Some(id) => asking.cursor(id, sort).await?,
        None => order.after.clone(),
    };
    if let Some(error) = failure {
        let cursor = cursor.unwrap_or_default();
        return Err(anyhow!(error).context(format!("after {written}, go on with --after {cursor}")));
    }
    let is_whole = written == page.count;
    let part = if is_whole { output.finish().map(|()| None) } else { output.interrupt() };
    Ok(Exported { written, asked: page.count, cursor, part: part.context("the output")? })
}

/// What a line shows.
enum Look {
    Whole,
    Fields(Fields),
    Columns(Columns),
}

fn look(order: &Order, of_query: Option<Fields>) -> anyhow::Result<Look> {
    match (order.format.as_str(), &order.fields) {
        ("ndjson", None) => Ok(of_query.map_or(Look::Whole, Look::Fields)),
        ("ndjson", Some(fields)) => Ok(Look::Fields(Fields::parse(fields)?)),
        ("csv", Some(fields)) => Ok(Look::Columns(Columns::parse(fields)?)),
        ("csv", None) => bail!("--format csv needs --fields"),
        (other, _) => bail!("--format: {other} is not ndjson or csv"),
    }
}

/// One version's way to ask and to show.
struct Asking<'a> {
    app: &'a App,
    settings: &'a Settings,
    version: Version,
    href_prefix: Option<&'a str>,
}

impl Asking<'_> {
    fn query(&self, order: &Order) -> anyhow::Result<ListQuery> {
        let mut raw = order.filter.clone().unwrap_or_default();
        if let Some(cursor) = &order.after {
            let and = if raw.is_empty() { "" } else { "&" };
            raw = format!("{raw}{and}cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC));
        }
        self.parsed(&raw)
    }

    fn parsed(&self, raw: &str) -> anyhow::Result<ListQuery> {
        let limits = &self.settings.limits;
        let shape = self.version.shape();
        let context = QueryContext {
            vocabulary: self.app.vocabulary(),
            canonical_paths: &|path| shape.canonical_paths(path),
            knows_extension: &|path| self.app.knows_extension_path(path),
            shape,
            href_prefix: self.href_prefix.unwrap_or_default(),
            limits: QueryLimits {
                comparisons: limits.conditions,
                items: None,
                regex_bytes: limits.regex_bytes,
                jsonpath_bytes: limits.jsonpath_bytes,
            },
        };
        parse::parse(raw, &context).context("--filter")
    }

    /// The cursor of an interaction: what a page with nothing else in it ends at.
    async fn cursor(&self, id: &str, sort: Option<Sort>) -> anyhow::Result<Option<String>> {
        let filter = self.parsed(&format!("id={}", utf8_percent_encode(id, NON_ALPHANUMERIC)))?;
        let start = Start::Offset(0);
        let query = PageQuery { filter: filter.filter, sort: sort.clone(), start, limit: Some(1) };
        let page = self.app.list(query).await.context("the cursor")?;
        Ok(page.last.and_then(|last| last.to_cursor(sort.as_ref())))
    }

    fn shown(&self, interaction: &Interaction, look: &Look) -> anyhow::Result<String> {
        let identity = interaction.identity();
        let href = match (self.href_prefix, identity.foreign_href) {
            (None, foreign) => foreign.map(str::to_owned),
            (Some(prefix), _) => Some(identity.href(prefix)),
        };
        if let (Version::V5, Look::Whole) = (self.version, look) {
            // The stored text is this version's: nothing to parse.
            return Ok(interaction.to_text_with(href.as_deref()) + "\n");
        }
        let members = interaction.members().with_context(|| interaction.id.clone())?;
        let whole = identity.before_with(self.version.view(members), href.as_deref());
        Ok(match look {
            Look::Whole => format!("{}\n", Value::Object(whole)),
            Look::Columns(columns) => columns.row(&whole),
            Look::Fields(fields) => {
                let shown = fields.apply(whole, self.version.always_shows_type());
                format!("{}\n", Value::Object(shown))
            }
        })
    }
}
