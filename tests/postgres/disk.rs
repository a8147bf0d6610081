//! A disk that is soon full: a file system in memory, of a size of its own.

use super::{belongs_to_user, done, is_root};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A mounted file system; unmounted when dropped, so whoever uses it has to end before.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of so many MiB, for who runs clusters.
    ///
    /// # Errors
    /// The machine does not let us mount.
    pub fn mount(mebibytes: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let size = format!("size={mebibytes}m");
        done(as_root("mount")?.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()))?;
        let disk = Self { folder };
        belongs_to_user(disk.path())?;
        Ok(disk)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills what is left of it with one file, which can be removed again.
    ///
    /// # Errors
    /// Of another kind than that there is no more room.
    pub fn fill(&self) -> std::io::Result<std::path::PathBuf> {
        let path = self.path().join("ballast");
        let mut file = std::fs::File::create(&path)?;
        match std::io::copy(&mut std::io::repeat(0), &mut file) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(path),
            Err(error) => Err(error),
            Ok(_) => Ok(path),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = as_root("umount").and_then(|mut command| {
            // Lazily: a process that still goes away must not keep it.
            done(command.arg("--lazy").arg(self.folder.path()))
        });
        if let Err(error) = unmount {
            eprintln!("a disk of the tests stays mounted: {error}");
        }
    }
}

fn as_root(name: &str) -> anyhow::Result<Command> {
    if is_root()? {
        return Ok(Command::new(name));
    }
    let mut command = Command::new("sudo");
    command.args(["--non-interactive", name]);
    Ok(command)
}
