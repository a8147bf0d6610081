//! How costs grow with the number of interactions: the same loads on stores of all sizes, and on the
//! plain server at the largest it is filled to.

use super::Bench;
use super::contest::{Cost, Pace, Turn, contest, median};
use super::datasets::{MOST_KEPT, remove, store_of};
use super::generate::Size;
use super::http;
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::Server;
use super::targets::{Found, Target};
use super::wrk::Load;
use std::path::PathBuf;
use std::time::Instant;

/// The sizes that targets are about.
const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
/// Seconds until a server of a large store has found what each of a load's lists looks up for the first
/// time: that is told apart.
const LONG_WARM_UP: u32 = 10;
/// Starts that are timed at each size.
const STARTS: usize = 3;

/// Measures.
pub(super) fn measure(bench: &Bench, found: &mut Found) -> anyhow::Result<Shown> {
    let (kept, passing): (Vec<u64>, Vec<u64>) =
        bench.sizes.iter().partition(|size| **size <= MOST_KEPT);
    let mut curves = Curves::new();
    curves.measure(bench, &kept, found)?;
    let mut text = format!(
        "Interactions of 650 bytes as they are posted (890 as they are imported), imported with every \
             index, from a pipe. Lists are asked over 4 connections and always with their exact total; POST \
             adds to the store while it is measured. Starts are with files in the system's cache. The first \
             lists are those a server has to walk the index for: of all, which it begins by itself as soon \
             as it is ready, and of a status that three fifths have. Sizes up to {MOST_KEPT} take turns, larger \
             ones are measured alone."
    );
    // By themselves: neither the disk nor the memory for files has room for them and for others.
    for size in passing {
        // It has taken long to get here: what there is stays.
        if let Err(error) = curves.measure(bench, &[size], found) {
            text.push_str(&format!(" {size} are not measured: {error:#}."));
        }
    }
    curves.note(found);
    let loads = curves.table();
    Ok(Shown { title: "Cost curves".into(), text, tables: vec![curves.sizes, loads] })
}

/// A store of ours, served.
struct Sized {
    documents: u64,
    file: PathBuf,
    server: Server,
    cells: Vec<String>,
}

/// Starts a server on a store of that size, and times that and its first lists.
fn start(bench: &Bench, documents: u64, found: &mut Found) -> anyhow::Result<Sized> {
    let import = bench.datasets.ours(documents)?;
    let file = bench.datasets.own(documents, &format!("{documents}-curve"))?;
    let start = || {
        let began = Instant::now();
        let server = Server::ours(&bench.binary, &store_of(&file), &[])?;
        server.wait_until_ready()?;
        let (ready, resident) = (began.elapsed().as_secs_f64(), server.resident_mib()?);
        let [every, some] = first_lists(&server)?;
        println!(
            "{documents}: ready after {ready:.2} s, first lists after {every:.3} and {some:.3} s"
        );
        anyhow::Ok((server, [ready, resident, every, some]))
    };
    let (mut server, first) = start()?;
    let mut starts = vec![first];
    while starts.len() < STARTS {
        server.stop(&bench.root)?;
        let (another, times) = start()?;
        starts.push(times);
        server = another;
    }
    let of_starts = |nth: usize| median(starts.iter().map(|start| start[nth]));
    if documents == MANY {
        found.insert(Target::StartToReady, of_starts(0));
    }
    let cells = vec![
        documents.to_string(),
        format!("{:.0}", import.per_second()),
        format!("{:.1}", import.cpu_micros()),
        format!("{:.0}", import.bytes_per_document()),
        format!("{:.2}", of_starts(0)),
        format!("{:.0}", of_starts(1)),
        format!("{:.3}", of_starts(2)),
        format!("{:.3}", of_starts(3)),
    ];
    Ok(Sized { documents, file, server, cells })
}

/// What [`first_lists`] asks.
pub(super) const FIRST_LISTS: [&str; 2] = ["first list of all, s", "first list of a status, s"];

