//! Each trick earns its place or goes: the same loads on our server, and on one that does without it.

use super::Bench;
use super::contest::{Pace, Turn, contest};
use super::datasets::{MOST_KEPT, remove, store_of};
use super::generate::Size;
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::Server;
use super::wrk::Load;
use Trick::{Copier, Lto, Mimalloc, Nothing, Postings, Snapshots, Tail};

/// Here the file is small enough to be mapped whole.
const FEW: u64 = 10_000;

/// Most of these are worth some hundredths, which fewer do not show.
const LEAST_ROUNDS: usize = 5;

/// What is done without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trick {
    /// The server that the others are compared with.
    Nothing,
    Snapshots,
    Postings,
    Copier,
    Tail,
    Mimalloc,
    Lto,
}

impl Trick {
    fn name(self) -> &'static str {
        match self {
            Nothing => "nothing",
            Snapshots => "keeping snapshots for reads by id",
            Postings => "keeping what lookups found (`limits.index_cache_bytes`)",
            Copier => "copying the write-ahead log beside the writer",
            Tail => "writing index entries of thousands of interactions together",
            Mimalloc => "mimalloc",
            Lto => "fat LTO, in one unit (the profile `dist`, to `release`)",
        }
    }

    fn start(self, bench: &Bench, store: &str) -> anyhow::Result<Server> {
        let all = &bench.without;
        match self {
            Nothing => Server::without(all, "nothing", store, &[]),
            Snapshots => Server::without(all, "snapshots", store, &[]),
            Postings => {
                let settings = [("TMF683_LIMITS__INDEX_CACHE_BYTES", "0")];
                Server::without(all, "nothing", store, &settings)
            }
            Copier => Server::without(all, "copier", store, &[]),
            Tail => Server::without(all, "tail", store, &[]),
            Mimalloc => Server::without(&bench.without_mimalloc, "nothing", store, &[]),
            Lto => Server::ours(&bench.binary, store, &[]),
        }
    }
}

/// A load, and without what it is measured too.
type Row<'a> = (Load, &'a [Trick]);

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let mut table = Table::new([
        "without",
        "load",
        "interactions",
        "requests/s",
        "CPU",
        "CPU by round",
        "p99 ms with it",
        "p99 ms without",
    ]);
    let most = bench.sizes.iter().copied().filter(|size| *size <= MOST_KEPT).max();
    let most = most.unwrap_or(FEW);
    let mut sizes = vec![FEW.min(most), most];
    sizes.dedup();
    for documents in sizes {
        let loads = Loads { documents };
        // Who only reads can share a file.
        let file = bench.datasets.ours(documents)?.file;
        let tricks = [Nothing, Snapshots, Postings, Mimalloc];
        let start = |trick: Trick| anyhow::Ok((trick, trick.start(bench, &store_of(&file))?));
        let servers = tricks.map(start).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let rows: [Row<'_>; 5] = [
            (loads.get(V5), &[Snapshots, Mimalloc]),
            (loads.by_party(), &[Mimalloc]),
            (loads.by_status_and_channel(), &[Postings]),
            (loads.deep_page(), &[Postings]),
            (loads.count(), &[Postings]),
        ];
        compare(bench, documents, servers, &rows, &mut table)?;
    }
    let documents = bench.middling();
    let loads = Loads { documents };
    let mut files = Vec::new();
    let mut start = |trick: Trick| {
        let file = bench.datasets.own(documents, &format!("without-{trick:?}"))?;
        let server = trick.start(bench, &store_of(&file))?;
        files.push(file);
        anyhow::Ok((trick, server))
    };
    let servers = [Nothing, Copier, Tail, Mimalloc].map(&mut start);
    let servers = servers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let post = loads.post(64, Size::Small);
    compare(bench, documents, servers, &[(post.clone(), &[Copier, Tail, Mimalloc])], &mut table)?;
    if let Some(dist) = &bench.dist {
        let (_, release) = start(Lto)?;
        let file = bench.datasets.own(documents, "without-nothing")?;
        let dist = Server::ours(dist, &store_of(&file), &[])?;
        files.push(file);
        let rows: [Row<'_>; 3] =
            [(loads.get(V5), &[Lto]), (loads.by_party(), &[Lto]), (post, &[Lto])];
        compare(bench, documents, vec![(Nothing, dist), (Lto, release)], &rows, &mut table)?;
    }
    files.iter().try_for_each(|file| remove(file))?;
    Ok(Shown {
        title: "Without it".into(),
        text: format!(
            "The same loads on our server without one of its tricks, compared with the one that has them all: \
             what CPU is above 1.00× the trick saves; within a few hundredths it saves nothing. All are \
             built as examples (`server/examples/without`, and `without_mimalloc.rs`); those that only read \
             share a file. {LEAST_ROUNDS} rounds or more. What sharing commits earns is told above."
        ),
        tables: vec![table],
    })
}

/// Runs each load on the server that does without nothing and on those that are named; a row for each of
/// these. Then stops all.
fn compare(
    bench: &Bench,
    documents: u64,
    mut servers: Vec<(Trick, Server)>,
    rows: &[Row<'_>],
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut turns = Vec::new();
    // Which load, without what, and the place of its turn beside that of the server with everything.
    let mut pairs = Vec::new();
    for (load, without) in rows {
        let with = turns.len();
        for (trick, server) in &servers {
            if *trick != Nothing && !without.contains(trick) {
                continue;
            }
            if *trick != Nothing {
                pairs.push((load, *trick, with, turns.len()));
            }
            turns.push(Turn::new(server, load.called(&format!("{}, {trick:?}", load.name))));
        }
    }
    let pace = Pace { rounds: bench.pace.rounds.max(LEAST_ROUNDS), ..bench.pace };
    let costs = contest(&bench.wrk, pace, &turns)?;
    for (load, trick, with, without) in pairs {
        let (with, without) = (&costs[with], &costs[without]);
        let by_round = without.dearer_by_round(with);
        table.row([
            trick.name().to_owned(),
            load.name.clone(),
            documents.to_string(),
            format!("{:.2}×", without.faster_than(with)),
            format!("{:.2}×", without.dearer_than(with)),
            by_round.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(" "),
            with.cells()[3].clone(),
            without.cells()[3].clone(),
        ]);
    }
    servers.iter_mut().try_for_each(|(_, server)| server.stop(&bench.root))
}
