//! The event log, read page by page: for programs that nobody can call.

use std::fmt;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::sleep;
use url::Url;

use crate::answer::Answer;
use crate::error::Error;
use crate::link::{self, Pairs};
use crate::list::Fetch;

/// How long to wait at the end of the log before looking again.
const POLL: Duration = Duration::from_secs(2);

/// Which events, and from where.
///
/// ```
/// use tmf683_client::EventQuery;
///
/// let query = EventQuery::new()
///     .filter("eventType", "PartyInteractionStatusChangeEvent")
///     .filter("event.partyInteraction.status", "completed")
///     .since("4711");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a query does nothing until it is given to `events`"]
pub struct EventQuery {
    filters: Pairs,
    since: Option<String>,
    page_size: Option<u64>,
    poll: Duration,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self { filters: Pairs::new(), since: None, page_size: None, poll: POLL }
    }
}

impl EventQuery {
    /// Every event, from the oldest the server keeps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events whose member `name` has `value`, as in the query of a subscription: `eventType`, or
    /// below `event.partyInteraction` what a list can be filtered by.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filters.push((name.into(), value.into()));
        self
    }

    /// Only events after this place, the [`EventPage::cursor`] of a page that was worked through.
    pub fn since(self, cursor: impl Into<String>) -> Self {
        Self { since: Some(cursor.into()), ..self }
    }

    /// How many events a page has at most; the server chooses unless set.
    pub fn page_size(self, page_size: u64) -> Self {
        Self { page_size: Some(page_size), ..self }
    }

    /// How long a stream waits at the end of the log before it looks again; 2 s unless set.
    pub fn poll_every(self, wait: Duration) -> Self {
        Self { poll: wait, ..self }
    }

    fn pairs(&self, since: Option<&str>) -> Pairs {
        let mut pairs = self.filters.clone();
        let mut put = |name: &str, value: String| pairs.push((name.to_owned(), value));
        since.into_iter().for_each(|since| put("since", since.to_owned()));
        self.page_size.into_iter().for_each(|size| put("limit", size.to_string()));
        pairs
    }
}

/// Some events, in the order in which they were recorded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventPage<T> {
    /// The events; a page may be empty before the end of the log, where a filter passes few.
    pub events: Vec<T>,
    /// The place after this page, opaque. Who keeps it once the page is worked through goes on there
    /// after a crash: what was not worked through comes again, with the same `eventId`. `None` where
    /// the server does not say.
    pub cursor: Option<String>,
}

/// The event log of a server; made by a client's `events`.
pub struct Events<T> {
    query: EventQuery,
    log: Url,
    fetch: Fetch<T>,
}

impl<T: Send + 'static> Events<T> {
    pub(crate) fn new(query: EventQuery, log: Url, fetch: Fetch<T>) -> Self {
        Self { query, log, fetch }
    }

    /// The first page.
    ///
    /// # Errors
    ///
    /// Whatever a call can fail with, see [`Error`]; a status of 410 where the server no longer keeps
    /// all that follows `since`.
    pub async fn page(&self) -> Result<EventPage<T>, Error> {
        self.page_after(self.query.since.as_deref()).await
    }

    async fn page_after(&self, since: Option<&str>) -> Result<EventPage<T>, Error> {
        let Answer { body: events, headers } = (self.fetch)(self.query.pairs(since)).await?;
        let next = link::next(&headers, &self.log).and_then(|next| link::query(&next, &self.log));
        let mut pairs = next.into_iter().flatten();
        let cursor = pairs.find_map(|(name, value)| (name == "since").then_some(value));
        Ok(EventPage { events, cursor })
    }

    /// Page after page, and at the end of the log those that come: the stream waits and looks again,
    /// without end. It ends after its first error, and where the server does not say how to go on.
    ///
    /// ```no_run
    /// use futures::TryStreamExt;
    /// use tmf683_client::EventQuery;
    ///
    /// # async fn example(client: &tmf683_client::v5::Client) -> Result<(), tmf683_client::Error> {
    /// let mut pages = client.events(EventQuery::new()).stream();
    /// while let Some(page) = pages.try_next().await? {
    ///     for event in &page.events {
    ///         println!("{:?} {:?}", event.event_type, event.event_id);
    ///     }
    ///     // Now keep `page.cursor`, to begin there next time.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a stream does nothing until it is polled"]
    pub fn stream(self) -> BoxStream<'static, Result<EventPage<T>, Error>> {
        let at = Some(self.query.since.clone());
        stream::try_unfold((self, at), |(events, at)| async move {
            let Some(since) = at else { return Ok(None) };
            loop {
                let page = events.page_after(since.as_deref()).await?;
                // A page that ends where it began is the end of the log.
                if page.cursor.is_some() && page.cursor == since {
                    sleep(events.query.poll).await;
                    continue;
                }
                let at = page.cursor.clone().map(Some);
                return Ok(Some((page, (events, at))));
            }
        })
        .boxed()
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("query", &self.query)
            .field("log", &self.log.as_str())
            .finish_non_exhaustive()
    }
}
