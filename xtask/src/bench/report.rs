//! What was measured, as Markdown: `docs/BENCHMARKS.md`, or what is printed of some sections.

use super::machine::Circumstances;
use std::fmt::{self, Write};

/// Rows of text under headings.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        Self { head: head.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A row of two cells.
    pub(super) fn say(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.row([what.into(), value.into()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String]| {
            writeln!(f, "| {} |", cells.join(" | ").replace('\n', " "))
        };
        line(f, &self.head)?;
        writeln!(f, "|{}", "---|".repeat(self.head.len()))?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}

/// What one section has to show.
pub(super) struct Shown {
    pub(super) title: String,
    /// What the tables say in words, before them.
    pub(super) text: String,
    pub(super) tables: Vec<Table>,
}

impl Shown {
    /// In place of a section that could not be measured.
    pub(super) fn failed(title: &str, error: &anyhow::Error) -> Self {
        let text = format!("Not measured: {error:#}.");
        Self { title: title.to_owned(), text, tables: Vec::new() }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}", self.title, self.text.trim_end())?;
        self.tables.iter().try_for_each(|table| write!(f, "\n{table}"))
    }
}

/// The whole report.
pub(super) fn report(circumstances: &Circumstances, targets: &Table, shown: &[Shown]) -> String {
    let mut text = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench`. {circumstances}\n\n\
         Loads take turns within each round; shown are medians over the rounds, and ratios are medians of \
         the ratios within a round. CPU is the server's own (on PostgreSQL, the database's too). Servers \
         run with their defaults and everything on: validation, events, both versions. wrk is closed-loop, on \
         the same machine, so latencies contain its share of the processors. Absolute numbers do not \
         travel to another machine; ratios nearly do.\n\n\
         ## Targets\n\n{targets}"
    );
    for section in shown {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{section}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_tables_are_markdown() {
        let mut table = Table::new(["what", "value"]);
        table.say("binary", "27.1 MiB");
        table.say("two\nlines", "1");
        let shown =
            Shown { title: "Size".into(), text: "Of things.\n".into(), tables: vec![table] };
        let expected = "## Size\n\nOf things.\n\n| what | value |\n|---|---|\n\
            | binary | 27.1 MiB |\n| two lines | 1 |\n";
        assert_eq!(shown.to_string(), expected);
    }
}
