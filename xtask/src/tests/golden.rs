//! What comes out of a document small enough to read the result.
//!
//! `EXPECTORATE=overwrite cargo test -p xtask golden` accepts a change.

use super::{data, emit};

fn check(document: &str, golden: &str) {
    let text = std::fs::read_to_string(data(document)).unwrap();
    let emitted = emit(document, &text).unwrap();
    let mut all = String::new();
    for (name, text) in &emitted.files {
        all.push_str(&format!("==== {name}\n{text}"));
    }
    expectorate::assert_contents(data(golden), &all);
}

#[test]
fn openapi3() {
    check("small.oas.yaml", "small.oas.golden");
}

#[test]
fn swagger2() {
    check("small.swagger.json", "small.swagger.golden");
}
