//! Lists without a limit: as long as they are, in bounded memory; and what cannot be read to its end
//! does not look like an end. (TMF630 "Paging")

use harness::{Api, DEADLINE, ServerProcess, TestServer};
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A list that would be seen: more than twice the bound, were it in memory once.
const MANY: usize = 100_000;
const BOUND_KIB: usize = 32 << 10;

/// Writes behind the server's back, for a hundred thousand requests would take minutes. They are in no
/// index, and are said to be.
fn fill(database: &Path, rows: usize) {
    let sql = format!(
        "BEGIN IMMEDIATE;
         WITH RECURSIVE row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < {rows})
         INSERT INTO interaction (id, version, document)
         SELECT 'i' || n, n, '{{\"reason\":\"{}\",\"status\":\"opened\"}}' FROM row;
         UPDATE indexed SET up_to = (SELECT max(seq) FROM interaction);
         COMMIT",
        "x".repeat(800)
    );
    rusqlite::Connection::open(database).unwrap().execute_batch(&sql).unwrap();
}

/// The most memory the process has had so far.
fn peak_kib(process: &ServerProcess) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What a whole list is in bytes, and its last ones. Nothing of it is kept.
async fn drained(address: SocketAddr, target: &str) -> (usize, Vec<u8>) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let (mut bytes, mut end, mut buffer) = (0, Vec::new(), vec![0; 64 << 10]);
    loop {
        let read = timeout(DEADLINE, connection.read(&mut buffer)).await.expect("more in time");
        let Some(read) = read.ok().filter(|read| *read > 0) else { return (bytes, end) };
        bytes += read;
        end.extend_from_slice(&buffer[..read]);
        end.drain(..end.len().saturating_sub(64));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_a_list() {
    let directory = TempDir::new().unwrap();
    let database = directory.path().join("tmf683.db");
    let process = ServerProcess::start(&database).await;
    fill(&database, MANY);
    let target = |query: &str| format!("{}/partyInteraction{query}", Api::V5.base);
    drained(process.address(), &target("?limit=100")).await;
    let before = peak_kib(&process);
    let (bytes, end) = drained(process.address(), &target("")).await;
    let grown = peak_kib(&process) - before;
    assert!(bytes > 2 * (BOUND_KIB << 10), "{bytes} bytes are no test");
    assert!(end.ends_with(b"]\r\n0\r\n\r\n"), "{end:?}");
    assert!(grown < BOUND_KIB, "{grown} KiB more for a list of {bytes} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_on_the_way_is_cut() {
    let server = TestServer::on_sqlite("").await;
    let v4 = server.through(Api::V4).await;
    fill(&server.database(), 4000);
    let list = v4.call(reqwest::Method::GET, "/partyInteraction?fields=id,reason");
    let list = list.try_send().await.unwrap().is(200);
    assert_eq!((list.header("x-result-count"), list.ids().len()), ("4000", 4000));
    let behind = rusqlite::Connection::open(server.database()).unwrap();
    behind.execute_batch("UPDATE interaction SET document = '{oops' WHERE id = 'i3000'").unwrap();
    let list = v4.call(reqwest::Method::GET, "/partyInteraction").try_send().await;
    assert!(list.is_err(), "a part that looks whole: {}", list.unwrap().text.len());
    let admin = server.through(Api::ADMIN).await;
    let export = admin.call(reqwest::Method::GET, "/export?version=v4").try_send().await;
    assert!(export.is_err(), "a part that looks whole: {}", export.unwrap().text.len());
    // What is known before the first byte is an answer.
    v4.get("/partyInteraction?offset=2999&limit=1").await.is(500);
    v4.get("/partyInteraction?sort=reason&limit=1").await.is(500);
    v4.get("/partyInteraction?limit=1").await.is(200);
    server.stop().await;
}
