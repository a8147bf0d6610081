//! The servers that are measured: processes of our own, each on a free port with a store of its own, and
//! what Linux tells of them.

use super::http;
use crate::tools::{output, program};
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Linux counts processor time in hundredths of a second.
const SECONDS_PER_TICK: f64 = 0.01;
/// How long a server may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; killed when dropped.
pub(super) struct Server {
    process: Child,
    pub(super) origin: String,
    /// The first process of the database that works for it.
    database: Option<u32>,
}

impl Server {
    /// Ours, over `store`, with `settings` as the environment has them (`TMF683_…`).
    pub(super) fn ours(
        binary: &Path,
        store: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--store", store]);
        // Connections that end with a load, and writes that are to be refused, are no news.
        command.env("TMF683_LOG__FILTER", "error").envs(settings.iter().copied());
        Self::start(&mut command)
    }

    /// `server/examples/without`, or `without_mimalloc.rs`: ours without a trick.
    pub(super) fn without(
        binary: &Path,
        trick: &str,
        store: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command.args([trick, store]).env("TMF683_LOG__FILTER", "error");
        Self::start(command.envs(settings.iter().copied()))
    }

    /// `server/examples/plain.rs`.
    pub(super) fn plain(binary: &Path, file: &Path) -> anyhow::Result<Self> {
        Self::start(Command::new(binary).arg(file))
    }

    /// The same, with the processor time of a PostgreSQL counted in.
    pub(super) fn with_database(mut self, process: u32) -> Self {
        self.database = Some(process);
        self
    }

    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().context("no standard output")?;
        // From here on it is stopped, whatever goes wrong.
        let mut server = Self { process, origin: String::new(), database: None };
        let mut first = String::new();
        BufReader::new(stdout).read_line(&mut first)?;
        let origin = first.split_whitespace().find(|word| word.starts_with("http://"));
        let origin = origin.context("the server did not say where it listens")?;
        origin.trim_end_matches(',').clone_into(&mut server.origin);
        Ok(server)
    }

    /// As the system calls it.
    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it says that it is ready.
    pub(super) fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while http::ask(&self.origin, "GET", "/health/ready", "")?.status != 200 {
            ensure!(Instant::now() < deadline, "the server does not become ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Memory that is its own or mapped, now.
    pub(super) fn resident_mib(&self) -> anyhow::Result<f64> {
        self.status_mib("VmRSS:")
    }

    /// The most that was resident since it started.
    pub(super) fn peak_mib(&self) -> anyhow::Result<f64> {
        self.status_mib("VmHWM:")
    }

    fn status_mib(&self, field: &str) -> anyhow::Result<f64> {
        Ok(self.told("status", field)? / 1024.0)
    }

    /// What it has had the kernel write to disks since it started.
    pub(super) fn written_bytes(&self) -> anyhow::Result<f64> {
        self.told("io", "write_bytes:")
    }

    /// A number that stands behind a name in one of its files below `/proc`.
    fn told(&self, file: &str, field: &str) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/{file}", self.process.id());
        let said = std::fs::read_to_string(&path).context(path)?;
        let line = said.lines().find_map(|line| line.strip_prefix(field));
        let number =
            line.and_then(|line| line.split_whitespace().next()).context("no such field")?;
        Ok(number.parse()?)
    }

    /// Processor time so far, of the server and of its database.
    pub(super) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let own = Ticks::of(self.process.id())?.own;
        let database = self.database.map(family_ticks).transpose()?;
        Ok((own + database.unwrap_or_default()) * SECONDS_PER_TICK)
    }

    /// Waits until it has done what it was still at when the load ended, which would be counted with the
    /// next load and get in the way of other servers; then the same.
    pub(super) fn settle(&self) -> anyhow::Result<f64> {
        let deadline = Instant::now() + PATIENCE;
        let mut before = self.cpu_seconds()?;
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.cpu_seconds()?;
            // Idle is less than a tick; a database sees to itself now and then.
            if now - before < 3.0 * SECONDS_PER_TICK || Instant::now() > deadline {
                return Ok(now);
            }
            before = now;
        }
    }

    /// Asks it to stop, and waits.
    pub(super) fn stop(&mut self, root: &Path) -> anyhow::Result<()> {
        output(&mut program(root, "kill", &["-TERM", &self.process.id().to_string()]))?;
        let deadline = Instant::now() + PATIENCE;
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

/// Processor time of those children of ours that have ended.
pub(super) fn ended_children_seconds() -> anyhow::Result<f64> {
    Ok(Ticks::of(std::process::id())?.of_ended_children * SECONDS_PER_TICK)
}

/// Processor time from `/proc/PID/stat`.
struct Ticks {
    parent: u32,
    own: f64,
    of_ended_children: f64,
}

impl Ticks {
    fn of(process: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{process}/stat");
        Self::parse(&std::fs::read_to_string(&path).context(path)?)
    }

    /// Fields are counted after the name, which stands in parentheses.
    fn parse(stat: &str) -> anyhow::Result<Self> {
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |at: usize| -> anyhow::Result<f64> {
            Ok(fields.get(at).context("a short stat")?.parse()?)
        };
        Ok(Self {
            parent: fields.get(1).context("a short stat")?.parse()?,
            own: number(11)? + number(12)?,
            of_ended_children: number(13)? + number(14)?,
        })
    }
}

/// Processor time of a process and all its children, the ended ones too.
pub(super) fn family_seconds(first: u32) -> anyhow::Result<f64> {
    Ok(family_ticks(first)? * SECONDS_PER_TICK)
}

fn family_ticks(first: u32) -> anyhow::Result<f64> {
    let mut sum = {
        let first = Ticks::of(first)?;
        first.own + first.of_ended_children
    };
    for entry in std::fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that has just ended is counted with its parent's.
        match Ticks::of(process) {
            Ok(ticks) if ticks.parent == first => sum += ticks.own,
            _ => {}
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_whatever_the_name() {
        let stat = "42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 20 10 20 0 1 0 9";
        let ticks = Ticks::parse(stat).unwrap();
        assert_eq!((ticks.parent, ticks.own, ticks.of_ended_children), (7, 200.0, 30.0));
        assert!(Ticks::parse("42 (a) S").is_err());
    }
}
