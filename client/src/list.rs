//! Lists: what to search for, one page, and all pages as a stream.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use reqwest::header::HeaderMap;
use url::Url;

use crate::answer::Answer;
use crate::error::Error;
use crate::link::{self, Pairs};

/// Page size of a stream where the query names none, as a count of interactions.
const PAGE_SIZE: u64 = 100;

/// What to search for. All filters have to hold.
///
/// ```
/// use tmf683_client::ListQuery;
///
/// let query = ListQuery::new()
///     .filter("relatedParty.partyOrPartyRole.id", "42")
///     .filter("status", "completed")
///     .jsonpath("$[?@.note[?@.author=='Ada']]")
///     .sort("-creationDate")
///     .fields("reason,status")
///     .page_size(50);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a query does nothing until it is given to `list`"]
pub struct ListQuery {
    filters: Pairs,
    sort: Option<String>,
    fields: Option<String>,
    page_size: Option<u64>,
}

impl ListQuery {
    /// Everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only interactions whose attribute `name` has `value`. Dots descend (`relatedParty.role`),
    /// also to attributes the document does not declare. Any other query parameter a server knows
    /// can be given the same way.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filters.push((name.into(), value.into()));
        self
    }

    /// Several filters at once, as names and values.
    pub fn filters<N: Into<String>, V: Into<String>>(
        mut self,
        filters: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.filters.extend(filters.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Only interactions of which a JSONPath (RFC 9535) selects something, in the shape of the
    /// client's version: `$[?(@.status=='opened' && @.note[?@.author=='Ada'])]`. Several have to do
    /// so each.
    pub fn jsonpath(self, path: impl Into<String>) -> Self {
        self.filter("filter", path)
    }

    /// In this order: attributes separated by commas, `-` in front of one for descending. Without it
    /// the server chooses.
    pub fn sort(self, sort: impl Into<String>) -> Self {
        Self { sort: Some(sort.into()), ..self }
    }

    /// Only these attributes: names separated by commas, dots reach nested ones, `id` and `href`
    /// always come.
    pub fn fields(self, fields: impl Into<String>) -> Self {
        Self { fields: Some(fields.into()), ..self }
    }

    /// How many interactions a stream asks for at a time, at least 1; 100 unless set.
    pub fn page_size(self, page_size: u64) -> Self {
        Self { page_size: Some(page_size.max(1)), ..self }
    }

    /// The query parameters for one page.
    fn pairs(&self, offset: u64, limit: Option<u64>) -> Pairs {
        let mut pairs = self.filters.clone();
        let mut put = |name: &str, value: String| pairs.push((name.to_owned(), value));
        for (name, value) in [("sort", &self.sort), ("fields", &self.fields)] {
            value.iter().for_each(|value| put(name, value.clone()));
        }
        if offset > 0 {
            put("offset", offset.to_string());
        }
        if let Some(limit) = limit {
            put("limit", limit.to_string());
        }
        pairs
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The interactions on it.
    pub items: Vec<T>,
    /// How many match in all (`X-Total-Count`); `None` where the server does not say.
    pub total: Option<u64>,
    /// How many are on this page: `X-Result-Count`, else counted.
    pub count: u64,
    /// Address of the next page (`Link` with `rel="next"`), absolute; `None` where the server gives
    /// none.
    pub next: Option<String>,
}

impl<T> Page<T> {
    fn new(answer: Answer<Vec<T>>, collection: &Url) -> (Self, Option<Url>) {
        let Answer { body: items, headers } = answer;
        let next = link::next(&headers, collection);
        let total = number(&headers, "x-total-count");
        let count = number(&headers, "x-result-count").unwrap_or(items.len() as u64);
        (Self { items, total, count, next: next.as_ref().map(Url::to_string) }, next)
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Asks a version's server for one page.
pub(crate) type Fetch<T> =
    Arc<dyn Fn(Pairs) -> BoxFuture<'static, Result<Answer<Vec<T>>, Error>> + Send + Sync>;

/// A list to be read, page by page or as a stream; made by a client's `list`.
pub struct Listing<T> {
    query: ListQuery,
    collection: Url,
    fetch: Fetch<T>,
    id: fn(&T) -> Option<&str>,
}

impl<T: Send + 'static> Listing<T> {
    pub(crate) fn new(
        query: ListQuery,
        collection: Url,
        fetch: Fetch<T>,
        id: fn(&T) -> Option<&str>,
    ) -> Self {
        Self { query, collection, fetch, id }
    }

    /// One page: at most `limit` interactions after the first `offset`. A `limit` of 0 asks for no
    /// interactions, for their total alone.
    ///
    /// # Errors
    ///
    /// Whatever a call can fail with; see [`Error`].
    pub async fn page(&self, offset: u64, limit: u64) -> Result<Page<T>, Error> {
        let answer = (self.fetch)(self.query.pairs(offset, Some(limit))).await?;
        Ok(Page::new(answer, &self.collection).0)
    }

    /// All interactions, page after page, each page fetched when it is needed.
    ///
    /// Follows the server's `Link` to the next page where it gives one and stays at the origin of
    /// the base, else counts on with `offset`, until the total is reached or a page is empty. The
    /// stream ends after its first error.
    ///
    /// ```no_run
    /// use futures::TryStreamExt;
    /// use tmf683_client::ListQuery;
    ///
    /// # async fn example(client: &tmf683_client::v4::Client) -> Result<(), tmf683_client::Error> {
    /// let of_ada = ListQuery::new().filter("relatedParty.id", "42");
    /// let mut found = client.list(of_ada).stream();
    /// while let Some(interaction) = found.try_next().await? {
    ///     println!("{:?}", interaction.reason);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a stream does nothing until it is polled"]
    pub fn stream(self) -> BoxStream<'static, Result<T, Error>> {
        let walk = Walk { listing: self, at: Some(At::Offset), seen: 0, first: None };
        stream::try_unfold(walk, Walk::step)
            .map_ok(|items| stream::iter(items.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("query", &self.query)
            .field("collection", &self.collection.as_str())
            .finish_non_exhaustive()
    }
}

/// Where the next page is.
#[derive(Debug, PartialEq)]
enum At {
    /// After as many interactions as were seen.
    Offset,
    /// Where the server said.
    Link(Pairs),
}

/// A stream's way through the pages.
struct Walk<T> {
    listing: Listing<T>,
    /// `None` after the last page.
    at: Option<At>,
    /// How many interactions have come.
    seen: u64,
    /// Identifier that the page before began with.
    first: Option<String>,
}

impl<T: Send + 'static> Walk<T> {
    async fn step(mut self) -> Result<Option<(Vec<T>, Self)>, Error> {
        let Some(at) = self.at.take() else { return Ok(None) };
        let Listing { query, collection, fetch, id } = &self.listing;
        let pairs = match &at {
            At::Offset => query.pairs(self.seen, Some(query.page_size.unwrap_or(PAGE_SIZE))),
            At::Link(pairs) => pairs.clone(),
        };
        let (page, next) = Page::new(fetch(pairs).await?, collection);
        let first = page.items.first().and_then(id).map(str::to_owned);
        if first.is_some() && first == self.first {
            return Err(Error::RepeatedPage { offset: self.seen });
        }
        self.first = first;
        self.seen += page.items.len() as u64;

        let link = next.and_then(|next| link::query(&next, collection)).map(At::Link);
        let link = link.filter(|next| *next != at);
        let complete = page.total.is_some_and(|total| self.seen >= total);
        self.at = match (link, at) {
            _ if page.items.is_empty() => None,
            (Some(link), _) => Some(link),
            // A server that gave links so far has none to give after the last page.
            (None, At::Link(_)) => None,
            (None, At::Offset) => Some(At::Offset).filter(|_| !complete),
        };
        Ok(Some((page.items, self)))
    }
}
