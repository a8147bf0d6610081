//! How far it has got, on standard error: a bar with rate and time left on a terminal, else a line
//! every few seconds.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Tells of documents, and of their source's bytes; or of rows.
pub(super) struct Progress {
    /// What is counted.
    noun: &'static str,
    begun: Instant,
    told: Instant,
    /// Bytes of the source, or rows, if they are known.
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of documents, by bytes.
    pub(super) fn new(total: Option<u64>) -> Self {
        Self::of("documents", total, "{bytes}", "{total_bytes}")
    }

    /// Of rows, by their number.
    pub(super) fn of_rows(noun: &'static str, total: Option<u64>) -> Self {
        Self::of(noun, total, "{human_pos}", "{human_len}")
    }

    fn of(noun: &'static str, total: Option<u64>, done: &str, all: &str) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| bar(total, done, all));
        Self { noun, begun: now, told: now, total, bar }
    }

    /// So many have been done with, and so many bytes of the source.
    pub(super) fn reached(&mut self, count: u64, bytes: u64) {
        let noun = self.noun;
        let rate = count as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(format!("{count} {noun}, {rate:.0}/s"));
            return;
        }
        if self.told.elapsed() < LINE_EVERY {
            return;
        }
        self.told = Instant::now();
        match self.total.filter(|total| *total > 0 && bytes > 0) {
            Some(total) => {
                let done = bytes as f64 / total as f64;
                let left = self.begun.elapsed().as_secs_f64() * (1.0 / done - 1.0).max(0.0);
                let percent = done * 100.0;
                eprintln!("{count} {noun}, {rate:.0}/s, {percent:.0} %, {left:.0} s left");
            }
            None => eprintln!("{count} {noun}, {rate:.0}/s"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>, done: &str, all: &str) -> ProgressBar {
    let (bar, look) = match total {
        Some(total) => {
            (ProgressBar::new(total), format!("{{wide_bar}} {done}/{all} {{msg}} {{eta}} left"))
        }
        None => (ProgressBar::new_spinner(), format!("{{spinner}} {done} {{msg}}")),
    };
    // A look that cannot be read leaves the usual one.
    match ProgressStyle::with_template(&look) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
