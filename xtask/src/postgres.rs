//! A PostgreSQL for the tests: a cluster in a folder that goes away with it, reached by a socket in
//! that folder, so that it meets no other.

use crate::tools::{output, program, run};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Who runs it when we are root, whom PostgreSQL refuses: Debian's package makes that user.
const USER: &str = "postgres";

/// A running cluster; stopped when dropped.
pub(crate) struct Cluster {
    root: PathBuf,
    programs: PathBuf,
    folder: TempDir,
}

impl Cluster {
    /// Makes and starts one.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub(crate) fn start(root: &Path) -> anyhow::Result<Self> {
        let programs = programs().context(
            "PostgreSQL is not installed: `apt-get install postgresql`, or `.ci/run`, which does",
        )?;
        let cluster = Self { root: root.to_owned(), programs, folder: tempfile::tempdir()? };
        let folder = cluster.folder.path().to_str().context("a folder with an odd name")?;
        if is_root()? {
            run(&mut program(root, "chown", &[USER, folder]))?;
        }
        let data = format!("{folder}/data");
        let init = ["--username", USER, "--auth", "trust", "--encoding", "UTF8"];
        let quiet = ["--locale", "C.UTF-8", "--no-sync", "--pgdata", &data];
        output(cluster.as_user("initdb")?.args(init).args(quiet))?;
        // It need not survive the machine. Servers of many tests run at a time.
        let settings =
            format!("-k {folder} -c listen_addresses= -c fsync=off -c max_connections=1000");
        let log = format!("{folder}/log");
        let start = ["start", "--wait", "--silent", "--pgdata", &data, "--log", &log];
        run(cluster.as_user("pg_ctl")?.args(start).args(["--options", &settings]))?;
        Ok(cluster)
    }

    /// The database that tests may fill.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{USER}@{folder}/postgres")
    }

    fn as_user(&self, name: &str) -> anyhow::Result<Command> {
        let name = self.programs.join(name);
        let name = name.to_str().context("a folder with an odd name")?;
        let mut command = match is_root()? {
            true => program(&self.root, "runuser", &["-u", USER, "--", name]),
            false => program(&self.root, name, &[]),
        };
        // The user may not be allowed where we are.
        command.current_dir(self.folder.path());
        Ok(command)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let stop = self.as_user("pg_ctl").and_then(|mut command| {
            let stop = ["stop", "--silent", "--mode", "immediate", "--pgdata"];
            run(command.args(stop).arg(data))
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

fn is_root() -> anyhow::Result<bool> {
    let id = Command::new("id").arg("-u").output()?;
    ensure!(id.status.success(), "id -u failed");
    Ok(id.stdout.trim_ascii() == b"0")
}
