//! TM Forum's own documents, unmodified, give the code ours give, but for what people read.
//!
//! They are not part of this repository; where they are not at hand the tests say so and pass.

use std::path::{Path, PathBuf};

use crate::codegen::{Job, emit};
use crate::diff;

fn original(file: &str) -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/official-spec");
    let path = directory.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not at hand", path.display());
    None
}

/// Each version of ours with the original it should equal.
fn pairs() -> Vec<(Job, PathBuf)> {
    let originals =
        ["TMF683-PartyInteraction-v4.0.0.swagger.json", "TMF683-Party_Interaction-v5.0.0.oas.yaml"];
    let pair = |(job, file)| original(file).map(|path| (job, path));
    Job::ours().into_iter().zip(originals).filter_map(pair).collect()
}

/// Code without comments. Documents are compared by `spec-diff` below.
fn code(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

#[test]
fn same_code() {
    for (job, path) in pairs() {
        let ours = emit(&job).unwrap();
        let theirs = emit(&Job { spec: path, ..job }).unwrap();
        assert_eq!(ours.files.keys().collect::<Vec<_>>(), theirs.files.keys().collect::<Vec<_>>());
        for (name, text) in &ours.files {
            if name.ends_with(".rs") {
                assert!(code(text) == code(&theirs.files[name]), "{name} differs");
            }
        }
        assert!(ours.files["schemas.json"] == theirs.files["schemas.json"], "schemas differ");
    }
}

#[test]
fn same_statements() {
    for (job, path) in pairs() {
        let outcome = diff::run(&job.spec, &path).unwrap();
        assert!(outcome.is_good, "{}", outcome.text);
    }
}
