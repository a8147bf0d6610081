//! The command line. The server it starts lives in the library, what it asks a running one in
//! [`operator`], what it does to a store without one in [`transfer`].

mod operator;
mod transfer;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use operator::{Deliveries, Subscriptions, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tmf683_server::config::{DEFAULT_TOML, Flags, Settings};
use tmf683_server::{Running, init_log, start};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// TMF683 Party Interaction Management, v4 and v5. Without a command: serve with the defaults.
#[derive(Parser)]
#[command(name = "tmf683-server", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API until SIGTERM or SIGINT.
    Serve(ServeArgs),
    /// Ask a running server about subscriptions: who is told of events, and how that goes.
    Subscriptions {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: Subscriptions,
    },
    /// Ask a running server about events that were not delivered.
    Deliveries {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: Deliveries,
    },
    /// Bring interactions in, one JSON document a line, v4 or v5.
    Import(transfer::Import),
    /// Write interactions out, one JSON document a line.
    Export(transfer::Export),
    /// Copy the store to a file, while a server uses it.
    Backup(transfer::Backup),
    /// Put a backup in place of a store that no server uses.
    Restore(transfer::Restore),
    /// Move all data to another store, while a server uses it.
    Migrate(transfer::Migrate),
    /// Print the commented default settings, a start for a --config file.
    DefaultConfig,
}

#[derive(Args, Default)]
struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:8683].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where interactions are kept, sqlite:PATH or postgres://HOST/DATABASE [default: sqlite:./tmf683.db].
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// What clients reach this server by, for href and Location [default: by the Host header].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A TOML file of settings; see default-config.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen beyond loopback without authentication.
    #[arg(long)]
    allow_anonymous: bool,
    /// Say in X-Query-Plan how each list was found.
    #[arg(long)]
    explain: bool,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command.unwrap_or(Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => serve(args),
        Command::Subscriptions { target, command } => {
            ask(operator::subscriptions(&target, command))
        }
        Command::Deliveries { target, command } => ask(operator::deliveries(&target, command)),
        Command::Import(args) => args.run(),
        Command::Export(args) => args.run(),
        Command::Backup(args) => args.run(),
        Command::Restore(args) => args.run(),
        Command::Migrate(args) => args.run(),
        Command::DefaultConfig => {
            print!("{DEFAULT_TOML}");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, the whole chain: what was tried, and why it failed.
            eprintln!("tmf683-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let settings = Settings::load(&Flags {
        config: args.config,
        listen: args.listen,
        store: args.store,
        public_url: args.public_url,
        allow_anonymous: args.allow_anonymous,
        explain: args.explain,
    })?;
    init_log(&settings.log)?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(settings))
}

/// One question, one answer: no need for threads.
fn ask(question: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(question)
}

/// Thousands of listeners are thousands of connections, but what processes may open unless they ask
/// is often 1024 files.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    // Asked for before listening, so that a signal right after start is not lost.
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let store = settings.store.to_string();
    let server = start(settings).await?;
    let address = server.local_addr();
    let bases = Running::bases().map(|base| format!("  http://{address}{base}\n"));
    let told =
        format!("listening on http://{address}, store {store}\n{}", bases.collect::<String>());
    // Whether anybody reads it is not the server's trouble.
    let _ = std::io::stdout().lock().write_all(told.as_bytes());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    server.stop().await
}
