//! The load generator: wrk, with requests made beforehand, and what it measured.
//!
//! wrk is closed-loop: a connection sends its next request when it has the answer. Latencies are
//! those it corrects for the requests that a stall kept it from sending.

use crate::tools::{output, program, run};
use anyhow::{Context, ensure};
use std::fmt;
use std::path::{Path, PathBuf};

/// Prepares all requests first, then only takes turns: making one costs as much as serving it. The last
/// line is for [`Measured::read`]; times are microseconds.
const SCRIPT: &str = r#"
local threads = 0
function setup(thread)
  thread:set("nth", threads)
  threads = threads + 1
end
function init(args)
  requests, at = {}, 0
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(args[2]) do
    if args[1] == "POST" then
      requests[#requests + 1] = wrk.format("POST", args[3], nil, line)
    else
      requests[#requests + 1] = wrk.format("GET", line)
    end
  end
  at = math.floor(nth * #requests / 2)
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format("measured %d %d %d %d %d %d %d %d", summary.requests, summary.duration,
    errors.status, broken, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), latency.max))
end
"#;

/// What is asked, again and again.
#[derive(Clone)]
pub(super) enum Ask {
    /// Any of these targets.
    Get(Vec<String>),
    /// Any of these bodies, each without line breaks, to a target.
    Post(String, Vec<String>),
}

/// What a server is loaded with.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) name: String,
    pub(super) connections: usize,
    pub(super) ask: Ask,
    /// Whether every answer is to be an error, instead of none.
    pub(super) is_refused: bool,
}

impl Load {
    pub(super) fn get(name: &str, connections: usize, targets: Vec<String>) -> Self {
        Self { name: name.into(), connections, ask: Ask::Get(targets), is_refused: false }
    }

    pub(super) fn post(name: &str, connections: usize, target: &str, bodies: &[String]) -> Self {
        let ask = Ask::Post(target.into(), bodies.to_vec());
        Self { name: name.into(), connections, ask, is_refused: false }
    }

    /// The same under another name.
    pub(super) fn called(&self, name: &str) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// The same, all refused.
    pub(super) fn refused(self) -> Self {
        Self { is_refused: true, ..self }
    }
}

/// What wrk measured in one run; latencies in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) requests: f64,
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) most: f64,
}

impl Measured {
    /// Reads the line of the script, and minds requests that did not go as expected. Nothing, where
    /// nothing was answered in time.
    fn read(said: &str, is_refused: bool) -> anyhow::Result<Option<Self>> {
        let line = said.lines().find_map(|line| line.strip_prefix("measured "));
        let line = line.with_context(|| format!("wrk did not say what it measured:\n{said}"))?;
        let numbers: Vec<f64> =
            line.split(' ').map(str::parse).collect::<Result<_, _>>().context("wrk's numbers")?;
        let &[requests, microseconds, failed, broken, p50, p99, p999, most] = numbers.as_slice()
        else {
            anyhow::bail!("wrk said {line:?}");
        };
        ensure!(broken == 0.0, "{broken} connections failed or took too long");
        let expected = if is_refused { requests } else { 0.0 };
        ensure!(failed == expected, "{failed} of {requests} answers are errors, not {expected}");
        let per_second = requests * 1e6 / microseconds.max(1.0);
        let measured = Self { requests, per_second, p50, p99, p999, most };
        Ok((requests > 0.0).then_some(measured))
    }
}

/// wrk, and the folder for what it reads.
pub(super) struct Wrk {
    root: PathBuf,
    folder: PathBuf,
}

impl Wrk {
    /// Installs it where it is missing and that is allowed.
    pub(super) fn ready(root: &Path, folder: &Path) -> anyhow::Result<Self> {
        if !is_there(root) {
            let apt = ["apt-get", "install", "--yes", "--no-install-recommends", "wrk"];
            let user = output(&mut program(root, "id", &["-u"]))?;
            let mut install = match user.trim() {
                "0" => program(root, apt[0], &apt[1..]),
                _ => program(root, "sudo", &[&["-n"], &apt[..]].concat()),
            };
            let installed = run(&mut install);
            ensure!(
                installed.is_ok() && is_there(root),
                "wrk is needed, and could not be installed: apt-get install wrk"
            );
        }
        std::fs::write(folder.join("load.lua"), SCRIPT)?;
        Ok(Self { root: root.to_owned(), folder: folder.to_owned() })
    }

    /// Loads `origin` for some seconds, or for longer where that is too short for a single answer.
    pub(super) fn run(&self, origin: &str, load: &Load, seconds: u32) -> anyhow::Result<Measured> {
        for factor in [1, 4, 16] {
            if let Some(measured) = self.attempt(origin, load, seconds * factor)? {
                return Ok(measured);
            }
        }
        anyhow::bail!("{}: not one answer in {} s", load.name, seconds * 16)
    }

    /// The same, for just so long; nothing, where nothing was answered.
    pub(super) fn attempt(
        &self,
        origin: &str,
        load: &Load,
        seconds: u32,
    ) -> anyhow::Result<Option<Measured>> {
        let (method, target, lines) = match &load.ask {
            Ask::Get(targets) => ("GET", "/", targets),
            Ask::Post(target, bodies) => ("POST", target.as_str(), bodies),
        };
        let file = self.folder.join("requests");
        std::fs::write(&file, lines.join("\n") + "\n")?;
        let threads = load.connections.min(2).to_string();
        let (connections, duration) = (load.connections.to_string(), seconds.to_string());
        let mut wrk = program(
            &self.root,
            "wrk",
            &["-t", &threads, "-c", &connections, "-d", &duration, "--timeout", "60", "-s"],
        );
        wrk.arg(self.folder.join("load.lua")).args([origin, "--", method]).arg(file).arg(target);
        let said = output(&mut wrk)?;
        Measured::read(&said, load.is_refused).with_context(|| load.name.clone())
    }
}

fn is_there(root: &Path) -> bool {
    program(root, "wrk", &["--version"]).output().is_ok()
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}/s, p50 {:.0} µs, p99 {:.0} µs", self.per_second, self.p50, self.p99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 2s test @ http://127.0.0.1:1\n  2 threads and 4 connections\n\
        Requests/sec:  1000.00\nmeasured 2000 2000000 0 0 90 400 1500 2100\n";

    #[test]
    fn what_wrk_measured_is_read() {
        let expected = Measured {
            requests: 2000.0,
            per_second: 1000.0,
            p50: 90.0,
            p99: 400.0,
            p999: 1500.0,
            most: 2100.0,
        };
        assert_eq!(Measured::read(SAID, false).unwrap(), Some(expected));
        assert_eq!(Measured::read("measured 0 2000000 0 0 0 0 0 0", false).unwrap(), None);
    }

    #[test]
    fn what_did_not_go_as_expected_is_no_measurement() {
        for (said, is_refused, complaint) in [
            ("", false, "did not say"),
            ("measured 1 2 3", false, "wrk said"),
            ("measured 1 2 3 four", false, "numbers"),
            ("measured 9 2000000 1 0 90 400 1500 2100", false, "1 of 9 answers are errors"),
            ("measured 9 2000000 0 2 90 400 1500 2100", false, "2 connections"),
            (SAID, true, "0 of 2000 answers are errors, not 2000"),
        ] {
            let error = Measured::read(said, is_refused).unwrap_err();
            assert!(format!("{error:#}").contains(complaint), "{said}: {error:#}");
        }
    }
}
