//! What the command line does to a store itself, whether a server runs on it or not: import, export,
//! backup, restore, migrate.

use anyhow::{anyhow, bail};
use clap::Args;
use std::path::PathBuf;
use tmf683_server::bulk::{export, import, migrate};
use tmf683_server::config::{Flags, Settings, StoreUrl};

/// Which store, and how it is set up.
#[derive(Args)]
struct Target {
    /// Where interactions are kept, sqlite:PATH [default: sqlite:./tmf683.db].
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// What clients reach the server by: hrefs that begin so are its own.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A TOML file of settings; see default-config.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Target {
    fn settings(self) -> anyhow::Result<Settings> {
        let Self { store, public_url, config } = self;
        let settings = Settings::load(&Flags { store, public_url, config, ..Flags::default() })?;
        tmf683_server::init_log(&settings.log)?;
        Ok(settings)
    }
}

/// `import …`
#[derive(Args)]
#[command(
    after_help = "A run that was cut off is taken up by the same command: what is there already \
    is left as it is."
)]
pub struct Import {
    #[command(flatten)]
    target: Target,
    /// The version of all documents, v4 or v5 [default: told by the shape of each].
    #[arg(long = "version", value_name = "VERSION")]
    api_version: Option<String>,
    /// When an id is there with other content: skip, replace or fail.
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    on_conflict: String,
    /// A file for what is wrong with lines: a JSON object each, with line, pointer and problem.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Tell listeners of new interactions; not of replaced ones.
    #[arg(long)]
    events: bool,
    /// What ids of lines without one are made of, beside the line [default: the file's name].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The documents; - is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

impl Import {
    /// Imports, and says what became of the lines.
    ///
    /// # Errors
    /// Nothing could be done, or some lines were refused.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = self.target.settings()?;
        let order = import::Order {
            file: named(self.file),
            source: self.source,
            version: self.api_version,
            on_conflict: self.on_conflict,
            errors: self.errors,
            with_events: self.events,
        };
        let summary = runtime()?.block_on(tmf683_server::import(&settings, &order))?;
        println!("{summary}");
        if !summary.is_whole() {
            bail!("not all lines were imported");
        }
        Ok(())
    }
}

/// `export …`
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    target: Target,
    /// The version documents are shown in and the filter is written in, v4 or v5.
    #[arg(long = "version", value_name = "VERSION", default_value = "v5")]
    api_version: String,
    /// The query of a list: filters, sort, offset, limit.
    #[arg(long, value_name = "QUERY")]
    filter: Option<String>,
    /// Go on behind the cursor an earlier export ended with.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Attributes to show, dotted, with commas between them [default: all].
    #[arg(long, value_name = "PATHS")]
    fields: Option<String>,
    /// ndjson, or csv or parquet of --fields.
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: String,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
    /// Where to; - is standard output.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

impl Export {
    /// Exports, and says how to go on from its end.
    ///
    /// # Errors
    /// It could not be done, or was interrupted.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = self.target.settings()?;
        let order = export::Order {
            file: named(self.file),
            replace: self.force,
            version: self.api_version,
            filter: self.filter,
            after: self.after,
            fields: self.fields,
            format: self.format,
        };
        let exported = runtime()?.block_on(async {
            // Where it cannot be listened for, the signal ends the process as ever.
            let interrupted = async {
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending().await
                }
            };
            tmf683_server::export(&settings, &order, interrupted).await
        })?;
        eprintln!("{} exported", exported.written);
        if let Some(cursor) = &exported.cursor {
            eprintln!("go on with --after {cursor}");
        }
        if !exported.is_whole() {
            let part = exported.part.map(|part| format!(", which are in {}", part.display()));
            let part = part.unwrap_or_default();
            bail!("interrupted after {} of {}{part}", exported.written, exported.asked);
        }
        Ok(())
    }
}

/// `backup …`
#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    given: Given,
}

/// `restore …`
#[derive(Args)]
pub struct Restore {
    #[command(flatten)]
    given: Given,
}

/// A store and a file.
#[derive(Args)]
struct Given {
    /// The store, sqlite:PATH [default: sqlite:./tmf683.db].
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// A TOML file of settings; see default-config.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Replace what is there.
    #[arg(long)]
    force: bool,
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Given {
    fn settings(&self) -> anyhow::Result<Settings> {
        let (store, config) = (self.store.clone(), self.config.clone());
        Ok(Settings::load(&Flags { store, config, ..Flags::default() })?)
    }
}

impl Backup {
    /// Makes it, and says how much is in it.
    ///
    /// # Errors
    /// There is no backup.
    pub fn run(self) -> anyhow::Result<()> {
        let Given { file, force, .. } = &self.given;
        let settings = self.given.settings()?;
        let interactions = tmf683_server::backup(&settings, file, *force)?;
        println!("{interactions} interactions are in {}", file.display());
        Ok(())
    }
}

impl Restore {
    /// Takes it, and says how much is in it.
    ///
    /// # Errors
    /// The store is as it was.
    pub fn run(self) -> anyhow::Result<()> {
        let Given { file, force, .. } = &self.given;
        let settings = self.given.settings()?;
        let interactions = tmf683_server::restore(&settings, file, *force)?;
        println!("{interactions} interactions are in {}", settings.store);
        Ok(())
    }
}

/// `migrate …`
#[derive(Args)]
#[command(
    after_help = "Run it while the server goes on, and again to catch up. Then stop the server, run \
    it with --finish, and start on the new store: until then nobody can."
)]
pub struct Migrate {
    /// The store that is, sqlite:PATH.
    #[arg(long, value_name = "STORE")]
    from: String,
    /// The store that is to be, postgres://HOST/DATABASE [default: that of the settings].
    #[arg(long, value_name = "STORE")]
    to: Option<String>,
    /// A TOML file of settings; see default-config.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Catch up for the last time, with a store that nobody uses, and make the new one ready to serve.
    #[arg(long)]
    finish: bool,
    /// Only compare; change nothing.
    #[arg(long, conflicts_with = "finish")]
    verify_only: bool,
}

impl Migrate {
    /// Migrates, and says whether it is done.
    ///
    /// # Errors
    /// It could not be done, or they have not the same.
    pub fn run(self) -> anyhow::Result<()> {
        let Self { from, to, config, finish, verify_only } = self;
        let settings = Settings::load(&Flags { store: to, config, ..Flags::default() })?;
        tmf683_server::init_log(&settings.log)?;
        let from = StoreUrl::try_from(from).map_err(|error| anyhow!("--from: {error}"))?;
        let order = match (verify_only, finish) {
            (true, _) => migrate::Order::Verify,
            (false, true) => migrate::Order::Finish,
            (false, false) => migrate::Order::CatchUp,
        };
        let to = &settings.store;
        match runtime()?.block_on(tmf683_server::migrate(&from, to, order))? {
            true if finish => println!("{to} has all of {from} and is ready to serve"),
            true => println!("{to} has all of {from}"),
            false => println!("{from} has changed meanwhile; run it again"),
        }
        Ok(())
    }
}

/// `-` is no file.
fn named(file: PathBuf) -> Option<PathBuf> {
    Some(file).filter(|file| file.as_os_str() != "-")
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
