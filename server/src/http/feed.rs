//! GET on `/events` (D11): the event log as pages of JSON, or as a stream (Server-Sent Events, HTML
//! Living Standard §9.2) for as long as the connection lasts.
//!
//! A stream says where it stands in the `id` of each event, and now and then without one, so that who
//! wants few events is not sent back to the beginning of the log.

use crate::delivery::feed::{FeedError, Follower, Reading};
use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::media;
use crate::query::feed::{FeedQuery, place};
use crate::query::parse::QueryContext;
use bytes::Bytes;
use dropshot::Body;
use futures::stream;
use http::StatusCode;
use http::header::HeaderName;
use http_body_util::StreamBody;
use hyper::body::Frame;
use std::time::Duration;
use tmf683_generated::serving::Operation;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How often a stream on which nothing happens says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How soon a reader whose stream breaks should come back, in milliseconds.
const RETRY: u32 = 2000;
/// Pieces of a stream that may wait for its reader.
const AHEAD: usize = 1;

impl Call<'_> {
    /// GET on `/events`.
    pub async fn events(&self, operation: &'static Operation) -> Result<Answer, ApiError> {
        let href_prefix = self.href_prefix()?;
        let read = |context: &QueryContext<'_>| FeedQuery::parse(self.raw_query(), context);
        let query = self.reading(&href_prefix, read, ApiError::from).await?;
        let last = self.header(&HeaderName::from_static("last-event-id"))?;
        let last = last.map(|text| place("Last-Event-ID", text)).transpose()?;
        let since = last.or(query.since);
        let (filter, shape) = (Some(query.filter.clone()), self.version.shape());
        let reading = Reading { filter, shape, href_prefix };
        let feed = &self.context.feed;
        match media::chosen(self.request.headers(), operation.response_media_types) {
            Some(media::EVENT_STREAM) => {
                let follower = feed.follow(reading, since).await.map_err(refused)?;
                let stall = Duration::from_secs(self.context.limits.stream_stall_seconds);
                Ok(Answer::event_stream(streamed(follower, stall)))
            }
            _ => {
                let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
                let page = feed.page(&reading, since, most).await.map_err(refused)?;
                let next = format!("{}?{}", self.url("/events")?, query.after(page.read_to));
                let bodies = page.told.iter().map(|told| &told.body);
                Answer::json(StatusCode::OK, array(bodies)).next(&next)
            }
        }
    }
}

fn refused(error: FeedError) -> ApiError {
    match error {
        FeedError::Lost(kept_after) => ApiError::gone(format!(
            "since: events that follow it are no longer kept; since={kept_after} begins with the \
             oldest that is"
        )),
        FeedError::Beyond(head) => {
            ApiError::invalid_request(format!("since: the log ends at {head}"))
        }
        FeedError::TooMany => ApiError::busy("As many readers follow events as the server takes"),
        FeedError::Store(error) => error.into(),
    }
}

fn array<'a>(bodies: impl Iterator<Item = &'a Bytes> + Clone) -> Vec<u8> {
    let bytes = bodies.clone().map(|body| body.len() + 1).sum::<usize>() + 2;
    let mut text = Vec::with_capacity(bytes);
    text.push(b'[');
    for (n, body) in bodies.enumerate() {
        if n > 0 {
            text.push(b',');
        }
        text.extend_from_slice(body);
    }
    text.push(b']');
    text
}

/// The body of a stream. It is filled by a task of its own, which a reader who takes nothing cannot
/// hold up for longer than `stall`.
fn streamed(follower: Follower, stall: Duration) -> Body {
    let (taker, taken) = mpsc::channel(AHEAD);
    tokio::spawn(fill(follower, taker, stall));
    let frames = stream::unfold(taken, |mut taken| async move {
        let piece: Result<Bytes, String> = taken.recv().await?;
        Some((piece.map(Frame::data), taken))
    });
    Body::wrap(StreamBody::new(frames))
}

async fn fill(mut follower: Follower, taker: mpsc::Sender<Result<Bytes, String>>, stall: Duration) {
    let mut piece = Bytes::from(format!("retry: {RETRY}\nid: {}\n\n", follower.position()));
    loop {
        if taker.send_timeout(Ok(piece), stall).await.is_err() {
            return;
        }
        let told = tokio::select! {
            told = timeout(KEEP_ALIVE, follower.next()) => told,
            () = taker.closed() => return,
        };
        piece = match told {
            Ok(Some(told)) => {
                let mut text = format!("id: {}\nevent: {}\ndata: ", told.seq, told.kind.name());
                text.reserve(told.body.len() + 2);
                // A notification is one line of JSON.
                text.push_str(&String::from_utf8_lossy(&told.body));
                text.push_str("\n\n");
                text.into()
            }
            Ok(None) => return,
            Err(_) => format!(": still here\nid: {}\n\n", follower.position()).into(),
        };
    }
}
