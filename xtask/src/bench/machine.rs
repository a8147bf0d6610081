//! Where, when and of what it was measured. Not the machine's name: that is nobody's business.

use super::Profile;
use crate::tools::{output, program};
use anyhow::{Context, ensure};
use chrono::Utc;
use std::fmt;
use std::path::Path;

/// What has to be known to make anything of the numbers.
pub(super) struct Circumstances {
    date: String,
    commit: String,
    profile: Profile,
    cores: usize,
    processor: String,
    memory_gib: f64,
    kernel: String,
    /// The kind of file system.
    files: String,
    rounds: usize,
    /// Processes that wanted to run before anything was measured, a minute's mean.
    load: f64,
}

impl Circumstances {
    /// `folder` is where the files will lie.
    pub(super) fn now(
        root: &Path,
        folder: &Path,
        profile: Profile,
        rounds: usize,
    ) -> anyhow::Result<Self> {
        let said = |name: &str, args: &[&str]| output(&mut program(root, name, args));
        let read = |path: &str| std::fs::read_to_string(path).with_context(|| path.to_owned());
        let field = |text: &str, name: &str| {
            let value = text.lines().find(|line| line.starts_with(name))?.split_once(':')?.1;
            Some(value.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo")?, "MemTotal").context("no MemTotal")?;
        let kib: f64 = memory.split(' ').next().unwrap_or_default().parse()?;
        let is_changed =
            !said("git", &["status", "--porcelain", "--untracked-files=no"])?.is_empty();
        let commit = said("git", &["rev-parse", "--short=12", "HEAD"])?.trim().to_owned();
        let load = read("/proc/loadavg")?;
        let mut stat = program(root, "stat", &["--file-system", "--format=%T"]);
        let files = output(stat.arg(folder))?.trim().to_owned();
        // There a commit costs nothing.
        ensure!(files != "tmpfs", "the target directory is in memory: it has to be on a disk");
        Ok(Self {
            date: Utc::now().format("%Y-%m-%d").to_string(),
            commit: if is_changed { commit + ", changed" } else { commit },
            profile,
            cores: std::thread::available_parallelism()?.get(),
            processor: field(&read("/proc/cpuinfo")?, "model name").unwrap_or_default(),
            memory_gib: kib / f64::from(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            files,
            rounds,
            load: load.split(' ').next().unwrap_or_default().parse()?,
        })
    }
}

impl fmt::Display for Circumstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            date, commit, cores, processor, memory_gib, kernel, files, rounds, load, ..
        } = self;
        write!(
            f,
            "Measured {date} of commit {commit}, profile `{}`, on {cores} cores ({processor}), \
             {memory_gib:.0} GiB of memory, Linux {kernel}, files on {files}; load {load} before it began, \
             {rounds} rounds.",
            self.profile.name()
        )?;
        // wrk and the server fill the processors by themselves.
        if *load > *cores as f64 / 4.0 {
            write!(
                f,
                " **The machine was busy with other things: of these numbers only CPU means something.**"
            )?;
        }
        Ok(())
    }
}
