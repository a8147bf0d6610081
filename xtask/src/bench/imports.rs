//! How fast documents are brought in, on one core and on all.

use super::Bench;
use super::datasets::{Lines, remove};
use super::generate::{Generator, Size};
use super::report::{Shown, Table};
use super::targets::{Found, Target};

/// Measures.
pub(super) fn measure(bench: &Bench, found: &mut Found) -> anyhow::Result<Shown> {
    // Enough for several batches on each core.
    let documents = bench.middling();
    let mut table = Table::new([
        "documents",
        "cores",
        "documents/s",
        "CPU µs/document",
        "file, MB per million",
    ]);
    let cores = std::thread::available_parallelism()?.get();
    for (size, what) in [(Size::Large, "3.5 KB"), (Size::Small, "650 bytes")] {
        let lines = bench.datasets.lines(Generator { documents, size })?;
        for core in [Some(cores - 1), None] {
            let name = format!("import-{size:?}-{}.db", core.is_some());
            let import = bench.datasets.import(&name, &Lines::File(&lines), documents, core)?;
            if size == Size::Large && core.is_some() {
                found.insert(Target::Import, import.per_second());
            }
            table.row([
                what.to_owned(),
                if core.is_some() { "1".to_owned() } else { cores.to_string() },
                format!("{:.0}", import.per_second()),
                format!("{:.1}", import.cpu_micros()),
                format!("{:.0}", import.bytes_per_document()),
            ]);
            remove(&import.file)?;
        }
    }
    Ok(Shown {
        title: "Import".into(),
        text: format!(
            "`tmf683-server import` of {documents} documents into a new file, from start to end: every line \
             is judged, every index written, and all of it is on disk."
        ),
        tables: vec![table],
    })
}
