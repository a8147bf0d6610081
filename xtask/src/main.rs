//! Project tasks: `cargo xtask --help`.

mod ci;
mod tidy;
mod tools;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Project tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the house rules: layering, headers, names.
    Tidy,
    /// Build what the tests need, then run them. Arguments go to `cargo test`.
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Everything that must hold before a merge, as continuous integration runs it.
    Ci,
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        // One line: a broken rule or a failed check is no reason for a backtrace.
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    let root = root()?;
    match task {
        Task::Tidy => tidy::tidy(&root),
        // Not the arguments clap read: it drops the `--` that cargo needs.
        Task::Test { args: _ } => ci::test(&root, &std::env::args().skip(2).collect::<Vec<_>>()),
        // `gen --check` joins here with the generator.
        Task::Ci => ci::ci(&root, || Ok(())),
    }
}

/// The workspace this xtask belongs to.
fn root() -> anyhow::Result<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("run me as `cargo xtask`")?;
    let root = Path::new(&manifest).parent().context("xtask lies in the workspace")?;
    Ok(root.to_path_buf())
}
