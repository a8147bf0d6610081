//! The same server over PostgreSQL and over SQLite, side by side. The database runs on this machine, with
//! fsync and its own defaults, reached by a socket; its processor time counts.

use super::Bench;
use super::contest::{Turn, contest};
use super::datasets::{Lines, store_of};
use super::generate::{Generator, Size};
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::Server;
use test_postgres::Cluster;

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let documents = bench.middling();
    let cluster = Cluster::start(&["fsync=on"])?;
    let database = cluster.process_id()?;
    let imported = bench.datasets.ours(documents)?;
    let lines = Lines::Generated(Generator { documents, size: Size::Small });
    let over = bench.datasets.import_into(&cluster.url(), &lines, documents, None)?;
    let file = bench.datasets.own(documents, "beside-postgres")?;
    let mut sqlite = Server::ours(&bench.binary, &store_of(&file), &[])?;
    let mut postgres = Server::ours(&bench.binary, &cluster.url(), &[])?.with_database(database);
    for server in [&sqlite, &postgres] {
        server.wait_until_ready()?;
    }
    let loads = Loads { documents };
    let all: Vec<_> = [loads.get(V5)]
        .into_iter()
        .chain(loads.lists())
        .chain([
            loads.post(1, Size::Small),
            loads.post(64, Size::Small),
            loads.post(64, Size::Large),
        ])
        .collect();
    let pairs = all
        .into_iter()
        .flat_map(|load| [Turn::new(&sqlite, load.clone()), Turn::new(&postgres, load)]);
    let costs = contest(&bench.wrk, bench.pace, &pairs.collect::<Vec<_>>())?;
    let mut table = Table::new([
        "load",
        "SQLite, requests/s",
        "PostgreSQL, requests/s",
        "to SQLite",
        "SQLite, CPU µs",
        "PostgreSQL, CPU µs",
        "to SQLite",
        "SQLite, p50 / p99 ms",
        "PostgreSQL, p50 / p99 ms",
    ]);
    for pair in costs.chunks_exact(2) {
        let [ours, theirs] = pair else { continue };
        let latencies = |cells: &[String; 5]| format!("{} / {}", cells[2], cells[3]);
        table.row([
            ours.name.clone(),
            format!("{:.0}", ours.per_second()),
            format!("{:.0}", theirs.per_second()),
            format!("{:.2}×", theirs.faster_than(ours)),
            format!("{:.1}", ours.cpu_micros()),
            format!("{:.1}", theirs.cpu_micros()),
            format!("{:.1}×", theirs.dearer_than(ours)),
            latencies(&ours.cells()),
            latencies(&theirs.cells()),
        ]);
    }
    let mut import = Table::new(["import", "SQLite", "PostgreSQL"]);
    let rates = [imported.per_second(), over.per_second()].map(|rate| format!("{rate:.0}"));
    import.row(["documents/s".to_owned()].into_iter().chain(rates));
    for server in [&mut sqlite, &mut postgres] {
        server.stop(&bench.root)?;
    }
    Ok(Shown {
        title: "PostgreSQL beside SQLite".into(),
        text: format!(
            "Over {documents} interactions of 650 bytes. The PostgreSQL is of this machine, with `fsync=on` and \
             its own defaults, and shares the processors with the server and the load."
        ),
        tables: vec![table, import],
    })
}
