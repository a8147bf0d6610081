//! `cargo xtask bench`: what the server costs, measured with wrk against a release build, and
//! `docs/BENCHMARKS.md` from it.
//!
//! Sections measure one subject each and return tables; whole runs judge the targets and write the report.
//! What is compared takes turns (`contest`), for on a shared machine the rates of one run say little alone.
//! Only loopback is loaded, for a bounded time, and all files lie below the target directory until the
//! run is over.

mod contest;
mod curves;
mod datasets;
mod footprint;
mod generate;
mod http;
mod imports;
mod listeners;
mod loads;
mod machine;
mod moving;
mod postgres;
mod processes;
mod profile;
mod report;
mod requests;
mod server;
mod targets;
mod without;
mod wrk;

use crate::tools::{cargo, run, target_directory};
use anyhow::ensure;
use clap::ValueEnum;
use contest::Pace;
use datasets::{Datasets, ensure_room};
use machine::Circumstances;
use report::Shown;
use std::path::{Path, PathBuf};
use std::process::Command;
use targets::Found;
use wrk::Wrk;

/// Where whole runs are written to.
const REPORT: &str = "docs/BENCHMARKS.md";
/// What sections that do not look at growth are measured at, or the next smaller size.
const MIDDLING: u64 = 100_000;

/// What is measured, and how.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Only these; without any, all of them, and docs/BENCHMARKS.md is written
    sections: Vec<Section>,
    /// Numbers of interactions to measure at; with 10000000 as well a run takes 22 GiB of disk, and a quarter of an hour more
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    documents: Vec<u64>,
    /// How often each load has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a turn is
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// What to build
    #[arg(long, default_value = "release")]
    profile: Profile,
    /// Build the profile `dist` too, which takes some minutes, to show what it earns
    #[arg(long)]
    lto: bool,
    /// Measure nothing: put the reasons of reasons.toml, as they are now, into docs/BENCHMARKS.md
    #[arg(long, exclusive = true)]
    explain: bool,
    /// Where to write what was measured [default: docs/BENCHMARKS.md for all sections]
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Section {
    /// Single requests: against the plain server, and without each trick
    Requests,
    /// Our server without each trick
    Without,
    /// Its processor time by kinds of work, if there is `perf`
    Profile,
    /// The same loads on stores of all sizes
    Curves,
    /// Import on one core and on all
    Imports,
    /// A thousand subscriptions
    Listeners,
    /// Disk, memory, start
    Footprint,
    /// PostgreSQL beside SQLite
    Postgres,
    /// One, two and four servers on one PostgreSQL
    Processes,
    /// From SQLite to PostgreSQL, and what it is there
    Moving,
}

/// As cargo calls them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Profile {
    Release,
    Dist,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }
}

/// What every section works with.
struct Bench {
    root: PathBuf,
    /// For files of this run.
    folder: PathBuf,
    binary: PathBuf,
    plain: PathBuf,
    without: PathBuf,
    without_mimalloc: PathBuf,
    /// Ours again, where that was asked for.
    dist: Option<PathBuf>,
    datasets: Datasets,
    wrk: Wrk,
    pace: Pace,
    sizes: Vec<u64>,
}

impl Bench {
    fn middling(&self) -> u64 {
        let fit = self.sizes.iter().copied().filter(|size| *size <= MIDDLING).max();
        fit.or_else(|| self.sizes.iter().copied().min()).unwrap_or(MIDDLING)
    }

    fn measure(&self, section: Section, found: &mut Found) -> anyhow::Result<Shown> {
        match section {
            Section::Requests => requests::measure(self, found),
            Section::Without => without::measure(self),
            Section::Profile => profile::measure(self),
            Section::Curves => curves::measure(self, found),
            Section::Imports => imports::measure(self, found),
            Section::Listeners => listeners::measure(self),
            Section::Footprint => footprint::measure(self),
            Section::Postgres => postgres::measure(self),
            Section::Processes => processes::measure(self),
            Section::Moving => moving::measure(self),
        }
    }
}

