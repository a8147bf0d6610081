//! Tests of the generator as a whole; each file one question.

mod drift;
mod golden;
mod originals;
mod publish;
mod spec_diff;
mod swagger2;
mod unsupported;

use std::path::{Path, PathBuf};

use crate::codegen::{self, Emitted, Job};

/// Generates from a document given as text, without publication.
fn emit(file_name: &str, text: &str) -> anyhow::Result<Emitted> {
    let directory = tempfile::tempdir()?;
    let spec = directory.path().join(file_name);
    std::fs::write(&spec, text)?;
    let out = directory.path().join("out");
    let (name, stem) = ("v1".to_owned(), codegen::PARTY_INTERACTION);
    codegen::emit(&Job { spec, publication: None, name, stem, out })
}

/// A file of the tests.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}
