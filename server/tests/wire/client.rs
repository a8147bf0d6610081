//! A server of its own for each test, and the least HTTP client that can misbehave.

use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use tempfile::TempDir;
use tmf683_server::config::{Flags, Limits, Settings};
use tmf683_server::{Running, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where v5 hangs.
pub const V5: &str = "/tmf-api/partyInteraction/v5";
/// Where v4 hangs.
pub const V4: &str = "/tmf-api/partyInteraction/v4";

/// A server on a port and a database of its own.
pub struct Server {
    running: Running,
    directory: TempDir,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With other bounds than the defaults.
    pub async fn with(limit: impl FnOnce(&mut Limits)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(&directory);
        limit(&mut settings.limits);
        Self { running: start(settings).await.unwrap(), directory }
    }

    /// Stops, and starts again on the same database.
    pub async fn restart(self) -> Self {
        self.running.stop().await.unwrap();
        let running = start(settings(&self.directory)).await.unwrap();
        Self { running, directory: self.directory }
    }

    pub fn address(&self) -> SocketAddr {
        self.running.local_addr()
    }

    pub async fn send(&self, request: Request) -> Response {
        request.send_to(self.address()).await
    }

    /// Creates an interaction with these members through v5 and answers its id.
    pub async fn create(&self, members: &str) -> String {
        let request = Request::new("POST", V5, "").body(&interaction(members));
        let response = self.send(request).await;
        assert_eq!(response.status, 201, "{}", response.body);
        response.json()["id"].as_str().unwrap().to_owned()
    }

    /// The interaction as a version shows it.
    pub async fn get(&self, base: &str, id: &str) -> Value {
        self.send(Request::new("GET", base, id)).await.json()
    }
}

/// What v5 wants in an interaction, and `members` after it.
pub fn interaction(members: &str) -> String {
    let channel = r#"{"@type":"ChannelRef","id":"7","name":"phone"}"#;
    let channel = format!(r#"{{"@type":"RelatedChannel","role":"origin","channel":{channel}}}"#);
    let wanted =
        format!(r#""@type":"PartyInteraction","direction":"in","relatedChannel":[{channel}]"#);
    format!("{{{wanted},{members}}}")
}

fn settings(directory: &TempDir) -> Settings {
    let store = format!("sqlite:{}", directory.path().join("test.db").display());
    let flags =
        Flags { listen: Some("127.0.0.1:0".into()), store: Some(store), ..Flags::default() };
    Settings::load(&flags).unwrap()
}

/// One request, on a connection of its own.
#[derive(Clone)]
pub struct Request {
    method: &'static str,
    path: String,
    headers: String,
    body: String,
}

impl Request {
    /// On the collection, or on one interaction where `id` is not empty.
    pub fn new(method: &'static str, base: &str, id: &str) -> Self {
        let path = format!("{base}/partyInteraction/{id}");
        let path = path.trim_end_matches('/').to_owned();
        Self { method, path, headers: String::new(), body: String::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    pub fn query(mut self, query: &str) -> Self {
        self.path += &format!("?{query}");
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub async fn send_to(self, address: SocketAddr) -> Response {
        let length = self.body.len();
        self.send_announcing(address, length).await
    }

    /// As if the body had `length` bytes.
    pub async fn send_announcing(self, address: SocketAddr, length: usize) -> Response {
        let Self { method, path, headers, body } = self;
        let host = if headers.contains("Host: ") { "" } else { "Host: tmf683.example\r\n" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        Response::parse(&String::from_utf8(bytes).unwrap())
    }
}

/// One answer.
pub struct Response {
    pub status: u16,
    /// By their names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Response {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        });
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The `message` of a TMF error of this status.
    #[track_caller]
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        let body = self.json();
        assert_eq!(body["@type"], "Error");
        assert_eq!(body["status"], status.to_string());
        body["message"].as_str().unwrap_or_default().to_owned()
    }
}
