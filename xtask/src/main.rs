//! Project tasks: `cargo xtask <task>`.
//!
//! Subcommands and their arguments only; each task lives in a module of its own. Builds without any
//! other crate of the workspace, because it makes one of them.

mod bench;
mod ci;
mod client;
mod codegen;
mod conformance;
mod diff;
mod discriminator;
mod document;
mod flatten;
mod lower;
mod models;
mod operation;
mod publish;
mod resolve;
mod rust;
mod schemas;
mod server_trait;
mod structure;
mod supported;
mod swagger2;
mod tables;
#[cfg(test)]
mod tests;
mod tidy;
mod tools;
mod types;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of this project")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Generate models, traits, clients and schemas from the API documents
    Gen(GenArgs),
    /// Compare what two API documents state, prose left out; exit 1 and a line per difference
    SpecDiff {
        /// Our document
        ours: PathBuf,
        /// The document it should equal
        theirs: PathBuf,
    },
    /// Check the house rules: layering, headers, names
    Tidy,
    /// Build what the tests need, run them, and write docs/CONFORMANCE.md; with arguments, which go to
    /// `cargo test`, only run them
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Judge inputs made from the corpus for a while; see server/src/fuzz.rs
    Fuzz {
        /// One target, such as `json-patch`; without it, all at once
        target: Option<String>,
        /// For how long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Measure a release build with wrk, and write docs/BENCHMARKS.md
    Bench(bench::BenchArgs),
    /// Everything that must hold before a merge, as continuous integration runs it
    Ci,
}

#[derive(Args)]
struct GenArgs {
    /// Write nothing; show what would change and exit 1 if anything would
    #[arg(long)]
    check: bool,
    /// A document other than ours, Swagger 2.0 or OpenAPI 3.0, JSON or YAML
    #[arg(long, requires = "name", requires = "out")]
    spec: Option<PathBuf>,
    /// Version name of that document, such as `v6`
    #[arg(long, requires = "spec")]
    name: Option<String>,
    /// Directory to generate into
    #[arg(long, requires = "spec")]
    out: Option<PathBuf>,
}

/// How a task ended: what it has to say, and whether all is well.
struct Outcome {
    text: String,
    is_good: bool,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Gen(args) => generate(args),
        Task::SpecDiff { ours, theirs } => diff::run(&ours, &theirs),
        Task::Tidy => habit(tidy::tidy),
        // Not the arguments clap read: it drops the `--` that cargo needs.
        Task::Test { args: _ } => {
            habit(|root| ci::test(root, &std::env::args().skip(2).collect::<Vec<_>>()))
        }
        Task::Fuzz { target, seconds } => {
            habit(|root| ci::fuzz(root, target.as_deref().unwrap_or_default(), seconds))
        }
        Task::Bench(args) => habit(|root| bench::bench(root, &args)),
        Task::Ci => habit(|root| ci::ci(root, no_drift)),
    };
    match outcome {
        Ok(Outcome { text, is_good }) => {
            // A reader that went away (`| head`) has read enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn generate(args: GenArgs) -> anyhow::Result<Outcome> {
    let jobs = match (args.spec, args.name, args.out) {
        (Some(spec), Some(name), Some(out)) => vec![codegen::Job::foreign(spec, name, out)],
        _ => codegen::Job::ours(),
    };
    codegen::run(&jobs, args.check)
}

/// `gen --check`, as a step of `ci`.
fn no_drift() -> anyhow::Result<()> {
    let Outcome { text, is_good } = codegen::run(&codegen::Job::ours(), true)?;
    anyhow::ensure!(is_good, "{text}generated code differs: run `cargo xtask gen`");
    Ok(())
}

/// Runs a task that says what it does as it goes, at the root of the workspace.
fn habit(task: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<Outcome> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("run me as `cargo xtask`")?;
    let root = Path::new(&manifest).parent().context("xtask lies in the workspace")?;
    task(root)?;
    Ok(Outcome { text: String::new(), is_good: true })
}
