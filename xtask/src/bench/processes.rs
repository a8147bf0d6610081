//! Several server processes on one PostgreSQL, and what it is worth there that writes share commits.
//!
//! The database runs on this machine, with fsync and its own defaults; its processor time is told beside
//! that of the servers. However many processes there are, the load has the same connections in all.

use super::Bench;
use super::contest;
use super::datasets::Lines;
use super::generate::{Generator, Size};
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::{Server, family_seconds};
use super::wrk::{Ask, Load, Measured, Wrk};
use anyhow::{Context, anyhow};
use std::thread;
use test_postgres::Cluster;

const PROCESSES: [usize; 3] = [1, 2, 4];
const CONNECTIONS: [usize; 3] = [1, 64, 256];
/// The number of the last transaction that has written: all that write count on in that row.
const COMMITS: &str = "SELECT xmin FROM counter";

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let documents = bench.middling();
    let cluster = Cluster::start(&["fsync=on"])?;
    let tables = vec![processes(bench, &cluster, documents)?, commits(bench, &cluster)?];
    Ok(Shown {
        title: "Many processes on one PostgreSQL".into(),
        text: format!(
            "Over {documents} interactions of 650 bytes. Database, servers and load share this machine: what \
             processes add here is bounded by its processors. Then POSTs that each have a commit of their own \
             (`limits.write_batch = 1`), beside those that share commits."
        ),
        tables,
    })
}

/// One, two and four processes under the same loads.
fn processes(bench: &Bench, cluster: &Cluster, documents: u64) -> anyhow::Result<Table> {
    let url = cluster.url();
    let lines = Lines::Generated(Generator { documents, size: Size::Small });
    bench.datasets.import_into(&url, &lines, documents, None)?;
    let mut fleets = PROCESSES
        .iter()
        .map(|&size| Fleet::start(bench, cluster, &url, size, &[]))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let loads = Loads { documents };
    let loads = [
        Load { connections: 64, ..loads.get(V5).called("GET by id") },
        Load { connections: 64, ..loads.by_party() },
        loads.post(64, Size::Small),
    ];
    let turns: Vec<_> =
        loads.iter().flat_map(|load| fleets.iter().map(move |fleet| (fleet, load))).collect();
    let costs = take_turns(bench, cluster, &turns)?;
    let mut table = Table::new([&["64 connections", "processes"][..], &Cost::HEAD].concat());
    let names = ["GET by id", "20 of a party", "POST"];
    let rows = names.iter().flat_map(|name| PROCESSES.map(|size| (name, size)));
    for ((name, size), cost) in rows.zip(costs) {
        table.row([(*name).to_owned(), size.to_string()].into_iter().chain(cost.cells()));
    }
    fleets.iter_mut().try_for_each(|fleet| fleet.stop(bench))?;
    Ok(table)
}

/// A commit for each request beside commits that are shared.
fn commits(bench: &Bench, cluster: &Cluster) -> anyhow::Result<Table> {
    let mut fleets = Vec::new();
    for (schema, batch) in [("single", "1"), ("shared", "512")] {
        cluster.sql(&[&format!("CREATE SCHEMA {schema}")])?;
        let url = format!("{}?options=-c%20search_path%3D{schema}", cluster.url());
        let settings = [("TMF683_LIMITS__WRITE_BATCH", batch)];
        fleets.push(Fleet { schema, ..Fleet::start(bench, cluster, &url, 1, &settings)? });
    }
    let loads =
        CONNECTIONS.map(|connections| Loads { documents: 1_000 }.post(connections, Size::Small));
    let turns: Vec<_> =
        loads.iter().flat_map(|load| fleets.iter().map(move |fleet| (fleet, load))).collect();
    let costs = take_turns(bench, cluster, &turns)?;
    let mut table = Table::new([&["POST", "commits"][..], &Cost::HEAD, &["to single"]].concat());
    for (pair, connections) in costs.chunks_exact(2).zip(CONNECTIONS) {
        let [single, shared] = pair else { continue };
        for (name, cost) in [("single", single), ("shared", shared)] {
            let row = [format!("{connections} connections"), name.to_owned()].into_iter();
            let ratio = format!("{:.1}×", cost.faster_than(single));
            table.row(row.chain(cost.cells()).chain([ratio]));
        }
    }
    fleets.iter_mut().try_for_each(|fleet| fleet.stop(bench))?;
    Ok(table)
}

/// Server processes on one store, each with a load generator of its own.
struct Fleet {
    servers: Vec<(Server, Wrk)>,
    /// Where the store is in its database.
    schema: &'static str,
}

/// What one turn cost.
struct Turn {
    per_second: f64,
    p99: f64,
    server_micros: f64,
    database_micros: f64,
    /// Where it writes.
    requests_per_commit: Option<f64>,
}

