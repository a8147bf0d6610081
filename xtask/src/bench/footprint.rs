//! What the server takes up: on disk, in memory at rest and at the worst, and in time when it starts, and
//! what the disk makes of latencies in the long run.

use super::Bench;
use super::contest::median;
use super::datasets::{MOST_KEPT, store_of};
use super::generate::Size;
use super::http;
use super::loads::{JSON_PATH, Loads, V5};
use super::report::{Shown, Table};
use super::server::Server;
use anyhow::Context;
use std::path::Path;
use std::time::Instant;

const STARTS: usize = 5;
/// Long enough for the log to be copied to the file, and begun anew, again and again.
const LONG_SECONDS: u32 = 20;
/// Values of the worst body, and how many an array of it has: `limits.json_values` and less than
/// `limits.array_items`.
const VALUES: usize = 99_900;
const ITEMS: usize = 9_000;

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let mut table = Table::new(["what", ""]);
    let binary = std::fs::metadata(&bench.binary)?.len() as f64 / f64::from(1 << 20);
    table.say("binary", format!("{binary:.1} MiB"));
    let (mut times, mut resident) = (Vec::new(), Vec::new());
    for nth in 0..STARTS {
        let began = Instant::now();
        let mut server = fresh(bench, &format!("start-{nth}.db"))?;
        server.wait_until_ready()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        resident.push(server.resident_mib()?);
        server.stop(&bench.root)?;
    }
    table.say("start to ready, new file", format!("{:.0} ms", median(times)));
    table.say("resident then", format!("{:.1} MiB", median(resident)));
    worst_body(bench, &mut table)?;
    whole_list(bench, &mut table)?;
    scan(bench, &mut table)?;
    long_post(bench, &mut table)?;
    Ok(Shown {
        title: "Footprint".into(),
        text: "Growth of memory is from what was resident to the most that ever was.".into(),
        tables: vec![table],
    })
}

fn fresh(bench: &Bench, name: &str) -> anyhow::Result<Server> {
    Server::ours(&bench.binary, &store_of(&bench.folder.join(name)), &[])
}

/// The body that costs the most memory for its size: nothing but small arrays.
fn worst_body(bench: &Bench, table: &mut Table) -> anyhow::Result<()> {
    let mut server = fresh(bench, "worst-body.db")?;
    let array = format!("[{}]", vec!["[0]"; ITEMS].join(","));
    let values = vec![array; VALUES / (2 * ITEMS + 1)].join(",");
    let body = |values: &str| {
        format!(
            r#"{{"@type":"PartyInteraction","reason":"r","direction":"inbound","relatedChannel":[],"x":[{values}]}}"#
        )
    };
    http::must(&server.origin, "POST", V5, &body(""))?;
    let before = server.resident_mib()?;
    http::must(&server.origin, "POST", V5, &body(&values))?;
    let growth = server.peak_mib()? - before;
    table.say(
        format!("growth by the worst body, {} values in {} KB", VALUES, values.len() / 1000),
        format!("{growth:.0} MiB"),
    );
    server.stop(&bench.root)
}

/// A list without a limit, streamed.
fn whole_list(bench: &Bench, table: &mut Table) -> anyhow::Result<()> {
    let documents = bench.sizes.iter().copied().filter(|size| *size <= MOST_KEPT).max();
    let documents = documents.unwrap_or_else(|| bench.middling());
    let store = bench.datasets.ours(documents)?;
    let mut server = Server::ours(&bench.binary, &store_of(&store.file), &[])?;
    server.wait_until_ready()?;
    http::must(&server.origin, "GET", &format!("{V5}?limit=20"), "")?;
    let (before, cpu, began) = (server.resident_mib()?, server.cpu_seconds()?, Instant::now());
    let answer = http::must(&server.origin, "GET", V5, "")?;
    let seconds = began.elapsed().as_secs_f64();
    let total: u64 = answer.header("x-total-count").context("no total")?.parse()?;
    anyhow::ensure!(total == documents, "{total} of {documents} listed");
    let cpu = (server.cpu_seconds()? - cpu) * 1e6 / total as f64;
    let rate = answer.bytes as f64 / 1e6 / seconds;
    table.say(
        format!("all {total} in one list"),
        format!("{seconds:.1} s, {rate:.0} MB/s, {cpu:.1} µs of CPU each"),
    );
    let growth = server.peak_mib()? - before;
    table.say("growth by it", format!("{growth:.0} MiB"));
    server.stop(&bench.root)
}

/// A list for which no index helps: every document is read and asked.
fn scan(bench: &Bench, table: &mut Table) -> anyhow::Result<()> {
    let documents = bench.middling();
    let store = bench.datasets.ours(documents)?;
    let mut server = Server::ours(&bench.binary, &store_of(&store.file), &[])?;
    server.wait_until_ready()?;
    let (cpu, began) = (server.cpu_seconds()?, Instant::now());
    http::must(&server.origin, "GET", &format!("{V5}?filter={JSON_PATH}&limit=20"), "")?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = (server.cpu_seconds()? - cpu) * 1e6 / documents as f64;
    table.say(
        format!("20 by a JSONPath alone, of {documents}"),
        format!("{seconds:.2} s, {cpu:.1} µs of CPU for each of all"),
    );
    server.stop(&bench.root)
}

/// Durable creates while the file is checkpointed again and again.
fn long_post(bench: &Bench, table: &mut Table) -> anyhow::Result<()> {
    let mut server = fresh(bench, "long-post.db")?;
    let load = Loads { documents: bench.middling() }.post(64, Size::Small);
    let before = server.written_bytes()?;
    let measured = bench.wrk.run(&server.origin, &load, LONG_SECONDS)?;
    table.say(
        format!("{LONG_SECONDS} s of POST, 64 connections, from an empty file"),
        format!("{:.0} requests/s", measured.per_second),
    );
    let milliseconds = [measured.p50, measured.p99, measured.p999, measured.most];
    let milliseconds = milliseconds.map(|micros| format!("{:.1}", micros / 1000.0));
    table.say("its p50 / p99 / p99.9 / longest", format!("{} ms", milliseconds.join(" / ")));
    let written = (server.written_bytes()? - before) / 1000.0 / measured.requests;
    table.say("written to log and file, of one POST", format!("{written:.1} KB"));
    table.say("resident then", format!("{:.0} MiB", server.resident_mib()?));
    let log = bytes(&bench.folder.join("long-post.db-wal"))?;
    table.say("write-ahead log then", format!("{:.0} MiB", log / f64::from(1 << 20)));
    server.stop(&bench.root)
}

fn bytes(file: &Path) -> anyhow::Result<f64> {
    Ok(std::fs::metadata(file).with_context(|| file.display().to_string())?.len() as f64)
}
