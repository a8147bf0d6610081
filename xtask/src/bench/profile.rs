//! Where the processor time goes: `perf` beside the loads that the targets are about, its samples by kinds
//! of work. Why a target is missed is told by this.

use super::Bench;
use super::datasets::{remove, store_of};
use super::generate::Size;
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::Server;
use super::wrk::Load;
use crate::tools::{output, program};
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// How long is sampled.
const SECONDS: u32 = 3;

/// A kind of work: the first of those of which one is in the name of a function, or of the file it is in.
type Kind = (&'static str, &'static [&'static str]);

/// In the kernel.
#[rustfmt::skip]
const KERNEL: &[Kind] = &[
    ("kernel: sockets", &["tcp", "sock", "skb", "ip_", "inet", "net_", "nf_", "ep_", "epoll", "loopback"]),
    ("kernel: files", &[
        "write", "read", "copy", "folio", "filemap", "xas_", "ext", "iomap", "blk", "bio", "jbd", "page", "fsync",
        "truncate", "clear_bh", "buffer",
    ]),
    // In a virtual machine, also what waits for the processor itself: it is seen when interrupts are let in.
    ("kernel: switching, waking", &["switch", "sched", "futex", "spin", "irq", "rseq", "wake"]),
    ("kernel: the rest", &[""]),
];
/// In C, which is SQLite but for the allocator.
#[rustfmt::skip]
const C: &[Kind] = &[
    ("allocator", &["mi_", "malloc", "free", "calloc"]),
    ("copying, comparing", &["mem", "strlen"]),
    ("log: checksums", &["walChecksum"]),
    ("log, page cache", &["wal", "Wal", "pcache", "Pcache", "pager", "Pager", "unixWrite", "unixRead"]),
    ("B-trees", &[
        "Btree", "btree", "balance", "Cell", "moveTo", "Page", "page", "RecordCompare", "ptrmap", "Cursor", "RecordUnpack",
    ]),
    ("SQL: compiling it", &["yy_", "where", "Where", "resolve", "Resolve", "expr", "Expr", "select", "Parse", "parse"]),
    ("SQL: running it", &["sqlite", "vdbe", "Vdbe", "Mem", "unix"]),
    ("other C", &[""]),
];
/// In Rust.
#[rustfmt::skip]
const RUST: &[Kind] = &[
    ("allocator", &["mimalloc", "alloc::alloc"]),
    ("judging by the schema", &["jsonschema"]),
    ("JSON", &["json", "serde", "indexmap", "BuildHasher", "sip::Hasher"]),
    ("HTTP", &["hyper", "dropshot", "http", "bytes::"]),
    ("SQL: running it", &["rusqlite", "store::sqlite"]),
    ("sets of numbers", &["roaring"]),
    ("our own", &["tmf683"]),
    ("tasks (tokio)", &["tokio", "futures", "mio::"]),
    ("other Rust", &[""]),
];

/// What is sampled, and on which threads.
const COLUMNS: [&str; 5] = [
    "GET by id",
    "20 of a party",
    "POST: the writer",
    "POST: the log's copier",
    "POST: all others",
];

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let title = "Where the time goes".to_owned();
    if program(&bench.root, "perf", &["--version"]).output().is_err() {
        let text = "Not measured: `perf` is not installed.".to_owned();
        return Ok(Shown { title, text, tables: Vec::new() });
    }
    let documents = bench.middling();
    let loads = Loads { documents };
    let file = bench.datasets.own(documents, "profile")?;
    let mut server = Server::ours(&bench.binary, &store_of(&file), &[])?;
    server.wait_until_ready()?;
    let mut shares = Shares::new();
    let columns =
        [(loads.get(V5), 0..=0), (loads.by_party(), 1..=1), (loads.post(64, Size::Small), 2..=4)];
    for (load, columns) in columns {
        count(&sample(bench, &server, &load)?, columns, &mut shares);
    }
    server.stop(&bench.root)?;
    remove(&file)?;
    Ok(Shown {
        title,
        text: format!(
            "Of all samples `perf` took of the server in {SECONDS} s, the share in percent, by the names of \
             functions: of GETs by id over 32 connections, of lists over 4, and of POSTs over 64, thread by thread."
        ),
        tables: vec![table(shares)],
    })
}

/// Percent of each column's load, by kinds of work.
type Shares = BTreeMap<&'static str, [f64; COLUMNS.len()]>;

/// What `perf` says of a server under a load: a line for each thread's name and function.
fn sample(bench: &Bench, server: &Server, load: &Load) -> anyhow::Result<String> {
    let data = bench.folder.join("perf.data");
    let (process, seconds) = (server.process_id().to_string(), SECONDS.to_string());
    let mut record =
        program(&bench.root, "perf", &["record", "--quiet", "--freq", "997", "--pid", &process]);
    record.arg("--output").arg(&data).args(["--", "sleep", &seconds]);
    let mut recording = record.spawn().context("perf")?;
    // For longer, so that nothing idle is sampled.
    let loaded = bench.wrk.run(&server.origin, load, SECONDS + 2);
    let recorded = recording.wait()?;
    loaded?;
    ensure!(recorded.success(), "perf record: {recorded}");
    let report = ["report", "--quiet", "--stdio", "--no-children", "--field-separator", "|"];
    let mut report = program(&bench.root, "perf", &report);
    output(report.args(["--fields", "overhead,comm,dso,symbol", "--input"]).arg(&data))
}

/// Adds what was sampled to the columns of a load: one for all threads, or for the writer, the copier, and
/// the others.
fn count(report: &str, columns: RangeInclusive<usize>, shares: &mut Shares) {
    for line in report.lines() {
        let cells: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
        let &[percent, thread, file, function] = cells.as_slice() else { continue };
        let Ok(percent) = percent.trim_end_matches('%').parse::<f64>() else { continue };
        let column = match thread {
            "sqlite-writer" => *columns.start(),
            "sqlite-copier" => columns.start() + 1,
            _ => *columns.end(),
        };
        let column = column.min(*columns.end());
        shares.entry(kind(file, function)).or_default()[column] += percent;
    }
}

/// The kind of work of a function in a file, as `perf` writes them.
fn kind(file: &str, function: &str) -> &'static str {
    let is_rust = function.contains("::");
    let kinds = match file {
        "[kernel.kallsyms]" => KERNEL,
        _ if is_rust => RUST,
        _ => C,
    };
    let known = kinds.iter().find(|(_, words)| words.iter().any(|word| function.contains(word)));
    known.map_or("", |(kind, _)| kind)
}

