//! The real binary, for what only a process can show: signals, sudden death, exit codes, output.

use crate::DEADLINE;
use crate::api::Api;
use crate::call::Caller;
use crate::database::Database;
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Where cargo puts the server, seen from a test binary in `deps/`.
///
/// # Panics
/// It is not built, or of other sources than those that are there now: `cargo test` does not build it.
pub fn binary() -> PathBuf {
    static BINARY: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
        let here = std::env::current_exe().unwrap();
        let path = here.parent().and_then(Path::parent).unwrap().join("tmf683-server");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("server/src/main.rs");
        is_of_these_sources(&path, &source).map(|()| path)
    });
    let how = "run `cargo build -p tmf683-server`, with the profile of the tests";
    BINARY.clone().unwrap_or_else(|why| panic!("{why}: {how}"))
}

/// Compares it with the files that went into it. Cargo lists them beside it, those of our libraries too.
fn is_of_these_sources(binary: &Path, source: &Path) -> Result<(), String> {
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified());
    let list = std::fs::read_to_string(binary.with_extension("d"));
    let (Ok(built), Ok(list)) = (changed(binary), list) else {
        return Err(format!("{} is not built", binary.display()));
    };
    // Spaces in names are escaped.
    let list = list.trim_end().replace("\\ ", "\0");
    let mut files = list.split(' ').skip(1).map(|name| PathBuf::from(name.replace('\0', " ")));
    if !files.clone().any(|file| file == source) {
        return Err(format!("{} is built of sources elsewhere", binary.display()));
    }
    let newer = files.find(|file| !changed(file).is_ok_and(|changed| changed <= built));
    newer.map_or(Ok(()), |file| {
        Err(format!("{} is older than {}", binary.display(), file.display()))
    })
}

/// What is left of a process.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A running server process; killed when dropped.
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    /// Kept open: a server must not fail for want of a reader.
    _out: Lines<BufReader<ChildStdout>>,
}

impl ServerProcess {
    /// Starts on an SQLite file, with the defaults.
    pub async fn start(file: &Path) -> Self {
        Self::start_with(file, &[]).await
    }

    /// Starts on an SQLite file.
    pub async fn start_with(file: &Path, environment: &[(&str, &str)]) -> Self {
        Self::serve(&format!("sqlite:{}", file.display()), environment).await
    }

    /// Starts on a database of either kind.
    pub async fn start_on(database: &Database, environment: &[(&str, &str)]) -> Self {
        Self::serve(database.store(), environment).await
    }

    /// Starts on a port the system picks, and waits for the line that says which.
    async fn serve(store: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = quiet(&["serve", "--listen", "127.0.0.1:0", "--store", store]);
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(DEADLINE, out.next_line()).await.expect("a line in time");
        let line = line.unwrap().expect("a line that says where it listens");
        let rest = line.strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}"));
        let address = rest.split(',').next().unwrap().parse().unwrap();
        Self { child, address, _out: out }
    }

    /// Runs the binary to its end. Only settings given here reach it.
    pub async fn run(arguments: &[&str], environment: &[(&str, &str)], directory: &Path) -> Ended {
        let mut command = quiet(arguments);
        command.envs(environment.iter().copied()).current_dir(directory);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = timeout(DEADLINE, command.output()).await.expect("an end in time").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resident memory in KiB; 0 where the system does not tell.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// A caller of one API.
    pub async fn through(&self, api: Api) -> Caller {
        Caller::connect(self.address, api).await
    }

    /// SIGKILL: no goodbye.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM; it may take its time to stop.
    pub fn terminate(&self) {
        let id = i32::try_from(self.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    }

    /// Waits for the end and says with which code it came.
    pub async fn wait(&mut self) -> Option<i32> {
        timeout(DEADLINE, self.child.wait()).await.expect("an end in time").unwrap().code()
    }
}

fn quiet(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    let ours = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("TMF683_"));
    ours.for_each(|name| {
        command.env_remove(name);
    });
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, write};
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_binary_of_other_sources_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (binary, ours, part) = (at("server"), at("main.rs"), at("a part.rs"));
        let judge = || is_of_these_sources(&binary, &ours).err().unwrap_or_default();
        let age = |path: &Path, seconds: u64| {
            let then = SystemTime::now() - Duration::from_secs(seconds);
            File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
        };
        assert!(judge().contains("not built"), "{}", judge());
        for file in [&binary, &ours, &part] {
            write(file, "").unwrap();
        }
        let list = |names: &str| write(at("server.d"), format!("server: {names}\n")).unwrap();
        let part_name = part.display().to_string().replace(' ', "\\ ");
        list(&format!("{} {part_name}", ours.display()));
        for (path, seconds) in [(&binary, 10), (&ours, 20), (&part, 30)] {
            age(path, seconds);
        }
        assert_eq!(judge(), "");
        age(&part, 5);
        assert!(judge().contains("older than") && judge().contains("a part.rs"), "{}", judge());
        std::fs::remove_file(&part).unwrap();
        assert!(judge().contains("a part.rs"), "{}", judge());
        list("elsewhere/main.rs");
        assert!(judge().contains("elsewhere"), "{}", judge());
    }
}
