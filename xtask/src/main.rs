//! Project tasks: `cargo xtask <task>`.
//!
//! Subcommands and their arguments only; each task lives in a module of its own. Builds without any
//! other crate of the workspace, because it makes one of them.

mod client;
mod codegen;
mod diff;
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

use std::path::PathBuf;
use std::process::ExitCode;

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

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Gen(args) => generate(args),
        Task::SpecDiff { ours, theirs } => diff::run(&ours, &theirs),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn generate(args: GenArgs) -> anyhow::Result<ExitCode> {
    let jobs = match (args.spec, args.name, args.out) {
        (Some(spec), Some(name), Some(out)) => vec![codegen::Job::foreign(spec, name, out)],
        _ => codegen::Job::ours(),
    };
    codegen::run(&jobs, args.check)
}