/// The largest first.
fn table(shares: Shares) -> Table {
    let mut rows: Vec<_> = shares.into_iter().collect();
    rows.sort_by(|(_, a), (_, b)| b.iter().sum::<f64>().total_cmp(&a.iter().sum()));
    let mut table = Table::new([&["work"][..], &COLUMNS].concat());
    for (kind, shares) in rows {
        table.row([kind.to_owned()].into_iter().chain(shares.map(|share| format!("{share:.1}"))));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_counted_by_kind_and_thread() {
        let report = " 3.00%  |sqlite-writer  |tmf683-server    |[.] walChecksumBytes\n\
            50.50%  |tokio-rt-worker|tmf683-server    |[.] <serde_json::Value as X>::y\n\
            1.50%  |tokio-rt-worker|tmf683-server    |[.] indexmap::inner::Core<K,V>::push_entry\n\
            12.00%  |sqlite-copier  |[kernel.kallsyms]|[k] ext4_block_write_begin\n";
        let mut shares = Shares::new();
        count(report, 2..=4, &mut shares);
        assert_eq!(shares["log: checksums"], [0.0, 0.0, 3.0, 0.0, 0.0]);
        assert_eq!(shares["JSON"], [0.0, 0.0, 0.0, 0.0, 52.0]);
        assert_eq!(shares["kernel: files"], [0.0, 0.0, 0.0, 12.0, 0.0]);
        count(report, 0..=0, &mut shares);
        assert_eq!(shares["JSON"], [52.0, 0.0, 0.0, 0.0, 52.0]);
        let shown = table(shares).to_string();
        assert!(shown.contains("|\n| JSON | 52.0 | 0.0 | 0.0 | 0.0 | 52.0 |\n| kernel: files"));
    }
}