/// Seconds until a server that has just started has answered each.
pub(super) fn first_lists(server: &Server) -> anyhow::Result<[f64; 2]> {
    let time = |query: &str| -> anyhow::Result<f64> {
        let began = Instant::now();
        http::must(&server.origin, "GET", &format!("{V5}?{query}limit=20"), "")?;
        Ok(began.elapsed().as_secs_f64())
    };
    Ok([time("")?, time("status=completed&")?])
}

/// What loads on stores of several sizes cost.
struct Curves {
    sizes: Table,
    costs: Vec<(Cost, Place)>,
}

/// Which store a load is for.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Place {
    documents: u64,
    is_plain: bool,
}

impl Curves {
    fn new() -> Self {
        let before = [
            "interactions",
            "import, documents/s",
            "import, CPU µs/document",
            "file, MB per million",
            "start to ready, s",
            "resident when ready, MiB",
        ];
        let after = ["resident after all loads, MiB"];
        let sizes = Table::new([&before[..], &FIRST_LISTS, &after].concat());
        Self { sizes, costs: Vec::new() }
    }

    /// Stores of these sizes, by turns.
    fn measure(&mut self, bench: &Bench, sizes: &[u64], found: &mut Found) -> anyhow::Result<()> {
        let ours = sizes.iter().map(|&documents| start(bench, documents, found));
        let ours = ours.collect::<anyhow::Result<Vec<_>>>()?;
        let most_plain = sizes.iter().copied().filter(|size| *size <= MOST_KEPT).max();
        let start_plain = |documents| {
            let file = bench.datasets.plain(documents)?;
            anyhow::Ok((documents, Server::plain(&bench.plain, &file)?))
        };
        let mut plain = most_plain.map(start_plain).transpose()?;
        let mut turns = Turns::default();
        for Sized { documents, server, .. } in &ours {
            let loads = Loads { documents: *documents };
            let place = Place { documents: *documents, is_plain: false };
            turns.add(server, [loads.get(V5)].into_iter().chain(loads.lists()), place);
        }
        if let Some((documents, server)) = &plain {
            let loads = Loads { documents: *documents };
            let place = Place { documents: *documents, is_plain: true };
            turns.add(server, [loads.get(V5)].into_iter().chain(loads.plain_lists()), place);
        }
        self.costs.extend(turns.take(bench)?);
        // Last, for it makes the stores larger.
        let mut turns = Turns::default();
        for Sized { documents, server, .. } in &ours {
            let post = Loads { documents: *documents }.post(64, Size::Small);
            turns.add(server, [post], Place { documents: *documents, is_plain: false });
        }
        self.costs.extend(turns.take(bench)?);
        for Sized { documents, file, mut server, mut cells } in ours {
            let resident = server.resident_mib()?;
            if documents == MANY {
                found.insert(Target::Resident, resident);
            }
            cells.push(format!("{resident:.0}"));
            self.sizes.row(cells);
            server.stop(&bench.root)?;
            remove(&file)?;
        }
        plain.as_mut().map_or(Ok(()), |(_, server)| server.stop(&bench.root))
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

    /// All sizes of a load below each other.
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

/// Loads that are to take turns.
#[derive(Default)]
struct Turns<'a> {
    turns: Vec<Turn<'a>>,
    places: Vec<Place>,
}

impl<'a> Turns<'a> {
    fn add(&mut self, server: &'a Server, loads: impl IntoIterator<Item = Load>, place: Place) {
        for load in loads {
            self.turns.push(Turn::new(server, load));
            self.places.push(place);
        }
    }

    fn take(self, bench: &Bench) -> anyhow::Result<impl Iterator<Item = (Cost, Place)>> {
        let Self { turns, places } = self;
        let is_large = places.iter().any(|place| place.documents > MOST_KEPT);
        let pace = if is_large { Pace { warm_up: LONG_WARM_UP, ..bench.pace } } else { bench.pace };
        Ok(contest(&bench.wrk, pace, &turns)?.into_iter().zip(places))
    }
}
