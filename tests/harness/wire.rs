//! Bytes on a socket, for requests no HTTP client would send, and whatever comes back.

use crate::DEADLINE;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back until the server closed the connection.
pub struct Reply {
    /// Of the last answer; `None` if what came is no HTTP/1 answer.
    pub status: Option<u16>,
    /// What follows its head.
    pub body: String,
    /// How many answers came.
    pub answers: usize,
    bytes: Vec<u8>,
}

/// Sends the bytes on a connection of their own, and waits until the server closes it.
///
/// # Panics
/// The server neither answers nor closes in time.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Reply {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    // A server that has heard enough closes before all is written, and what it said is still there.
    let request = request.to_vec();
    let writing = tokio::spawn(async move {
        let _ = writer.write_all(&request).await;
        writer
    });
    let mut bytes = Vec::new();
    let reading = timeout(DEADLINE, reader.read_to_end(&mut bytes)).await;
    let _ = reading.unwrap_or_else(|_| panic!("still open: {}", String::from_utf8_lossy(&bytes)));
    drop(writing.await);
    Reply::of(bytes)
}

impl Reply {
    fn of(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let starts: Vec<usize> = text.match_indices("HTTP/1.").map(|(at, _)| at).collect();
        let last = starts.last().map_or("", |at| &text[*at..]);
        let (head, body) = last.split_once("\r\n\r\n").unwrap_or((last, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self { status, body: body.to_owned(), answers: starts.len(), bytes }
    }

    /// The TMF `Error` in the body: its reason and message, if it is one and tells its status.
    pub fn told(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let is_error = body["@type"] == "Error" && !text("code").is_empty();
        let tells_status = Some(text("status")) == self.status.map(|status| status.to_string());
        (is_error && tells_status).then(|| format!("{}: {}", text("reason"), text("message")))
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.bytes[..self.bytes.len().min(1_000)];
        f.write_str(&String::from_utf8_lossy(shown))
    }
}
