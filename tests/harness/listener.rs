//! A listener: takes notifications as they come over the wire, answers as it is told, and remembers.

use crate::DEADLINE;
use crate::document::Document;
use serde_json::Value;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What a listener does with a notification.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reaction {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and this header line.
    Header(u16, &'static str),
    /// Keeps the connection and says nothing.
    Hang,
    /// Closes the connection and says nothing.
    HangUp,
    /// Closes it in the middle of an answer of this status.
    BreakOff(u16),
}

impl Reaction {
    /// The notification was taken.
    pub const OK: Self = Self::Status(204);

    /// An answer's head says it all.
    fn acknowledges(self) -> bool {
        matches!(self, Self::Status(status) | Self::Header(status, _) | Self::BreakOff(status)
            if (200..300).contains(&status))
    }
}

/// A notification.
#[derive(Debug)]
pub struct Notification {
    /// What it was posted to.
    pub path: String,
    /// All headers, as they were written.
    pub head: String,
    /// Its body.
    pub body: Value,
}

impl Notification {
    /// A text in its body.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> &str {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer}: {}", self.body))
    }

    /// Insists that it is what the document says about its `eventType`.
    #[track_caller]
    pub fn is_declared_by(&self, document: &Document) {
        let kind = self.text_at("/eventType");
        let path = format!("/listener/p{}", kind.strip_prefix('P').unwrap());
        let body = document.resolved(&document.root()["paths"][path]["post"]["requestBody"]);
        let (_, content) = body["content"].as_object().unwrap().iter().next().unwrap();
        let validator = document.validator(&content["schema"]);
        let complaints: Vec<_> = validator
            .iter_errors(&self.body)
            .map(|error| format!("{}: {}", error.instance_path(), error.masked()))
            .collect();
        assert!(complaints.is_empty(), "{complaints:?}\n{}", self.body);
    }
}

type Script = dyn Fn(usize) -> Reaction + Send + Sync;

/// What happens at all addresses of one listener.
struct State {
    script: Box<Script>,
    heard: Mutex<Heard>,
    told: Notify,
}

/// What came.
#[derive(Default)]
struct Heard {
    received: Vec<Arc<Notification>>,
    acknowledged: Vec<Arc<Notification>>,
    event_ids: HashSet<String>,
}

/// A listener on a port the system picks, until it is closed or dropped.
pub struct Listener {
    address: SocketAddr,
    state: Arc<State>,
    tasks: JoinSet<()>,
}

impl Listener {
    /// Acknowledges everything.
    pub async fn good() -> Self {
        Self::with(|_| Reaction::OK).await
    }

    /// Answers the n-th notification, from 0, as `script` says.
    pub async fn with(script: impl Fn(usize) -> Reaction + Send + Sync + 'static) -> Self {
        let state =
            State { script: Box::new(script), heard: Mutex::default(), told: Notify::new() };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut listener = Self { address, state: Arc::new(state), tasks: JoinSet::new() };
        listener.open().await;
        listener
    }

    /// Where it takes notifications.
    pub fn callback(&self) -> String {
        format!("http://{}/events?of=us", self.address)
    }

    /// Closes the port and all connections: who connects is refused.
    pub async fn close(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Opens the same port again.
    pub async fn open(&mut self) {
        let socket = TcpListener::bind(self.address).await.unwrap();
        self.address = socket.local_addr().unwrap();
        let state = Arc::clone(&self.state);
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = socket.accept().await {
                connections.spawn(serve(stream, Arc::clone(&state)));
            }
        });
    }

    /// How many notifications came, whatever was answered.
    pub fn received(&self) -> usize {
        self.state.heard.lock().unwrap().received.len()
    }

    /// Waits until so many came, whatever was answered, and says which events they told of.
    pub async fn receives(&self, count: usize) -> Vec<String> {
        self.wait(|heard| heard.received.len() >= count).await;
        let heard = self.state.heard.lock().unwrap();
        heard.received.iter().map(|one| one.text_at("/eventId").to_owned()).collect()
    }

    /// All that came, whatever was answered.
    pub fn all(&self) -> Vec<Arc<Notification>> {
        self.state.heard.lock().unwrap().received.clone()
    }

    /// Those acknowledged, each event once, in the order they first came.
    pub fn acknowledged(&self) -> Vec<Arc<Notification>> {
        self.state.heard.lock().unwrap().acknowledged.clone()
    }

    /// Waits until the condition holds for what was acknowledged.
    pub async fn until(
        &self,
        mut condition: impl FnMut(&[Arc<Notification>]) -> bool,
    ) -> Vec<Arc<Notification>> {
        self.wait(|heard| condition(&heard.acknowledged)).await;
        self.acknowledged()
    }

    async fn wait(&self, mut condition: impl FnMut(&Heard) -> bool) {
        let wait = async {
            loop {
                let told = self.state.told.notified();
                if condition(&self.state.heard.lock().unwrap()) {
                    return;
                }
                told.await;
            }
        };
        timeout(DEADLINE, wait).await.unwrap_or_else(|_| {
            let (all, once) = (self.received(), self.acknowledged().len());
            panic!("{all} notifications came, {once} events were acknowledged")
        });
    }

    /// Waits for so many events.
    pub async fn acknowledges(&self, count: usize) -> Vec<Arc<Notification>> {
        self.until(|acknowledged| acknowledged.len() >= count).await
    }
}

/// One connection, kept alive as long as answers are whole.
async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let mut read = Vec::new();
    while let Some(notification) = next_request(&mut stream, &mut read).await {
        let notification = Arc::new(notification);
        let reply = {
            let mut heard = state.heard.lock().unwrap();
            let reply = (state.script)(heard.received.len());
            heard.received.push(Arc::clone(&notification));
            let event_id = notification.text_at("/eventId").to_owned();
            if reply.acknowledges() && heard.event_ids.insert(event_id) {
                heard.acknowledged.push(notification);
            }
            reply
        };
        let answer = match reply {
            Reaction::Status(204) => "HTTP/1.1 204 x\r\n\r\n".to_owned(),
            Reaction::Status(status) => {
                format!("HTTP/1.1 {status} x\r\nContent-Length: 2\r\n\r\nok")
            }
            Reaction::Header(status, line) => {
                format!("HTTP/1.1 {status} x\r\n{line}\r\nContent-Length: 2\r\n\r\nok")
            }
            Reaction::BreakOff(status) => {
                format!("HTTP/1.1 {status} x\r\nContent-Length: 9\r\n\r\nok")
            }
            Reaction::HangUp => String::new(),
            Reaction::Hang => std::future::pending().await,
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        state.told.notify_waiters();
        if !matches!(reply, Reaction::Status(_) | Reaction::Header(..)) {
            return;
        }
    }
}

/// The next request; `None`: nobody sends any more.
async fn next_request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Notification> {
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8(read[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
            });
            let length: usize = length.unwrap_or_default();
            if read.len() >= end + length {
                let rest = read.split_off(end + length);
                let text = String::from_utf8(read[end..].to_vec()).unwrap();
                *read = rest;
                let path = head.split(' ').nth(1)?.to_owned();
                let body = serde_json::from_str(&text).unwrap();
                return Some(Notification { path, head, body });
            }
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}
