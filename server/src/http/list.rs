//! GET on the collection (TMF630 "Filtering", "Paging").
//!
//! A list that is short enough is one text. A longer one is streamed: its headers are true before
//! its first byte, and if the rest cannot be read the connection is cut, so that what arrived is
//! never taken for a whole list.

use crate::config::PartialStatus;
use crate::domain::interaction::Interaction;
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::version::Version;
use crate::query::fields::Fields;
use crate::query::page::{self, Place};
use crate::query::parse::{self, ListQuery, QueryContext};
use crate::store::contract::{Chunks, Items, PageQuery, Start};
use bytes::Bytes;
use dropshot::Body;
use futures::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use http_body_util::StreamBody;
use hyper::body::Frame;

/// How each interaction of a list looks.
struct View {
    version: Version,
    href_prefix: String,
    fields: Option<Fields>,
}

impl Call<'_> {
    /// GET on the collection.
    pub async fn list(&self) -> Result<Answer, ApiError> {
        let href_prefix = self.href_prefix()?;
        let ListQuery { filter, sort, after, offset, limit, fields } =
            self.list_query(&href_prefix).await?;
        let start = after.map_or(Start::Offset(offset), Start::After);
        let query = PageQuery { filter, sort: sort.clone(), start, limit };
        let page = self.context.app.list(query).await?;
        let view = View { version: self.version, href_prefix, fields };
        let body: Body = match page.items {
            Items::Read(items) => view.whole(&items)?.into(),
            Items::Streamed(chunks) => view.streamed(chunks),
        };
        let is_part = limit.is_some() && page.count < page.total;
        let status = match self.context.partial_status {
            PartialStatus::PartialContent if is_part => StatusCode::PARTIAL_CONTENT,
            _ => StatusCode::OK,
        };
        let url = self.url("/partyInteraction")?;
        let cursor = page.last.and_then(|last| last.to_cursor(sort.as_ref()));
        let (total, has_next, cursor) = (page.total, page.has_next, cursor.as_deref());
        let place = Place { offset, limit, total, has_next, cursor };
        let links = page::links(&url, self.raw_query(), place);
        let answer = Answer::json(status, body).page(page.total, page.count, &links)?;
        if self.context.explain { answer.explained(&page.plan) } else { Ok(answer) }
    }

    async fn list_query(&self, href_prefix: &str) -> Result<ListQuery, ApiError> {
        let read = |context: &QueryContext<'_>| parse::parse(self.raw_query(), context);
        self.reading(href_prefix, read, ApiError::from).await
    }
}

impl View {
    /// A JSON array.
    fn whole(&self, items: &[Interaction]) -> Result<String, ApiError> {
        let mut text = self.sequence('[', items)?;
        if items.is_empty() {
            text.push('[');
        }
        text.push(']');
        Ok(text)
    }

    /// A JSON array, piece by piece.
    fn streamed(self, chunks: Chunks) -> Body {
        let mut before = '[';
        let pieces = chunks.map(move |chunk| {
            // The log has it; a client sees the connection end.
            let items = chunk.inspect_err(|error| tracing::warn!(%error, "a list was cut"))?;
            let piece = self.sequence(before, &items)?;
            if !items.is_empty() {
                before = ',';
            }
            Ok::<_, ApiError>(piece)
        });
        let end = stream::iter([Ok("]".to_owned())]);
        let frames = pieces.chain(end).map_ok(|piece| Frame::data(Bytes::from(piece)));
        Body::wrap(StreamBody::new(frames.map_err(|error| error.to_string())))
    }

    /// With commas between them, and a character before the first.
    fn sequence(&self, before: char, items: &[Interaction]) -> Result<String, ApiError> {
        // Enough for most, so that the text is not copied while it grows.
        let known = |item: &Interaction| item.text.len() + item.id.len() + self.href_prefix.len();
        let bytes = items.iter().map(|item| known(item) + 64).sum();
        let (mut text, mut separator) = (String::with_capacity(bytes), before);
        for item in items {
            text.push(separator);
            separator = ',';
            text.push_str(&self.version.shown(item, &self.href_prefix, self.fields.as_ref())?);
        }
        Ok(text)
    }
}
