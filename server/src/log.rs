//! Logging: `tracing` to standard error. Dropshot's own logger is heard from warnings up.

use crate::config::{Log, LogFormat};
use slog::{Drain, Level, Never, OwnedKVList, Record};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging for this process.
///
/// # Errors
/// The filter is malformed, or logging was started before.
pub fn init(settings: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| anyhow::anyhow!("log.filter: {error}"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("log: {error}"))
}

/// What dropshot logs to. Its per-request lines at Info would cost almost half the throughput, and
/// the access log has them.
pub fn for_dropshot() -> slog::Logger {
    slog::Logger::root(ToTracing.filter_level(Level::Warning).fuse(), slog::o!())
}

struct ToTracing;

impl Drain for ToTracing {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _values: &OwnedKVList) -> Result<(), Never> {
        if record.level().is_at_least(Level::Error) {
            tracing::error!(target: "dropshot", "{}", record.msg());
        } else {
            tracing::warn!(target: "dropshot", "{}", record.msg());
        }
        Ok(())
    }
}