/// Measures, prints, and writes the report.
///
/// # Errors
/// Something is missing; or, once the rest is measured, a section failed or a target is missed without
/// a reason.
pub(crate) fn bench(root: &Path, args: &BenchArgs) -> anyhow::Result<()> {
    if args.explain {
        return explain(&root.join(REPORT));
    }
    ensure!(args.rounds > 0 && args.seconds > 0, "nothing is measured in no time");
    ensure!(args.documents.iter().all(|&size| size >= 1_000), "fewer than 1000 show nothing");
    let is_whole = args.sections.is_empty();
    let sections = if is_whole { Section::value_variants() } else { &args.sections };
    let mut sizes = args.documents.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let target = target_directory(root)?;
    let circumstances = Circumstances::now(root, &target, args.profile, args.rounds)?;
    println!("{circumstances}");
    // What a run that was killed has left is in the way.
    let folder = target.join("bench");
    let emptied = std::fs::remove_dir_all(&folder);
    ensure!(emptied.is_ok() || !folder.exists(), "{} cannot be emptied", folder.display());
    std::fs::create_dir_all(&folder)?;
    let folder = tempfile::Builder::new().tempdir_in(&folder)?;
    ensure_room(root, folder.path(), &sizes)?;
    let [binary, plain, without, without_mimalloc] = build(root, &target, args.profile)?;
    let dist = args.lto.then(|| build_ours(root, &target, Profile::Dist)).transpose()?;
    let bench = Bench {
        root: root.to_owned(),
        folder: folder.path().to_owned(),
        datasets: Datasets::new(folder.path(), &binary, &plain),
        binary,
        plain,
        without,
        without_mimalloc,
        dist,
        wrk: Wrk::ready(root, folder.path())?,
        pace: Pace { warm_up: 1, rounds: args.rounds, seconds: args.seconds },
        sizes,
    };
    let out = args.out.clone().or_else(|| is_whole.then(|| root.join(REPORT)));
    let (mut found, mut shown, mut failures) = (Found::new(), Vec::new(), Vec::new());
    for &section in sections {
        println!("\n== {section:?}");
        // What the other sections measure is not lost.
        let section = bench.measure(section, &mut found).unwrap_or_else(|error| {
            failures.push(format!("{section:?}: {error:#}"));
            Shown::failed(&format!("{section:?}"), &error)
        });
        println!("\n{section}");
        shown.push(section);
        // After each, so that a run that is cut off leaves what it has.
        if let Some(out) = &out {
            let (table, _) = targets::judge(&found)?;
            std::fs::write(out, report::report(&circumstances, &table, &shown))?;
        }
    }
    let (table, complaints) = targets::judge(&found)?;
    println!("{table}");
    failures.extend(complaints);
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

fn explain(report: &Path) -> anyhow::Result<()> {
    let (text, complaints) = targets::explained(&std::fs::read_to_string(report)?)?;
    std::fs::write(report, text)?;
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// Our server; and by themselves, for what examples depend on may not change what is measured, the plain
/// one and ours without its tricks.
fn build(root: &Path, target: &Path, profile: Profile) -> anyhow::Result<[PathBuf; 4]> {
    let ours = build_ours(root, target, profile)?;
    let examples = ["plain", "without", "without_mimalloc"];
    let mut build = build_command(root, profile);
    run(build.args(examples.iter().flat_map(|example| ["--example", example])))?;
    let built = target.join(profile.name()).join("examples");
    let [plain, without, without_mimalloc] = examples.map(|example| built.join(example));
    Ok([ours, plain, without, without_mimalloc])
}

fn build_ours(root: &Path, target: &Path, profile: Profile) -> anyhow::Result<PathBuf> {
    run(&mut build_command(root, profile))?;
    Ok(target.join(profile.name()).join("tmf683-server"))
}

fn build_command(root: &Path, profile: Profile) -> Command {
    let package = ["--package", "tmf683-server"];
    cargo(root, &[&["build", "--locked", "--profile", profile.name()][..], &package].concat())
}
