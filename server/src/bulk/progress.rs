//! How far it has got, on standard error: a bar with rate and time left on a terminal, else a line
//! every few seconds.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Tells of documents, and of their source's bytes.
pub(super) struct Progress {
    begun: Instant,
    told: Instant,
    /// Bytes of the source, if they are known.
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| bar(total));
        Self { begun: now, told: now, total, bar }
    }

    /// So many documents have been done with, and so many bytes of the source.
    pub(super) fn reached(&mut self, documents: u64, bytes: u64) {
        let rate = documents as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(format!("{documents} documents, {rate:.0}/s"));
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
                eprintln!("{documents} documents, {rate:.0}/s, {percent:.0} %, {left:.0} s left");
            }
            None => eprintln!("{documents} documents, {rate:.0}/s"),
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

fn bar(total: Option<u64>) -> ProgressBar {
    let (bar, look) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{wide_bar} {bytes}/{total_bytes} {msg} {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {msg}"),
    };
    // A look that cannot be read leaves the usual one.
    match ProgressStyle::with_template(look) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
