//! The programs that tasks run: how they start, and where one that is missing comes from.
//!
//! Whatever has to be installed goes below the target directory, so that it is cached with the
//! build, and `cargo clean` removes it; nobody's home is touched.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Judges `deny.toml`; a newer one may find new fault with an old tree, so it is pinned.
const CARGO_DENY: &str = "0.20.2";

/// A program with arguments, to be run at `root`. It reads nothing: no question can stop a run.
pub(crate) fn program(root: &Path, name: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root).stdin(Stdio::null());
    // `cargo run` describes xtask to us in these. Build scripts that watch them (ring's does)
    // would run again whenever a build comes from here instead of from a shell.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(key);
        }
    }
    command
}

/// The cargo that runs us.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Command {
    program(root, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// Runs, after printing what.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| shown(command))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    Ok(())
}

/// Runs quietly and returns what it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| shown(command))?;
    ensure!(output.status.success(), "{} failed: {}", shown(command), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// cargo-deny of the pinned version: ours, or the one on the path, or installed now.
pub(crate) fn cargo_deny(root: &Path) -> anyhow::Result<PathBuf> {
    let tools = target_directory(root)?.join("tools");
    let ours = tools.join("bin/cargo-deny");
    for candidate in [ours.clone(), PathBuf::from("cargo-deny")] {
        let version = program(root, &candidate, &["--version"]).output();
        if version.is_ok_and(|said| said.stdout.trim_ascii_end().ends_with(CARGO_DENY.as_bytes())) {
            return Ok(candidate);
        }
    }
    let install = ["install", "cargo-deny", "--version", CARGO_DENY, "--locked", "--root"];
    run(cargo(root, &install).arg(&tools))?;
    Ok(ours)
}

/// Where builds go, whoever decided it: environment, configuration or default.
pub(crate) fn target_directory(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = output(&mut cargo(root, &["metadata", "--no-deps", "--format-version=1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let directory = metadata["target_directory"].as_str().context("no target_directory")?;
    Ok(PathBuf::from(directory))
}

/// The command as one would type it: program by name, arguments as they are.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed() {
        let command = program(Path::new("."), "/some/where/cargo", &["test", "--locked"]);
        assert_eq!(shown(&command), "cargo test --locked");
    }

    #[test]
    fn failure_names_the_command() {
        let error = run(&mut program(Path::new("."), "false", &["really"])).unwrap_err();
        assert_eq!(error.to_string(), "false really failed: exit status: 1");
    }
}
