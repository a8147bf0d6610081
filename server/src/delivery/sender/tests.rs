//! Attempts at real listeners: sockets that answer, or do not, byte by byte as they are told.

use super::*;
use crate::delivery::resolver::tests::{allowing, stub};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Long enough for every answer that comes at all.
const PATIENT: Duration = Duration::from_secs(20);
/// For those that never come.
const IMPATIENT: Duration = Duration::from_millis(300);

/// What a listener does once it has written its answer.
#[derive(Clone, Copy)]
enum Then {
    /// Waits for the next request.
    KeepsOpen,
    /// Closes the connection.
    Closes,
    /// Writes on, and never ends.
    Babbles,
}

/// A listener that gives everybody the same answer.
struct Listener {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What a listener saw.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
    babbled_bytes: AtomicUsize,
}

impl Listener {
    async fn start(answer: &str, then: Then) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self { address: socket.local_addr().unwrap(), seen: Arc::default() };
        let (answer, seen) = (answer.to_owned(), this.seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answer.clone(), then, seen.clone()));
            }
        });
        this
    }

    fn url(&self) -> String {
        format!("http://{}/events?token=hidden", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, answer: String, then: Then, seen: Arc<Seen>) {
    let mut read = Vec::new();
    while matches!(stream.read_buf(&mut read).await, Ok(1..)) {
        let text = String::from_utf8_lossy(&read).into_owned();
        // All bodies here end in a brace and nothing before them does.
        if !text.ends_with('}') {
            continue;
        }
        seen.requests.lock().unwrap().push(text);
        read.clear();
        let _ = stream.write_all(answer.as_bytes()).await;
        match then {
            Then::KeepsOpen => {}
            Then::Closes => return,
            Then::Babbles => {
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                    seen.babbled_bytes.fetch_add(4096, Ordering::SeqCst);
                }
            }
        }
    }
}

fn sender(resolver: Resolver, timeout: Duration) -> Sender {
    Sender::new(SenderSettings { timeout, idle_connections: 4, resolver, signer: None }).unwrap()
}

async fn attempt(listener: &Listener, timeout: Duration) -> Attempt {
    let sender = sender(Resolver::new(allowing(true)), timeout);
    sender.send(&listener.url(), "e-1", Bytes::from_static(b"{}")).await
}

fn failed_with(error: &str, retry_after: Option<u64>) -> Attempt {
    Attempt::Failed { error: error.to_owned(), retry_after: retry_after.map(Duration::from_secs) }
}

