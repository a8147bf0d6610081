//! A PostgreSQL for tests and benchmarks: a cluster in a folder that goes away with it, reached by a
//! socket in that folder, so that it meets no other.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Who runs it when we are root, whom PostgreSQL refuses: Debian's package makes that user.
const USER: &str = "postgres";

/// Settings of a cluster that need not survive the machine: it is for speed of tests only.
pub const FORGETFUL: &[&str] = &["fsync=off"];

/// A running cluster; stopped when dropped.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
}

impl Cluster {
    /// Makes and starts one, with `settings` of the form `name=value` beside those that make it private.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[&str]) -> anyhow::Result<Self> {
        let programs = programs().context(
            "PostgreSQL is not installed: `apt-get install postgresql`, or `.ci/run`, which does",
        )?;
        let cluster = Self { programs, folder: tempfile::tempdir()? };
        let folder = cluster.folder.path().to_str().context("a folder with an odd name")?;
        if is_root()? {
            done(Command::new("chown").args([USER, folder]))?;
        }
        let init = ["--username", USER, "--auth", "trust", "--encoding", "UTF8"];
        let quiet = ["--locale", "C.UTF-8", "--no-sync", "--pgdata"];
        done(cluster.as_user("initdb")?.args(init).args(quiet).arg(cluster.data()))?;
        // Servers of many tests run at a time.
        let mut options = format!("-k {folder} -c listen_addresses= -c max_connections=1000");
        for setting in settings {
            options.push_str(&format!(" -c {setting}"));
        }
        let log = cluster.folder.path().join("log");
        let mut start = cluster.as_user("pg_ctl")?;
        start.args(["start", "--wait", "--silent", "--pgdata"]).arg(cluster.data());
        start.arg("--log").arg(log).args(["--options", &options]);
        done(&mut start)?;
        Ok(cluster)
    }

    /// The database that may be filled with anything.
    #[must_use]
    pub fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{USER}@{folder}/postgres")
    }

    /// Its first process, whose children do the work.
    ///
    /// # Errors
    /// It does not run.
    pub fn process_id(&self) -> anyhow::Result<u32> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        Ok(file.lines().next().context("an empty postmaster.pid")?.parse()?)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn as_user(&self, name: &str) -> anyhow::Result<Command> {
        let name = self.programs.join(name);
        let mut command = if is_root()? {
            let mut command = Command::new("runuser");
            command.args(["-u", USER, "--"]).arg(name);
            command
        } else {
            Command::new(name)
        };
        // The user may not be allowed where we are.
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        Ok(command)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stop = self.as_user("pg_ctl").and_then(|mut command| {
            let stop = ["stop", "--silent", "--mode", "immediate", "--pgdata"];
            done(command.args(stop).arg(self.data()))
        });
        if let Err(error) = stop {
            eprintln!("the PostgreSQL of the tests was not stopped: {error}");
        }
    }
}

/// The newest of Debian's versions, which are not on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<_> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| number(path));
    let folders = versions.into_iter().rev().map(|version| version.join("bin"));
    folders.into_iter().find(|folder| folder.join("initdb").exists())
}

/// Runs quietly; what it complained of is seen.
fn done(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

fn is_root() -> anyhow::Result<bool> {
    let id = Command::new("id").arg("-u").output()?;
    ensure!(id.status.success(), "id -u failed");
    Ok(id.stdout.trim_ascii() == b"0")
}
