//! Stopping in order: what is in flight is answered, who is idle is hung up on, and nobody can hold the
//! server up for longer than the grace time. (DESIGN §4 "SIGTERM drains and exits 0")

use harness::{Api, DEADLINE, Database, ServerProcess, shows};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A create of which the server has read the head and waits for the body.
async fn half_sent(address: SocketAddr, body: &str) -> TcpStream {
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
    assert_eq!(answer, goes_on);
    stream
}

/// A connection kept alive after an answer.
async fn idle(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /health/live HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let more = timeout(DEADLINE, stream.read_buf(&mut answer)).await.expect("an answer");
        assert_ne!(more.unwrap(), 0, "an answer that ends early");
    }
    stream
}

/// Everything that still comes before the connection is closed, in whichever way.
async fn rest(mut stream: TcpStream) -> String {
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("an end");
    String::from_utf8(rest).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_is_answered_after_sigterm() {
    shows!(["server.drains"]);
    let database = Database::empty();
    let mut server = ServerProcess::start_on(&database, &[]).await;
    let body = Api::V5.sample("in flight").to_string();
    let idle = idle(server.address()).await;
    let mut stream = half_sent(server.address(), &body).await;
    server.terminate();
    // The server is stopping once it hangs up on who is idle.
    assert_eq!(rest(idle).await, "");

    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(server.wait().await, Some(0));

    let mut server = ServerProcess::start_on(&database, &[]).await;
    let list = server.through(Api::V5).await.get("/partyInteraction").await.is(200);
    assert_eq!(list.each("reason"), ["in flight"]);
    server.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_is_cut_off() {
    shows!(["server.drains"]);
    let database = Database::empty();
    let no_grace = [("TMF683_SHUTDOWN__GRACE_SECONDS", "0")];
    let mut server = ServerProcess::start_on(&database, &no_grace).await;
    let stream = half_sent(server.address(), "{}").await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
    assert_eq!(rest(stream).await, "", "it was not answered");
}