/// What the turns of one load on one fleet cost, a round each.
#[derive(Default)]
struct Cost(Vec<Turn>);

impl Fleet {
    fn start(
        bench: &Bench,
        cluster: &Cluster,
        url: &str,
        size: usize,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut servers = Vec::new();
        for number in 0..size {
            let server = Server::ours(&bench.binary, url, settings)?;
            // The database is counted once.
            let server =
                if number == 0 { server.with_database(cluster.process_id()?) } else { server };
            server.wait_until_ready()?;
            let folder = bench.folder.join(format!("process-{number}"));
            std::fs::create_dir_all(&folder)?;
            servers.push((server, Wrk::ready(&bench.root, &folder)?));
        }
        Ok(Self { servers, schema: "public" })
    }

    /// Loads all of them at once.
    fn run(&self, load: &Load, seconds: u32) -> anyhow::Result<Vec<Measured>> {
        let connections = (load.connections / self.servers.len()).max(1);
        let load = &Load { connections, ..load.clone() };
        thread::scope(|scope| {
            let running: Vec<_> = self
                .servers
                .iter()
                .map(|(server, wrk)| scope.spawn(move || wrk.run(&server.origin, load, seconds)))
                .collect();
            let ended = running.into_iter().map(|one| one.join());
            ended.map(|one| one.map_err(|_| anyhow!("a load panicked"))?).collect()
        })
    }

    fn turn(&self, cluster: &Cluster, load: &Load, seconds: u32) -> anyhow::Result<Turn> {
        let database = cluster.process_id()?;
        let commits = || -> anyhow::Result<f64> {
            let search_path = format!("SET search_path = {}", self.schema);
            Ok(cluster.sql(&[&search_path, COMMITS])?.trim().parse()?)
        };
        let (before, before_database) = (self.settle()?, family_seconds(database)?);
        let before_commits = commits()?;
        let measured = self.run(load, seconds)?;
        let (spent, in_database) =
            (self.settle()? - before, family_seconds(database)? - before_database);
        let requests: f64 = measured.iter().map(|one| one.requests).sum();
        Ok(Turn {
            per_second: measured.iter().map(|one| one.per_second).sum(),
            p99: measured.iter().map(|one| one.p99).fold(0.0, f64::max),
            server_micros: (spent - in_database).max(0.0) * 1e6 / requests,
            database_micros: in_database * 1e6 / requests,
            requests_per_commit: match load.ask {
                Ask::Post(..) => Some(requests / (commits()? - before_commits).max(1.0)),
                Ask::Get(_) => None,
            },
        })
    }

    /// All processor time, once they are at rest.
    fn settle(&self) -> anyhow::Result<f64> {
        self.servers.iter().map(|(server, _)| server.settle()).sum()
    }

    fn stop(&mut self, bench: &Bench) -> anyhow::Result<()> {
        self.servers.iter_mut().try_for_each(|(server, _)| server.stop(&bench.root))
    }
}

/// Each turn once a round, after one to warm up.
fn take_turns(
    bench: &Bench,
    cluster: &Cluster,
    turns: &[(&Fleet, &Load)],
) -> anyhow::Result<Vec<Cost>> {
    let mut costs: Vec<Cost> = turns.iter().map(|_| Cost::default()).collect();
    for (fleet, load) in turns {
        fleet.run(load, 1).with_context(|| load.name.clone())?;
    }
    for _ in 0..bench.pace.rounds {
        for ((fleet, load), Cost(rounds)) in turns.iter().zip(&mut costs) {
            let turn = fleet.turn(cluster, load, bench.pace.seconds)?;
            println!("{}, {} processes: {:.0}/s", load.name, fleet.servers.len(), turn.per_second);
            rounds.push(turn);
        }
    }
    Ok(costs)
}

impl Cost {
    const HEAD: [&str; 5] =
        ["requests/s", "p99 ms", "servers, CPU µs", "database, CPU µs", "requests a commit"];

    fn cells(&self) -> [String; 5] {
        let median = |of: fn(&Turn) -> f64| contest::median(self.0.iter().map(of));
        let per_commit: Option<Vec<f64>> =
            self.0.iter().map(|turn| turn.requests_per_commit).collect();
        [
            format!("{:.0}", median(|turn| turn.per_second)),
            format!("{:.1}", median(|turn| turn.p99) / 1000.0),
            format!("{:.0}", median(|turn| turn.server_micros)),
            format!("{:.0}", median(|turn| turn.database_micros)),
            per_commit.map_or(String::new(), |rounds| format!("{:.1}", contest::median(rounds))),
        ]
    }

    fn faster_than(&self, other: &Self) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        contest::median(pairs.map(|(ours, theirs)| ours.per_second / theirs.per_second.max(1.0)))
    }
}
