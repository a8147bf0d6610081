//! How costs grow with the number of interactions: the same loads on stores of all sizes, and on the
//! plain server at the largest it is filled to.

use super::Bench;
use super::contest::{Cost, Turn, contest, median};
use super::datasets::{MOST_PLAIN, store_of};
use super::generate::Size;
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::Server;
use super::targets::{Found, Target};
use super::wrk::Load;
use std::time::Instant;

/// The sizes that targets are about.
const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
/// Starts that are timed at each size.
const STARTS: usize = 3;

/// One store of ours, and what is known of it.
struct Sized {
    documents: u64,
    server: Server,
    cells: Vec<String>,
}

/// Measures.
pub(super) fn measure(bench: &Bench, found: &mut Found) -> anyhow::Result<Shown> {
    let mut ours = Vec::new();
    for &documents in &bench.sizes {
        ours.push(start(bench, documents, found)?);
    }
    let most_plain = bench.sizes.iter().copied().filter(|size| *size <= MOST_PLAIN).max();
    let mut plain = match most_plain {
        None => None,
        Some(size) => Some((size, Server::plain(&bench.plain, &bench.datasets.plain(size)?)?)),
    };
    let mut curves = Curves::default();
    for Sized { documents, server, .. } in &ours {
        let loads = Loads { documents: *documents };
        let all = [loads.get(V5)].into_iter().chain(loads.lists());
        curves.add(server, all, Place { documents: *documents, is_plain: false });
    }
    if let Some((documents, server)) = &plain {
        let loads = Loads { documents: *documents };
        let all = [loads.get(V5)].into_iter().chain(loads.plain_lists());
        curves.add(server, all, Place { documents: *documents, is_plain: true });
    }
    curves.measure(bench)?;
    // Last, for it makes the stores larger.
    for Sized { documents, server, .. } in &ours {
        let post = Loads { documents: *documents }.post(64, Size::Small);
        curves.add(server, [post], Place { documents: *documents, is_plain: false });
    }
    curves.measure(bench)?;
    curves.note(found);
    let curves = curves.table();
    let mut sizes = Table::new([
        "interactions",
        "import, documents/s",
        "import, CPU µs/document",
        "file, MB per million",
        "start to ready, s",
        "resident when ready, MiB",
        "resident after all loads, MiB",
    ]);
    for Sized { documents, server, mut cells } in ours {
        let resident = server.resident_mib()?;
        if documents == MANY {
            found.insert(Target::Resident, resident);
        }
        cells.push(format!("{resident:.0}"));
        sizes.row(cells);
        let mut server = server;
        server.stop(&bench.root)?;
    }
    if let Some((_, server)) = &mut plain {
        server.stop(&bench.root)?;
    }
    Ok(Shown {
        title: "Cost curves".into(),
        text: "Interactions of 650 bytes as they are posted (890 as they are imported), imported with every \
               index. Lists are asked over 4 connections and always with their exact total; POST adds to \
               the store while it is measured. Starts are with files in the system's cache."
            .into(),
        tables: vec![sizes, curves],
    })
}

/// Starts a server on a store of that size, and times that.
fn start(bench: &Bench, documents: u64, found: &mut Found) -> anyhow::Result<Sized> {
    let import = bench.datasets.ours(documents)?;
    let file = store_of(&bench.datasets.copy(documents, &format!("{documents}-curve"))?);
    let (mut last, mut times) = (None, Vec::new());
    for _ in 0..STARTS {
        let began = Instant::now();
        let server = Server::ours(&bench.binary, &file, &[])?;
        server.wait_until_ready()?;
        times.push(began.elapsed().as_secs_f64());
        if let Some(mut before) = last.replace(server) {
            Server::stop(&mut before, &bench.root)?;
        }
    }
    let ready = median(times);
    if documents == MANY {
        found.insert(Target::StartToReady, ready);
    }
    let server = match last {
        Some(server) => server,
        None => anyhow::bail!("no start was timed"),
    };
    let cells = vec![
        documents.to_string(),
        format!("{:.0}", import.per_second()),
        format!("{:.1}", import.cpu_micros()),
        format!("{:.0}", import.bytes_per_document()?),
        format!("{ready:.2}"),
        format!("{:.0}", server.resident_mib()?),
    ];
    Ok(Sized { documents, server, cells })
}

/// Loads on stores of several sizes.
#[derive(Default)]
struct Curves<'a> {
    /// Not measured yet.
    turns: Vec<(Turn<'a>, Place)>,
    costs: Vec<(Cost, Place)>,
}

/// Which store a load is for.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Place {
    documents: u64,
    is_plain: bool,
}

impl<'a> Curves<'a> {
    fn add(&mut self, server: &'a Server, loads: impl IntoIterator<Item = Load>, place: Place) {
        self.turns.extend(loads.into_iter().map(|load| (Turn::new(server, load), place)));
    }

    /// All turns that are not measured yet, among each other.
    fn measure(&mut self, bench: &Bench) -> anyhow::Result<()> {
        let (turns, places): (Vec<_>, Vec<_>) = std::mem::take(&mut self.turns).into_iter().unzip();
        self.costs.extend(contest(&bench.wrk, bench.pace, &turns)?.into_iter().zip(places));
        Ok(())
    }

    fn of(&self, load: &str, documents: u64) -> Option<&Cost> {
        let place = Place { documents, is_plain: false };
        self.costs.iter().find(|(cost, of)| cost.name == load && *of == place).map(|(cost, _)| cost)
    }

    /// What the targets say about growth; nothing without stores of their sizes.
    fn note(&self, found: &mut Found) {
        let loads = Loads { documents: MANY };
        let growth =
            |load: Load| Some(self.of(&load.name, MANY)?.dearer_than(self.of(&load.name, FEW)?));
        let filtered = [loads.by_party(), loads.by_status(), loads.by_status_and_channel()];
        let growths: Option<Vec<f64>> = filtered.into_iter().map(growth).collect();
        if let Some(worst) = growths.and_then(|growths| growths.into_iter().reduce(f64::max)) {
            found.insert(Target::ListGrowth, worst);
        }
        let (deep, first) = (loads.deep_page().name, loads.first_page().name);
        if let Some((deep, first)) = self.of(&deep, MANY).zip(self.of(&first, MANY)) {
            found.insert(Target::DeepOffset, deep.dearer_than(first));
        }
    }

    /// All sizes of a load beside each other.
    fn table(&self) -> Table {
        let mut table = Table::new([&["load", "interactions"][..], &Cost::HEAD].concat());
        let mut names: Vec<&str> = Vec::new();
        for (cost, _) in &self.costs {
            if !names.contains(&cost.name.as_str()) {
                names.push(&cost.name);
            }
        }
        for name in names {
            for (cost, place) in self.costs.iter().filter(|(cost, _)| cost.name == name) {
                let whose = if place.is_plain { ", plain server" } else { "" };
                let of = format!("{}{whose}", place.documents);
                table.row([name.to_owned(), of].into_iter().chain(cost.cells()));
            }
        }
        table
    }
}
