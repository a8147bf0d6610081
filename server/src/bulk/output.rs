//! Where an export goes: standard output, or a file that is there when it is whole and not before.

use anyhow::{Context, ensure};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

/// Somewhere to write.
pub(super) enum Output {
    Stdout(BufWriter<Stdout>),
    File {
        /// What is written meanwhile.
        part: BufWriter<File>,
        part_path: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    /// `None`: standard output. A file that is there is kept, unless it is to be replaced.
    pub(super) fn open(path: Option<&Path>, replace: bool) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout(BufWriter::new(io::stdout()))) };
        let name = path.display();
        ensure!(replace || !path.exists(), "{name} is there already; --force replaces it");
        let mut part_path = path.as_os_str().to_owned();
        part_path.push(".part");
        let part_path = PathBuf::from(part_path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // What parties said is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let part = options.open(&part_path).with_context(|| part_path.display().to_string())?;
        Ok(Self::File { part: BufWriter::new(part), part_path, path: path.to_path_buf() })
    }

    /// What is written so far can be read. Answers where, if that is not where it was to be.
    pub(super) fn interrupt(mut self) -> io::Result<Option<PathBuf>> {
        match &mut self {
            Self::Stdout(out) => out.flush().map(|()| None),
            Self::File { part, part_path, .. } => part.flush().map(|()| Some(part_path.clone())),
        }
    }

    /// It is whole, and on disk.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush(),
            Self::File { part, part_path, path } => {
                part.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                std::fs::rename(part_path, path)
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File { part, .. } => part.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File { part, .. } => part.flush(),
        }
    }
}
