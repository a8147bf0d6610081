//! What is committed is what would be generated: `gen --check` as a test.

use crate::codegen::{Job, run};

#[test]
fn generated_code_is_current() {
    let outcome = run(&Job::ours(), true).unwrap();
    assert!(outcome.is_good, "run `cargo xtask gen`:\n{}", outcome.text);
}

#[test]
fn drift_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let spec = super::data("small.oas.yaml");
    let job = Job::foreign(spec, "v1".to_owned(), directory.path().to_owned());
    assert!(!run(std::slice::from_ref(&job), true).unwrap().is_good, "nothing is there yet");
    run(std::slice::from_ref(&job), false).unwrap();
    assert!(run(std::slice::from_ref(&job), true).unwrap().is_good);

    let types = directory.path().join("types.rs");
    let text = std::fs::read_to_string(&types).unwrap();
    std::fs::write(&types, text.replace("pub struct Visit", "pub struct Visitation")).unwrap();
    std::fs::write(directory.path().join("stray.rs"), "left over\n").unwrap();
    let outcome = run(std::slice::from_ref(&job), true).unwrap();
    assert!(!outcome.is_good);
    assert!(outcome.text.contains("\n-pub struct Visitation"), "{}", outcome.text);
    assert!(outcome.text.contains("\n+pub struct Visit"), "{}", outcome.text);
    assert!(outcome.text.contains("\n-left over"), "{}", outcome.text);
}
