//! `cargo xtask ci`: every check there is, in the order in which it is cheapest to fail; and
//! `cargo xtask test`, its last step, and `cargo xtask fuzz`, which is that for longer.
//!
//! What a machine must have first (a compiler, git) is the business of `.ci/run`.

use crate::conformance;
use crate::tidy::tidy;
use crate::tools::{cargo, cargo_deny, output, program, run};
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use test_postgres::{Cluster, FORGETFUL};

/// A named check.
struct Step<'a> {
    name: &'static str,
    work: Box<dyn FnOnce() -> anyhow::Result<()> + 'a>,
}

impl<'a> Step<'a> {
    fn new(name: &'static str, work: impl FnOnce() -> anyhow::Result<()> + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// Runs every check at `root` and stops at the first that fails. `gen_check` is what
/// `cargo xtask gen --check` does.
///
/// # Errors
/// A step failed; the error names it.
pub(crate) fn ci(
    root: &Path,
    gen_check: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked"];
    walk(vec![
        Step::new("fmt", || run(&mut cargo(root, &["fmt", "--all", "--check"]))),
        Step::new("tidy", || tidy(root)),
        Step::new("gen --check", gen_check),
        Step::new("clippy", || run(cargo(root, &clippy).args(["--", "-Dwarnings"]))),
        Step::new("features", || features(root)),
        Step::new("doc", || {
            let doc = ["doc", "--workspace", "--no-deps", "--all-features", "--locked"];
            run(cargo(root, &doc).env("RUSTDOCFLAGS", "-D warnings"))
        }),
        Step::new("deny", || deny(root)),
        Step::new("test", || test_all(root, true)),
    ])
}

/// Runs the tests; `extra` goes to `cargo test` as it is. Only when nothing is left out does the run
/// say what conforms, and writes `docs/CONFORMANCE.md`.
///
/// # Errors
/// Something does not build, a test failed, or a rule is not shown.
pub(crate) fn test(root: &Path, extra: &[String]) -> anyhow::Result<()> {
    match extra {
        [] => test_all(root, false),
        _ => cargo_test(root, |test| test.args(extra)),
    }
}

/// Runs all tests, on both stores, then writes the table of what they have shown or, to check, compares it.
fn test_all(root: &Path, check: bool) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let records = directory.path().join("records");
    let cluster = Cluster::start(FORGETFUL)?;
    cargo_test(root, |test| {
        test.env("CONFORMANCE_RECORDS", &records).env("TEST_POSTGRES_STORES", cluster.url())
    })?;
    // The scenarios once more, on the other store.
    let scenarios = ["test", "--package", "conformance", "--test", "conformance", "--locked"];
    run(cargo(root, &scenarios).env("TEST_POSTGRES", cluster.url()))?;
    let records = std::fs::read_to_string(&records).context("no test has shown anything")?;
    conformance::publish(root, &records, check)
}

/// Builds what the tests need, then runs them.
fn cargo_test(root: &Path, with: impl FnOnce(&mut Command) -> &mut Command) -> anyhow::Result<()> {
    // The test that kills a server kills the real program, and `cargo test` does not build it.
    run(&mut cargo(root, &["build", "--package", "tmf683-server", "--locked"]))?;
    run(with(&mut cargo(root, &["test", "--workspace", "--locked"])))
}

/// Runs the fuzz targets of the server, or one of them, for longer than `test` does.
///
/// # Errors
/// There is no such target, or a law does not hold: what was printed tells which, and for what.
pub(crate) fn fuzz(root: &Path, target: &str, seconds: u64) -> anyhow::Result<()> {
    let known =
        std::fs::read_dir(root.join("server/tests/corpus"))?.collect::<Result<Vec<_>, _>>()?;
    let is_known = known.iter().any(|folder| folder.file_name() == target);
    ensure!(target.is_empty() || is_known, "no folder server/tests/corpus/{target}");
    // A test is found by its path: `fuzz::` is all of them.
    let test = format!("fuzz::{}", target.replace('-', "_"));
    let test =
        ["test", "--package", "tmf683-server", "--lib", "--locked", "--", "--nocapture", &test];
    let exact: &[&str] = if target.is_empty() { &[] } else { &["--exact"] };
    run(cargo(root, &test).args(exact).env("FUZZ_SECONDS", seconds.to_string()))
}

/// Crates as their kinds of user build them, each without what only another kind needs.
fn features(root: &Path) -> anyhow::Result<()> {
    for (package, feature, absent) in [
        ("tmf683-generated", "client", "dropshot"),
        ("tmf683-generated", "server", "reqwest"),
        ("tmf683-client", "default", "dropshot"),
    ] {
        let only = ["--package", package, "--no-default-features", "--features", feature];
        run(cargo(root, &["clippy", "--locked"]).args(only).args(["--", "-Dwarnings"]))?;
        let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none"];
        let tree = output(cargo(root, &tree).args(only))?;
        let brought = tree.lines().any(|line| line.split(' ').next() == Some(absent));
        ensure!(!brought, "{package} with feature `{feature}` brings in {absent}");
        println!("{package} with `{feature}`: no {absent}");
    }
    Ok(())
}

/// Licences, bans and sources always; advisories where their database can be reached.
fn deny(root: &Path) -> anyhow::Result<()> {
    let deny = cargo_deny(root)?;
    // Errors only: the duplicates `deny.toml` warns of are many, and for a look by hand.
    let quietly = ["--log-level", "error", "check", "--hide-inclusion-graph"];
    run(program(root, &deny, &quietly).args(["bans", "licenses", "sources"]))?;
    let mut fetch = program(root, &deny, &["fetch", "db"]);
    // Where there is no network this must give up, not wait or ask.
    fetch.env("GIT_TERMINAL_PROMPT", "0");
    fetch.envs([("GIT_HTTP_LOW_SPEED_LIMIT", "1000"), ("GIT_HTTP_LOW_SPEED_TIME", "30")]);
    if let Err(error) = run(&mut fetch) {
        println!("advisories: SKIPPED, their database cannot be reached ({error})");
        return Ok(());
    }
    run(program(root, &deny, &quietly).args(["--disable-fetch", "advisories"]))
}

fn walk(steps: Vec<Step>) -> anyhow::Result<()> {
    let mut table = Vec::new();
    let mut outcome = Ok(());
    for Step { name, work } in steps {
        if outcome.is_err() {
            table.push(row(name, "not run", None));
            continue;
        }
        println!("\n== {name}");
        let start = Instant::now();
        outcome = work().with_context(|| format!("step `{name}` failed"));
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        table.push(row(name, verdict, Some(start.elapsed())));
    }
    println!("\n== summary\n{}", table.join("\n"));
    outcome
}

fn row(name: &str, verdict: &str, time: Option<Duration>) -> String {
    let seconds = time.map_or(String::new(), |time| format!("{:.1} s", time.as_secs_f64()));
    format!("{name:<12} {verdict:<8} {seconds:>9}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::cell::Cell;

    #[test]
    fn the_first_failure_stops_the_walk_and_is_named() {
        let reached = Cell::new(0);
        let count = || {
            reached.set(reached.get() + 1);
            Ok(())
        };
        let error = walk(vec![
            Step::new("one", count),
            Step::new("two", || bail!("broken")),
            Step::new("three", count),
        ])
        .unwrap_err();
        assert_eq!(format!("{error:#}"), "step `two` failed: broken");
        assert_eq!(reached.get(), 1);
    }

    #[test]
    fn rows_line_up() {
        assert_eq!(
            row("fmt", "ok", Some(Duration::from_millis(1250))),
            "fmt          ok           1.2 s"
        );
        assert_eq!(row("gen --check", "not run", None), "gen --check  not run");
    }
}
