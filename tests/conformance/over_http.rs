//! Import and export through the admin API: the same as the command line's, over a connection that may
//! break, to and from a server that reads and shows no more than it has room for.

use harness::{Answer, Api, Caller, DEADLINE, ServerProcess, TestServer, exchange, shows};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const NDJSON: &str = "application/x-ndjson";

async fn import(admin: &Caller, query: &str, lines: impl Into<reqwest::Body>) -> Answer {
    let call = admin.call(Method::POST, &format!("/import{query}"));
    call.body(NDJSON, lines).send().await
}

async fn export(admin: &Caller, query: &str) -> String {
    let answer = admin.get(&format!("/export{query}")).await.is(200);
    let lines = answer.text.lines().count();
    if answer.header("content-type") == NDJSON {
        assert_eq!(answer.header("x-result-count"), lines.to_string());
    }
    answer.text
}

/// Created, replaced, skipped, same, refused.
fn counts(report: &Value) -> [u64; 5] {
    ["created", "replaced", "skipped", "same", "refused"].map(|name| report[name].as_u64().unwrap())
}

async fn total(caller: &Caller) -> String {
    caller.get("/partyInteraction?limit=0").await.is(200).header("x-total-count").to_owned()
}

/// Lines without ids.
fn samples(lines: usize) -> String {
    (0..lines).map(|n| Api::V5.sample(&format!("call {n}")).to_string() + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_imported_to_the_letter() {
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    for api in [Api::V4, Api::V5] {
        let caller = server.through(api).await;
        caller.create_sample("call").await;
        let mut odd = api.sample("odd, \"quoted\"\n").to_string();
        odd.insert_str(odd.len() - 1, ",\"vip\":{\"level\":1.50e3}");
        caller.post_text("/partyInteraction", odd).await.is(201);
    }
    for (api, version) in [(Api::V4, "v4"), (Api::V5, "v5")] {
        shows!(api, ["server.bulk-over-http"]);
        let other = TestServer::start().await;
        let lines = export(&admin, &format!("?version={version}")).await;
        assert_eq!(lines.matches("1.50e3").count(), 2, "{lines}");
        let there = other.through(Api::ADMIN).await;
        let report = import(&there, &format!("?version={version}"), lines.clone()).await.is(200);
        assert_eq!(counts(&report.json()), [4, 0, 0, 0, 0], "{report}");
        assert_eq!(export(&there, &format!("?version={version}")).await, lines);
        for read in [Api::V4, Api::V5] {
            let (here, there) = (server.through(read).await, other.through(read).await);
            let fields = "/partyInteraction?fields=reason,vip,creationDate,lastUpdate,note";
            let (here, there) = (here.get(fields).await.json(), there.get(fields).await.json());
            let without_href = |list: Value| {
                let mut list = list.as_array().unwrap().clone();
                list.iter_mut().for_each(|one| drop(one.as_object_mut().unwrap().remove("href")));
                list
            };
            assert_eq!(without_href(here), without_href(there), "through {read}");
        }
        // Once more is nothing new.
        let report = import(&there, "", lines).await.is(200);
        assert_eq!(counts(&report.json()), [0, 0, 0, 4, 0], "{report}");
        other.stop().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_that_of_a_list_and_goes_on_behind_what_has_arrived() {
    shows!(["server.bulk-over-http"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(v5.create_sample(&format!("call {n}")).await.id());
    }
    let found = async |query: &str| {
        let lines = export(&admin, query).await;
        let ids = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ids);
    assert_eq!(found(&format!("?after={}", ids[2])).await, ids[3..]);
    assert_eq!(found(&format!("?after={}", ids[4])).await, [""; 0]);
    let by_reason = "query=sort%3D-reason%26limit%3D2";
    assert_eq!(found(&format!("?{by_reason}")).await, [&*ids[4], &*ids[3]]);
    assert_eq!(found(&format!("?{by_reason}&after={}", ids[3])).await, [&*ids[2], &*ids[1]]);
    assert_eq!(found("?query=reason%3Dcall%25201").await, ids[1..2]);
    let answer = admin.get("/export?query=limit%3D2").await.is(200);
    assert_eq!((answer.header("x-total-count"), answer.header("x-result-count")), ("5", "2"));
    let only = export(&admin, "?fields=reason&query=limit%3D1").await;
    let only = serde_json::from_str::<Value>(&only).unwrap();
    assert_eq!(only["reason"], "call 0");
    assert_eq!(only.get("status"), None);
    for (query, accept) in [("&format=csv", "*/*"), ("", "text/csv"), ("&format=csv", "text/*")] {
        let call = admin.call(Method::GET, &format!("/export?fields=id,reason{query}"));
        let csv = call.header("accept", accept).send().await.is(200);
        assert_eq!(csv.header("content-type"), "text/csv");
        let rows = ids.iter().zip(0..).map(|(id, n)| format!("{id},call {n}\r\n"));
        assert_eq!(csv.text, format!("id,reason\r\n{}", rows.collect::<String>()));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_is_told_and_the_others_are_imported() {
    shows!(["server.bulk-over-http"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let good = |id: &str, reason: &str| {
        let mut good = Api::V5.sample(reason);
        good["id"] = json!(id);
        good.to_string()
    };
    let bad = r#"{"id":"c","@type":"PartyInteraction","reason":7,"relatedChannel":[]}"#;
    let lines = [
        good("a", "first"),
        "{oops".to_owned(),
        String::new(),
        bad.to_owned(),
        Api::V5.sample("no id").to_string(),
        good("b", "last"),
    ]
    .join("\n");
    let report = import(&admin, "", lines.clone()).await.is(200).json();
    assert_eq!(counts(&report), [2, 0, 0, 0, 3], "{report}");
    let told = |complaint: &Value| (complaint["line"].as_u64(), complaint["pointer"].clone());
    let complaints: Vec<_> = report["complaints"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(complaints[0], (Some(2), json!("")), "{report}");
    assert!(complaints.contains(&(Some(4), json!("/reason"))), "{report}");
    assert_eq!(complaints.last(), Some(&(Some(5), json!("/id"))), "{report}");
    assert_eq!(v5.get("/partyInteraction").await.ids(), ["a", "b"]);
    // With a name for the source an id can be made. The same as lines, told as they come.
    let call = admin.call(Method::POST, "/import?source=calls").header("accept", NDJSON);
    let answer = call.body(NDJSON, lines).send().await.is(200);
    let lines: Vec<Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, before) = lines.split_last().unwrap();
    assert_eq!((counts(last), &last["done"]), ([1, 0, 0, 2, 2], &json!(true)), "{answer}");
    assert_eq!(told(&before[0]), complaints[0], "{answer}");
    assert!(before.iter().all(|line| line["done"] != true), "{answer}");
    // What has the id already, and is another.
    for (conflict, expected, stopped_at) in [
        ("skip", [1, 0, 1, 0, 0], Value::Null),
        ("fail", [0, 0, 0, 1, 1], json!(2)),
        ("replace", [0, 1, 0, 1, 0], Value::Null),
    ] {
        let lines = [good("d", "new"), good("a", "changed")].join("\n");
        let report = import(&admin, &format!("?onConflict={conflict}"), lines).await.is(200).json();
        assert_eq!((counts(&report), &report["stoppedAt"]), (expected, &stopped_at), "{report}");
    }
    assert_eq!(v5.read("a").await.is(200).text_at("/reason"), "changed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_honoured_is_named_and_nothing_is_done() {
    shows!(["server.bulk-over-http"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    for (query, culprit) in [
        ("version=v9", "version"),
        ("onConflict=maybe", "onConflict"),
        ("events=yes", "events"),
        ("events=true&onConflict=replace", "events"),
        ("colour=red", "colour"),
        ("source=a&source=b", "source"),
    ] {
        import(&admin, &format!("?{query}"), samples(1)).await.refuses(400, culprit);
    }
    let post = || admin.call(Method::POST, "/import?source=a");
    post().body("application/json", samples(1)).send().await.refuses(415, NDJSON);
    let zipped = format!(
        "POST /admin/v1/import HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {NDJSON}\r\n\
         Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let refused = exchange(server.address(), zipped.as_bytes()).await;
    assert_eq!(refused.status, Some(415), "{refused}");
    assert!(refused.told().is_some_and(|told| told.contains("Content-Encoding")), "{refused}");
    for (query, culprit) in [
        ("version=v9", "version"),
        ("format=xml", "format"),
        ("format=csv", "fields"),
        ("format=csv&fields=a..b", "fields"),
        ("fields=a..b", "fields"),
        ("query=colour%3Dred", "colour"),
        ("query=limit%3Dx", "limit"),
        ("after=nobody", "nobody"),
        ("status=opened", "status"),
    ] {
        admin.get(&format!("/export?{query}")).await.refuses(400, culprit);
    }
    for (query, accept) in [("", "application/json"), ("?format=csv&fields=id", NDJSON)] {
        let call = admin.call(Method::GET, &format!("/export{query}")).header("accept", accept);
        call.send().await.is(406);
    }
    assert_eq!(total(&server.through(Api::V5).await).await, "0");
    server.stop().await;
}

/// Begins an import whose body comes in chunks.
async fn begin(address: SocketAddr, query: &str) -> TcpStream {
    let head = format!(
        "POST /admin/v1/import{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: {NDJSON}\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn send(stream: &mut TcpStream, chunk: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
    stream.write_all(chunk).await?;
    stream.write_all(b"\r\n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_is_taken_up_by_the_same_request() {
    shows!(["server.bulk-over-http"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let lines = samples(10_000);
    let (sent, _) = lines.split_at(lines.len() / 2);
    let mut stream = begin(server.address(), "?source=calls").await;
    send(&mut stream, sent.as_bytes()).await.unwrap();
    let some_stored = async { while total(&v5).await == "0" {} };
    timeout(DEADLINE, some_stored)
        .await
        .expect("what has come is stored, whatever comes behind it");
    drop(stream);
    let report = import(&admin, "?source=calls", lines.clone()).await.is(200).json();
    let [created, replaced, skipped, same, refused] = counts(&report);
    assert_eq!((created + same, replaced, skipped, refused), (10000, 0, 0, 0), "{report}");
    assert!(same >= 4000, "{report}");
    assert_eq!(total(&v5).await, "10000");
    // The last line was cut in two, and half of it would have been read as a line.
    let again = import(&admin, "?source=calls", lines).await.is(200).json();
    assert_eq!(counts(&again), [0, 0, 0, 10000, 0], "{again}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_line_is_no_line() {
    shows!(["server.bulk-over-http"]);
    let server = TestServer::start().await;
    // All of a document, but perhaps not all of the line.
    let line = Api::V5.sample("call").to_string();
    let mut stream = begin(server.address(), "?source=calls").await;
    send(&mut stream, line.as_bytes()).await.unwrap();
    stream.write_all(b"no size\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("incompleteBody"), "{answer}");
    assert_eq!(total(&server.through(Api::V5).await).await, "0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_no_further_is_not_waited_for() {
    let server = TestServer::with("[limits]\nbody_seconds = 1\n").await;
    let v5 = server.through(Api::V5).await;
    let mut stream = begin(server.address(), "?source=calls").await;
    send(&mut stream, samples(1).as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(total(&v5).await, "0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_imports_at_a_time() {
    shows!(["server.overload"]);
    let server = TestServer::start().await;
    let admin = server.through(Api::ADMIN).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(begin(server.address(), "").await);
    }
    let refused = async {
        loop {
            let answer = import(&admin, "", "").await;
            if answer.status == 503 {
                return answer;
            }
        }
    };
    let refused = timeout(DEADLINE, refused).await.expect("a refusal in time");
    assert_eq!(refused.header("retry-after"), "1");
    drop(others);
    let taken = async { while import(&admin, "", "").await.status != 200 {} };
    timeout(DEADLINE, taken).await.expect("a place in time");
    server.stop().await;
}

/// A body that would be seen, were it in memory: in lines of blanks, which are read and pass.
const CHUNKS: usize = 256;
const CHUNK_BYTES: usize = 1 << 20;
/// What is read ahead and prepared, see docs/LIMITS.md.
const BOUND_KIB: u64 = 64 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_a_body() {
    shows!(["server.bulk-over-http"]);
    let directory = TempDir::new().unwrap();
    let server = ServerProcess::start(&directory.path().join("tmf683.db")).await;
    let mut stream = begin(server.address(), "?source=calls").await;
    let line = [vec![b' '; (64 << 10) - 1], b"\n".to_vec()].concat();
    let chunk = line.repeat(CHUNK_BYTES / line.len());
    let (mut before, mut most) = (0, 0);
    for number in 0..CHUNKS {
        send(&mut stream, &chunk).await.unwrap();
        most = most.max(server.resident_kib());
        if number == CHUNKS / 8 {
            before = most;
        }
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let grown = most - before;
    assert!(grown < BOUND_KIB, "{grown} KiB more for a body of {CHUNKS} MiB");
}
