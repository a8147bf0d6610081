//! A PostgreSQL for tests and benchmarks: a cluster in a folder that goes away with it, reached by a
//! socket in that folder, so that it meets no other. It can be stopped and started again, and have a
//! standby that takes its place.

mod disk;

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub use disk::SmallDisk;

/// Who runs it when we are root, whom PostgreSQL refuses: Debian's package makes that user.
const USER: &str = "postgres";

/// Settings of a cluster that need not survive the machine: it is for speed of tests only.
pub const FORGETFUL: &[&str] = &["fsync=off"];

/// A running cluster; stopped when dropped.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    options: String,
}

impl Cluster {
    /// Makes and starts one, with `settings` of the form `name=value` beside those that make it private.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[&str]) -> anyhow::Result<Self> {
        Self::initialised(&[], settings)
    }

    /// The same, its log (in PostgreSQL's sense: what it writes ahead) on a disk of its own, which is full
    /// as soon as the log needs a MiB more than it gives.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start_with_log_on(disk: &SmallDisk, settings: &[&str]) -> anyhow::Result<Self> {
        let log = disk.path().join("log").display().to_string();
        Self::initialised(&["--wal-segsize", "1", "--waldir", &log], settings)
    }

    fn initialised(how: &[&str], settings: &[&str]) -> anyhow::Result<Self> {
        let cluster = Self::not_started(settings)?;
        let init = ["--username", USER, "--auth", "trust", "--encoding", "UTF8"];
        let quiet = ["--locale", "C.UTF-8", "--no-sync", "--pgdata"];
        done(cluster.as_user("initdb")?.args(how).args(init).args(quiet).arg(cluster.data()))?;
        cluster.go_on()?;
        Ok(cluster)
    }

    /// A copy that follows this one, until it is promoted.
    ///
    /// # Errors
    /// It does not start.
    pub fn standby(&self, settings: &[&str]) -> anyhow::Result<Self> {
        let standby = Self::not_started(settings)?;
        let mut copy = standby.as_user("pg_basebackup")?;
        copy.args(["--username", USER, "--host"]).arg(self.folder());
        copy.args(["--write-recovery-conf", "--checkpoint", "fast", "--no-sync", "--pgdata"]);
        done(copy.arg(standby.data()))?;
        standby.go_on()?;
        Ok(standby)
    }

    fn not_started(settings: &[&str]) -> anyhow::Result<Self> {
        let programs = programs().context(
            "PostgreSQL is not installed: `apt-get install postgresql`, or `.ci/run`, which does",
        )?;
        let folder = tempfile::tempdir()?;
        belongs_to_user(folder.path())?;
        // Servers of many tests run at a time.
        let mut options = format!("-k '{}'", folder.path().display());
        for setting in ["listen_addresses=", "max_connections=1000"].iter().chain(settings) {
            options.push_str(&format!(" -c '{setting}'"));
        }
        Ok(Self { programs, folder, options })
    }

    /// Starts it again after [`Self::stop`], and waits until it takes connections.
    ///
    /// # Errors
    /// It does not start.
    pub fn go_on(&self) -> anyhow::Result<()> {
        let mut start = self.as_user("pg_ctl")?;
        start.args(["start", "--wait", "--silent", "--pgdata"]).arg(self.data());
        start.arg("--log").arg(self.log()).args(["--options", &self.options]);
        done(&mut start)
    }

    /// Stops it as a crash would: nobody is asked, nothing is written first.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop(&self) -> anyhow::Result<()> {
        let stop = ["stop", "--wait", "--silent", "--mode", "immediate", "--pgdata"];
        done(self.as_user("pg_ctl")?.args(stop).arg(self.data()))
    }

    /// Makes a primary of a standby, and waits until it takes changes.
    ///
    /// # Errors
    /// It is no standby.
    pub fn promote(&self) -> anyhow::Result<()> {
        let promote = ["promote", "--wait", "--silent", "--pgdata"];
        done(self.as_user("pg_ctl")?.args(promote).arg(self.data()))
    }

    /// Does what the statements say, each by itself, and answers with the rows, their columns
    /// separated by `|`.
    ///
    /// # Errors
    /// One of them failed, or the cluster does not run.
    pub fn sql(&self, statements: &[&str]) -> anyhow::Result<String> {
        let mut psql = self.as_user("psql")?;
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname"]);
        psql.arg(self.url()).args(["--set", "ON_ERROR_STOP=1"]);
        for statement in statements {
            psql.args(["--command", statement]);
        }
        let output = psql.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{psql:?} failed: {}", output.status);
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// The database that may be filled with anything.
    #[must_use]
    pub fn url(&self) -> String {
        let folder = self.folder().display().to_string().replace('/', "%2F");
        format!("postgres://{USER}@{folder}/postgres")
    }

    /// Where its socket is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the cluster has to say about itself.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
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
        self.folder().join("data")
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
        command.current_dir(self.folder()).stdin(Stdio::null());
        Ok(command)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.data().join("postmaster.pid").exists() {
            return;
        }
        if let Err(error) = self.stop() {
            eprintln!("the PostgreSQL of the tests was not stopped: {error}");
        }
    }
}

/// Whether there is any PostgreSQL to start.
#[must_use]
pub fn is_installed() -> bool {
    programs().is_some()
}

/// Gives a file or folder to who runs clusters.
///
/// # Errors
/// There is no such user.
pub fn belongs_to_user(path: &Path) -> anyhow::Result<()> {
    if is_root()? {
        done(Command::new("chown").arg(USER).arg(path))?;
    }
    Ok(())
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
