//! A stream of events (Server-Sent Events), read as it comes.

use crate::DEADLINE;
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

/// A stream that is being read. Dropping it closes the connection.
pub struct EventStream {
    response: Response,
    unread: Vec<u8>,
}

/// An event that came through a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Streamed {
    /// Where it stands.
    pub id: String,
    /// Its `event`.
    pub kind: String,
    /// Its `data`.
    pub body: Value,
}

impl EventStream {
    pub(crate) fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{response:?}");
        Self { response, unread: Vec::new() }
    }

    /// What comes up to an empty line; `None`: the stream has ended.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(String::from_utf8(block).unwrap().trim_end().to_owned());
            }
            let chunk = timeout(DEADLINE, self.response.chunk()).await.expect("more in time");
            match chunk.expect("a stream that ends as it should") {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None => {
                    assert_eq!(self.unread, b"", "the end of a block");
                    return None;
                }
            }
        }
    }

    /// The next event; `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<Streamed> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(data) = field("data: ") {
                return Some(Streamed {
                    id: field("id: ").unwrap().to_owned(),
                    kind: field("event: ").unwrap().to_owned(),
                    body: serde_json::from_str(data).unwrap(),
                });
            }
        }
    }

    /// The next events, and where the last of them stands.
    pub async fn take(&mut self, events: usize) -> (Vec<Value>, String) {
        let (mut bodies, mut last) = (Vec::new(), String::new());
        for _ in 0..events {
            let Streamed { id, kind, body } = self.next().await.expect("one more event");
            assert_eq!(body["eventType"], kind);
            bodies.push(body);
            last = id;
        }
        (bodies, last)
    }
}
