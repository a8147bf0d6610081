//! What listeners cost those who post: a thousand subscriptions to a thousand parties, a tenth of
//! them dead, against none. Each post is about one of the parties.

use super::{BODY, Load, ROUNDS, Server, V5, median, wrk};
use anyhow::ensure;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SUBSCRIPTIONS: usize = 1_000;
/// Every so many-th listener is dead.
const DEAD: usize = 10;
const HUB: &str = "/tmf-api/partyInteraction/v5/hub";
/// A listener that has heard nothing for so long has heard all.
const SILENCE: Duration = Duration::from_secs(1);

/// Measures and prints a table.
pub(super) fn bench(root: &Path, binary: &Path) -> anyhow::Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let mut servers =
        [Server::start(binary, folders[0].path())?, Server::start(binary, folders[1].path())?];
    let sink = Sink::start()?;
    subscribe(&servers[1].origin, sink.address)?;
    let script = folders[0].path().join("parties.lua");
    std::fs::write(&script, parties_script())?;
    let load = Load { name: "POST", path: V5.into(), connections: 64, post: true };
    let (mut rates, mut lags, mut told) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (rates, server) in rates.iter_mut().zip(&servers) {
            let before = sink.heard();
            let measured = wrk(root, &server.origin, &load, &script)?;
            rates.push(measured.per_second);
            let lag = sink.lag();
            if sink.heard() > before {
                lags.push(lag.as_secs_f64() * 1000.0);
                told.push((sink.heard() - before) as f64 / measured.requests.max(1.0));
            }
        }
    }
    let [none, many] = rates.map(median);
    println!(
        "\n| {SUBSCRIPTIONS} subscriptions, {} of them dead | |\n|---|---|",
        SUBSCRIPTIONS / DEAD
    );
    println!("| POST, v5, 64 connections, without them, requests/s | {none:.0} |");
    println!("| the same with them, requests/s | {many:.0} |");
    println!("| with them to without | {:.2} |", many / none);
    println!("| events told to the living per post | {:.2} |", median(told));
    println!("| the living hear the last one after the load ends | {:.0} ms |", median(lags));
    servers.iter_mut().try_for_each(|server| server.stop(root))
}

/// Each post is about another party.
fn parties_script() -> String {
    let body = BODY.replace('\n', " ").replace('\'', "\\'");
    let (before, after) = body.split_once(r#""id":"42""#).unwrap_or((&body, ""));
    format!(
        "local n = 0\nmath.randomseed(os.time())\n\
         request = function()\n n = math.random(0, {})\n\
         return wrk.format('POST', nil, {{['Content-Type'] = 'application/json'}}, \
         '{before}\"id\":\"' .. n .. '\"{after}')\nend\n",
        SUBSCRIPTIONS - 1
    )
}

fn subscribe(origin: &str, living: SocketAddr) -> anyhow::Result<()> {
    // A port nobody listens on: it was given out, and given back.
    let dead = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let host = origin.trim_start_matches("http://");
    for party in 0..SUBSCRIPTIONS {
        let address = if party % DEAD == 0 { dead } else { living };
        let body = format!(
            r#"{{"@type":"Hub","callback":"http://{address}/{party}","query":"event.partyInteraction.relatedParty.partyOrPartyRole.id={party}"}}"#
        );
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "POST {HUB} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }
    Ok(())
}

/// A listener that acknowledges everything.
struct Sink {
    address: SocketAddr,
    heard: Arc<AtomicU64>,
}

impl Sink {
    fn start() -> anyhow::Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let heard = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || acknowledge(stream, &counter));
            }
        });
        Ok(Self { address, heard })
    }

    fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// From now until the last notification, once there has been silence.
    fn lag(&self) -> Duration {
        let since = Instant::now();
        let (mut heard, mut last) = (self.heard(), since);
        while last.elapsed() < SILENCE {
            std::thread::sleep(Duration::from_millis(5));
            let now = self.heard();
            if now > heard {
                (heard, last) = (now, Instant::now());
            }
        }
        last.duration_since(since)
    }
}

/// Ends with its connection.
fn acknowledge(mut stream: TcpStream, heard: &AtomicU64) -> Option<()> {
    let mut read = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
            let whole = end + length.trim().parse::<usize>().ok()?;
            if read.len() >= whole {
                read.drain(..whole);
                heard.fetch_add(1, Ordering::Relaxed);
                stream.write_all(b"HTTP/1.1 204 x\r\n\r\n").ok()?;
                continue;
            }
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
}