#[tokio::test]
async fn the_status_decides() {
    for (status, headers, expected) in [
        ("200 OK", "", Attempt::Delivered),
        ("201 Created", "", Attempt::Delivered),
        ("204 No Content", "", Attempt::Delivered),
        ("299 Whatever", "", Attempt::Delivered),
        ("410 Gone", "", Attempt::Gone),
        ("404 Not Found", "", failed_with("answered 404", None)),
        ("500 Oh", "", failed_with("answered 500", None)),
        (
            "302 Found",
            "Location: http://127.0.0.1:1/\r\n",
            failed_with("answered 302; redirects are not followed", None),
        ),
        ("429 Slow", "Retry-After: 7\r\n", failed_with("answered 429", Some(7))),
        ("503 Busy", "Retry-After: 7 s\r\n", failed_with("answered 503", None)),
        (
            "503 Busy",
            "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
            failed_with("answered 503", Some(0)),
        ),
    ] {
        let length = if status.starts_with("204") { "" } else { "Content-Length: 0\r\n" };
        let answer = format!("HTTP/1.1 {status}\r\n{headers}{length}\r\n");
        let listener = Listener::start(&answer, Then::KeepsOpen).await;
        assert_eq!(attempt(&listener, PATIENT).await, expected, "{status}");
        assert_eq!(listener.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn bodies_do_not_matter() {
    for (answer, then, expected) in [
        ("200 OK\r\nContent-Length: 5\r\n\r\nhe", Then::Closes, Attempt::Delivered),
        ("200 OK\r\nContent-Length: 99999999999999\r\n\r\n", Then::Babbles, Attempt::Delivered),
        (
            "500 Oh\r\nContent-Length: 99999999999999\r\n\r\n",
            Then::Babbles,
            failed_with("answered 500", None),
        ),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Then::Closes, Attempt::Delivered),
    ] {
        let listener = Listener::start(&format!("HTTP/1.1 {answer}"), then).await;
        assert_eq!(attempt(&listener, PATIENT).await, expected, "{answer}");
        // What is beyond the bound lies in the sockets' buffers.
        let babbled = listener.seen.babbled_bytes.load(Ordering::SeqCst);
        assert!(babbled < 64 << 20, "{babbled} bytes of {answer}");
    }
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let silent = Listener::start("", Then::KeepsOpen).await;
    let no_answer = failed_with("no answer within 300ms", None);
    assert_eq!(attempt(&silent, IMPATIENT).await, no_answer);
    let half_a_head = Listener::start("HTTP/1.1 200 OK\r\n", Then::KeepsOpen).await;
    assert_eq!(attempt(&half_a_head, IMPATIENT).await, no_answer);
    let half_a_body =
        Listener::start("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Then::KeepsOpen).await;
    assert_eq!(attempt(&half_a_body, IMPATIENT).await, Attempt::Delivered);
}

#[tokio::test]
async fn errors_are_told_in_a_few_words() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Listener { address: closed, seen: Arc::default() };
    let garbage = Listener::start("SSH-2.0-x\r\n\r\n", Then::Closes).await;
    let hangs_up = Listener::start("", Then::Closes).await;
    for (listener, begins) in [
        (&nobody, "no connection: Connection refused"),
        (&garbage, "the exchange broke off: "),
        (&hangs_up, "the exchange broke off: "),
    ] {
        match attempt(listener, PATIENT).await {
            Attempt::Failed { error, retry_after: None } => {
                assert!(error.starts_with(begins), "{error}");
                assert!(!error.contains("hidden"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    let long = failed("é".repeat(1000));
    assert!(matches!(long, Attempt::Failed { error, .. } if error.len() == MOST_ERROR_BYTES));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let answer = "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nbody";
    let listener = Listener::start(answer, Then::KeepsOpen).await;
    let sender = sender(Resolver::new(allowing(true)), PATIENT);
    for _ in 0..3 {
        sender.send(&listener.url(), "e-1", Bytes::from_static(b"{}")).await;
    }
    assert_eq!(listener.requests().len(), 3);
    assert_eq!(listener.connections(), 1);
}

#[tokio::test]
async fn a_request_says_who_sends_what() {
    let listener = Listener::start("HTTP/1.1 204 No\r\n\r\n", Then::KeepsOpen).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let signer = Signer::read(file.path()).unwrap();
    let sender = Sender::new(SenderSettings {
        timeout: PATIENT,
        idle_connections: 1,
        resolver: Resolver::new(allowing(true)),
        signer: Some(signer.clone()),
    });
    let body = br#"{"n":1e3}"#;
    let attempt = sender.unwrap().send(&listener.url(), "e-1", Bytes::from_static(body)).await;
    assert_eq!(attempt, Attempt::Delivered);
    let request = listener.requests().remove(0);
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent.as_bytes(), body);
    assert!(head.starts_with("POST /events?token=hidden HTTP/1.1\r\n"), "{head}");
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().unwrap_or_else(|| panic!("no {name} in {head}")).1.to_owned()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("user-agent"), USER_AGENT);
    assert_eq!(header("webhook-id"), "e-1");
    let timestamp: u64 = header("webhook-timestamp").parse().unwrap();
    assert_eq!(header("webhook-signature"), signer.sign("e-1", timestamp, body));
}

#[tokio::test]
async fn forbidden_addresses_are_never_connected_to() {
    let listener = Listener::start("HTTP/1.1 204 No\r\n\r\n", Then::KeepsOpen).await;
    let port = listener.address.port();
    let inside = |_: &str| Ok(vec![IpAddr::from([127, 0, 0, 1])]);
    let sender = sender(stub(allowing(false), inside), PATIENT);
    for (host, expected) in [
        ("127.0.0.1", "the callback leads to a loopback address, which may not be called"),
        ("127.1", "the callback leads to a loopback address, which may not be called"),
        ("[::ffff:7f00:1]", "the callback leads to a loopback address, which may not be called"),
        ("0", "the callback leads to an address of no single host, which may not be called"),
        (
            "rebound.example",
            "no connection: the name leads to a loopback address, which may not be called",
        ),
    ] {
        let callback = format!("http://{host}:{port}/");
        let attempt = sender.send(&callback, "e-1", Bytes::from_static(b"{}")).await;
        assert_eq!(attempt, failed_with(expected, None), "{host}");
    }
    assert_eq!(listener.connections(), 0);
}

#[tokio::test]
async fn a_name_is_judged_at_each_connection() {
    // The listener closes after each answer, so that each attempt needs a connection.
    let listener =
        Listener::start("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n", Then::Closes).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    // Judged to be this machine's first, then a link-local one: as a name would be that moves.
    let moving = move |_: &str| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
        _ => Ok(vec![IpAddr::from([169, 254, 169, 254])]),
    };
    let sender = sender(stub(allowing(true), moving), PATIENT);
    let callback = format!("http://moving.example:{}/", listener.address.port());
    let body = Bytes::from_static(b"{}");
    assert_eq!(sender.send(&callback, "e-1", body.clone()).await, Attempt::Delivered);
    let expected = "no connection: the name leads to a link-local address, which may not be called";
    assert_eq!(sender.send(&callback, "e-2", body).await, failed_with(expected, None));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    for (text, expected) in [
        ("0", Some(Duration::ZERO)),
        (" 120 ", Some(Duration::from_secs(120))),
        ("99999999999999999999999", Some(Duration::MAX)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(Duration::from_secs(60))),
        ("Sunday, 06-Nov-94 08:49:38 GMT", Some(Duration::from_secs(1))),
        ("Sun, 06 Nov 1994 08:48:37 GMT", Some(Duration::ZERO)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ] {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        assert_eq!(retry_after(&headers, now), expected, "{text}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
}
