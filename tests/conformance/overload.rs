//! More at a time than the server takes on: who comes too late gets a 503 with `Retry-After` at once, what
//! is under way is finished, memory stays bounded, and all is well again when the load is gone.

use harness::{Api, DEADLINE, Reply, ServerProcess, TestServer, exchange, shows};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A create of which some of the body has been read, and more is waited for.
struct HalfSent {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl HalfSent {
    /// The head, and as many bytes of the body as `sent`.
    async fn begin(address: SocketAddr, body: &str, sent: usize) -> Self {
        let head = format!(
            "POST {}/partyInteraction HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            Api::V5.base,
            body.len(),
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let goes_on = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut answer = vec![0; goes_on.len()];
        timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
        assert_eq!(answer, goes_on, "{}", String::from_utf8_lossy(&answer));
        let (now, later) = body.as_bytes().split_at(sent);
        stream.write_all(now).await.unwrap();
        Self { stream, rest: later.to_vec() }
    }

    /// The rest of the body, and the status of the answer; `None` for a connection that just ends.
    async fn finish(mut self) -> Option<u16> {
        let _ = self.stream.write_all(&self.rest).await;
        let mut answer = Vec::new();
        let _ = timeout(DEADLINE, self.stream.read_to_end(&mut answer)).await.expect("an end");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer.split(' ').nth(1)?.parse().ok()
    }
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

fn collection() -> Vec<u8> {
    get(&format!("{}/partyInteraction?limit=0", Api::V5.base))
}

#[track_caller]
fn turned_away(reply: &Reply, told: &str) {
    assert_eq!(reply.status, Some(503), "{reply}");
    assert!(reply.told().is_some_and(|error| error.contains(told)), "{reply}");
    assert!(reply.to_string().contains("\r\nretry-after: 1\r\n"), "{reply}");
}

/// Asks until it is answered with this status: what was let go of is noticed soon, but not at once.
async fn until_status(address: SocketAddr, request: &[u8], status: u16) {
    let asking = async { while exchange(address, request).await.status != Some(status) {} };
    timeout(DEADLINE, asking).await.expect("another answer in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_bound_are_turned_away_at_once() {
    shows!(["server.overload"]);
    let server = TestServer::with("[limits]\nrequests = 2\n").await;
    let v5 = server.through(Api::V5).await;
    let body = Api::V5.sample("in time").to_string();
    let first = HalfSent::begin(server.address(), &body, 1).await;
    let second = HalfSent::begin(server.address(), &body, 1).await;
    turned_away(&exchange(server.address(), &collection()).await, "Too many requests");
    for health in ["/health/live", "/health/ready"] {
        assert_eq!(exchange(server.address(), &get(health)).await.status, Some(200), "{health}");
    }
    assert_eq!(first.finish().await, Some(201));
    v5.get("/partyInteraction").await.is(200);
    // Who goes away without a word leaves a place, too.
    drop(second);
    let third = HalfSent::begin(server.address(), &body, 1).await;
    until_status(server.address(), &collection(), 200).await;
    assert_eq!(third.finish().await, Some(201));
    assert_eq!(v5.get("/partyInteraction").await.is(200).ids().len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_share_one_room() {
    shows!(["server.overload"]);
    let server = TestServer::with("[limits]\nbody_bytes = 30000\nbodies_bytes = 50000\n").await;
    let v5 = server.through(Api::V5).await;
    let large = Api::V5.sample(&"x".repeat(29_000)).to_string();
    let first = HalfSent::begin(server.address(), &large, large.len() - 1).await;
    // Nothing of it is there yet, so it takes no room.
    let announced = HalfSent::begin(server.address(), &large, 0).await;
    let small = Api::V5.sample("small").to_string();
    assert_eq!(HalfSent::begin(server.address(), &small, 1).await.finish().await, Some(201));
    // When the first is read, the second has no room any more.
    let whole = async { while announced_is_refused(server.address(), &large).await.is_none() {} };
    timeout(DEADLINE, whole).await.expect("a refusal in time");
    assert_eq!(first.finish().await, Some(201));
    assert_eq!(announced.finish().await, Some(201));
    v5.post("/partyInteraction", &Api::V5.sample(&"x".repeat(29_000))).await.is(201);
    server.stop().await;
}

async fn announced_is_refused(address: SocketAddr, body: &str) -> Option<()> {
    let request = format!(
        "POST {}/partyInteraction HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        Api::V5.base,
        body.len()
    );
    let reply = exchange(address, request.as_bytes()).await;
    (reply.status == Some(503)).then(|| turned_away(&reply, "bodies"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_on_one_connection_too_many_is_hung_up_on() {
    shows!(["server.overload"]);
    let server = TestServer::with("[limits]\nconnections = 3\n").await;
    let address = server.address();
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = String::from_utf8(collection()).unwrap().replace("Connection: close\r\n", "");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        open.push(stream);
    }
    let kept_alive = String::from_utf8(collection()).unwrap().replace("close", "keep-alive");
    let reply = exchange(address, kept_alive.as_bytes()).await;
    turned_away(&reply, "Too many connections");
    assert_eq!(exchange(address, &get("/health/live")).await.status, Some(200));
    open.pop();
    until_status(address, &collection(), 200).await;
    server.stop().await;
}

/// All at once, each of the largest size; far more than there is room for.
const MANY: usize = 300;
const LARGE: usize = 1 << 20;
/// The room for bodies, and for each connection what HTTP reads ahead.
const BOUND_KIB: u64 = (32 << 10) + 400 * MANY as u64;

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_and_all_is_well_afterwards() {
    shows!(["server.overload"]);
    let directory = TempDir::new().unwrap();
    let server = ServerProcess::start(&directory.path().join("tmf683.db")).await;
    let address = server.address();
    let body = Api::V5.sample(&"x".repeat(LARGE - 1000)).to_string();
    exchange(address, &collection()).await;
    let before = server.resident_kib();
    let mut half_sent = Vec::new();
    for _ in 0..MANY {
        half_sent.push(HalfSent::begin(address, &body, 0).await);
    }
    let sending = half_sent.into_iter().map(|mut half| {
        let all_but_one = half.rest.len() - 1;
        tokio::spawn(async move {
            let now: Vec<u8> = half.rest.drain(..all_but_one).collect();
            let is_taken = half.stream.write_all(&now).await.is_ok();
            (half, is_taken)
        })
    });
    let sent = futures::future::join_all(sending).await;
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < BOUND_KIB, "{grown} KiB more with {MANY} bodies of {LARGE} bytes");
    let finishing = sent.into_iter().map(|sent| sent.unwrap().0.finish());
    let statuses = futures::future::join_all(finishing).await;
    let count = |status| statuses.iter().filter(|given| **given == status).count();
    let (created, refused) = (count(Some(201)), count(Some(503)));
    assert!(created > 10, "{statuses:?}");
    assert!(refused > MANY / 2, "{statuses:?}");
    // A refusal may be lost when a connection is closed on who is still sending.
    assert_eq!(created + refused + count(None), MANY, "{statuses:?}");
    let v5 = server.through(Api::V5).await;
    let list = v5.get("/partyInteraction?limit=0").await.is(200);
    assert_eq!(list.header("x-total-count"), created.to_string());
    v5.post("/partyInteraction", &Api::V5.sample("afterwards")).await.is(201);
}
