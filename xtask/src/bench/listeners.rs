//! What listeners cost those who post: a thousand subscriptions to a thousand parties, a tenth of
//! them dead, against none. Each post is about one of the parties.

use super::Bench;
use super::contest::{Turn, contest, table};
use super::datasets::store_of;
use super::generate::{Generator, PARTIES, Size, Traits};
use super::http;
use super::loads::V5;
use super::report::{Shown, Table};
use super::server::Server;
use super::wrk::Load;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SUBSCRIPTIONS: usize = 1_000;
/// Every so many-th listener is dead.
const DEAD: usize = 10;
const HUB: &str = "/tmf-api/partyInteraction/v5/hub";
/// A listener that has heard nothing for so long has heard all.
const SILENCE: Duration = Duration::from_secs(1);

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let start = |name: &str| {
        Server::ours(&bench.binary, &store_of(&bench.folder.join(format!("{name}.db"))), &[])
    };
    let mut servers = [start("without-listeners")?, start("with-listeners")?];
    let sink = Sink::start()?;
    subscribe(&servers[1].origin, sink.address)?;
    let load = Load::post("POST, 64 connections", 64, V5, &bodies());
    let [without, with] = &servers;
    let turns = [Turn::new(without, load.called("without")), Turn::new(with, load.called("with"))];
    let costs = contest(&bench.wrk, bench.pace, &turns)?;
    let before = sink.heard();
    let measured = bench.wrk.run(&with.origin, &load, bench.pace.seconds)?;
    let lag = sink.lag().as_millis();
    let told = (sink.heard() - before) as f64 / measured.requests;
    servers.iter_mut().try_for_each(|server| server.stop(&bench.root))?;
    let [without, with] = costs.as_slice() else { anyhow::bail!("a turn has no cost") };
    let mut compared = Table::new(["what they cost", ""]);
    compared.say("requests/s, with to without", format!("{:.2}", with.faster_than(without)));
    compared.say("CPU, deliveries included", format!("{:.2}", with.dearer_than(without)));
    compared.say("events told to the living, for each POST", format!("{told:.2}"));
    compared.say("the living hear the last one after the load ends", format!("{lag} ms"));
    Ok(Shown {
        title: "Listeners".into(),
        text: format!(
            "{SUBSCRIPTIONS} subscriptions, each to the events of a party of its own, {} of them to a listener that \
             is not there. Each POST is about one of the parties.",
            SUBSCRIPTIONS / DEAD
        ),
        tables: vec![table("POST, 64 connections", &costs), compared],
    })
}

/// Each post is about another party.
fn bodies() -> Vec<String> {
    let generator = Generator { documents: SUBSCRIPTIONS as u64, size: Size::Small };
    let about = |number: u64| {
        let caller = format!(r#""id":"{}""#, Traits::of(number).party);
        generator.body(number).replace(&caller, &format!(r#""id":"{}""#, party(number)))
    };
    (0..SUBSCRIPTIONS as u64).map(about).collect()
}

/// A number that nothing else in a body has.
fn party(subscription: u64) -> u64 {
    PARTIES + subscription
}

fn subscribe(origin: &str, living: SocketAddr) -> anyhow::Result<()> {
    // A port nobody listens on: it was given out, and given back.
    let dead = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for nth in 0..SUBSCRIPTIONS {
        let address = if nth % DEAD == 0 { dead } else { living };
        let party = party(nth as u64);
        let body = format!(
            r#"{{"@type":"Hub","callback":"http://{address}/{party}","query":"event.partyInteraction.relatedParty.partyOrPartyRole.id={party}"}}"#
        );
        http::must(origin, "POST", HUB, &body)?;
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
