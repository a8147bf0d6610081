//! `cargo xtask bench`: what the server costs, measured with wrk against the release build.
//!
//! The compared variants take turns within each round, and medians over the rounds are shown with
//! the ratios made from them: on a shared machine the rates of one run say little alone. Only
//! loopback is loaded, for a bounded time. It judges nothing; targets are not checked here.

mod listeners;

use crate::tools::{cargo, output, program, run, target_directory};
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const SECONDS: &str = "-d2";
const V5: &str = "/tmf-api/partyInteraction/v5/partyInteraction";
const V4: &str = "/tmf-api/partyInteraction/v4/partyInteraction";

/// The interaction that is posted: about 650 bytes, one party, one channel, a note.
const BODY: &str = include_str!("bench/interaction.json");

/// One thing to load the server with.
struct Load {
    name: &'static str,
    path: String,
    connections: usize,
    post: bool,
}

/// Measures and prints a table.
///
/// # Errors
/// The build failed, wrk is missing, or the server did not answer.
pub(crate) fn bench(root: &Path) -> anyhow::Result<()> {
    ensure!(
        program(root, "wrk", &["--version"]).output().is_ok(),
        "wrk is needed: apt-get install wrk"
    );
    run(&mut cargo(root, &["build", "--release", "--locked", "--package", "tmf683-server"]))?;
    let binary = target_directory(root)?.join("release/tmf683-server");
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let mut server = Server::start(&binary, folder.path())?;
    let ready = started.elapsed();
    let fresh_kib = server.resident_kib()?;
    let script = folder.path().join("post.lua");
    std::fs::write(&script, post_script())?;
    let id = server.create(root, folder.path())?;
    let loads = [
        Load {
            name: "GET /health/live",
            path: "/health/live".into(),
            connections: 32,
            post: false,
        },
        Load { name: "GET by id, v5", path: format!("{V5}/{id}"), connections: 32, post: false },
        Load { name: "GET by id, v4", path: format!("{V4}/{id}"), connections: 32, post: false },
        Load { name: "POST, v5, 1 connection", path: V5.into(), connections: 1, post: true },
        Load { name: "POST, v5, 64 connections", path: V5.into(), connections: 64, post: true },
    ];
    let mut rates = vec![Vec::new(); loads.len()];
    let mut costs = vec![Vec::new(); loads.len()];
    for _ in 0..ROUNDS {
        for (at, load) in loads.iter().enumerate() {
            let before = server.cpu_ticks()?;
            let measured = wrk(root, &server.origin, load, &script)?;
            rates[at].push(measured.per_second);
            let ticks = server.cpu_ticks()? - before;
            costs[at].push(ticks * MICROSECONDS_PER_TICK / measured.requests.max(1.0));
        }
    }
    println!("| load | requests/s (median of {ROUNDS}) | CPU µs per request |\n|---|---|---|");
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    for ((load, rate), cost) in loads.iter().zip(&rates).zip(costs.into_iter().map(median)) {
        println!("| {} | {rate:.0} | {cost:.1} |", load.name);
    }
    println!("\n| ratio | |\n|---|---|");
    println!("| GET by id, v5, to /health/live | {:.2} |", rates[1] / rates[0]);
    println!("| GET by id, v4, to /health/live | {:.2} |", rates[2] / rates[0]);
    println!("| POST at 64 connections to 1 | {:.1} |", rates[4] / rates[3]);
    println!("\n| size | |\n|---|---|");
    println!("| binary | {:.1} MiB |", std::fs::metadata(&binary)?.len() as f64 / 1_048_576.0);
    println!("| from start to listening | {} ms |", ready.as_millis());
    println!("| resident after start | {:.1} MiB |", fresh_kib / 1024.0);
    println!("| resident after the load | {:.1} MiB |", server.resident_kib()? / 1024.0);
    server.stop(root)?;
    listeners::bench(root, &binary)
}

/// Linux counts processor time in hundredths of a second.
const MICROSECONDS_PER_TICK: f64 = 10_000.0;

struct Measured {
    per_second: f64,
    requests: f64,
}

fn wrk(root: &Path, origin: &str, load: &Load, script: &Path) -> anyhow::Result<Measured> {
    let threads = load.connections.min(2);
    let (threads, connections) = (format!("-t{threads}"), format!("-c{}", load.connections));
    let mut command = program(root, "wrk", &[&threads, &connections, SECONDS]);
    if load.post {
        command.arg("-s").arg(script);
    }
    let said = output(command.arg(format!("{origin}{}", load.path)))?;
    ensure!(!said.contains("Non-2xx"), "{}: not all requests succeeded:\n{said}", load.name);
    let number = |line: &str| line.split_whitespace().find_map(|word| word.parse::<f64>().ok());
    let find = |mark: &str| said.lines().find(|line| line.contains(mark)).and_then(number);
    let per_second = find("Requests/sec:").context("wrk said no rate")?;
    let requests = find(" requests in ").context("wrk said no count")?;
    Ok(Measured { per_second, requests })
}

fn post_script() -> String {
    let body = BODY.replace('\n', " ").replace('\'', "\\'");
    format!(
        "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'\n"
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A server of our own on a free port, with a database of its own.
struct Server {
    process: Child,
    origin: String,
}

impl Server {
    fn start(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        let store = format!("sqlite:{}", folder.join("bench.db").display());
        let mut process = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--store", &store])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let mut first = String::new();
        let stdout = process.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut first)?;
        let origin = first.split_whitespace().find(|word| word.starts_with("http://"));
        let origin = origin.context("the server did not say where it listens")?;
        let origin = origin.trim_end_matches(',').to_owned();
        Ok(Self { process, origin })
    }

    /// Posts one interaction and returns its id.
    fn create(&self, root: &Path, folder: &Path) -> anyhow::Result<String> {
        let body: PathBuf = folder.join("body.json");
        std::fs::File::create(&body)?.write_all(BODY.as_bytes())?;
        let url = format!("{}{V5}", self.origin);
        let mut curl =
            program(root, "curl", &["-sf", &url, "-H", "Content-Type: application/json"]);
        let said = output(curl.arg("-d").arg(format!("@{}", body.display())))?;
        let made: serde_json::Value = serde_json::from_str(&said)?;
        Ok(made["id"].as_str().context("no id")?.to_owned())
    }

    fn proc_file(&self, name: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{name}", self.process.id());
        std::fs::read_to_string(&path).context(path)
    }

    fn resident_kib(&self) -> anyhow::Result<f64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.and_then(|l| l.split_whitespace().next()).context("no VmRSS")?.parse()?)
    }

    /// User and system time so far.
    fn cpu_ticks(&self) -> anyhow::Result<f64> {
        let stat = self.proc_file("stat")?;
        // Fields are counted after the name, which stands in parentheses.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
        Ok(ticks(11).context("no utime")? + ticks(12).context("no stime")?)
    }

    fn stop(&mut self, root: &Path) -> anyhow::Result<()> {
        run(&mut program(root, "kill", &["-TERM", &self.process.id().to_string()]))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        anyhow::bail!("the server did not stop")
    }
}

impl Drop for Server {
    /// Whatever went wrong, nothing is left running.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
