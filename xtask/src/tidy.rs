//! `cargo xtask tidy`: the house rules a compiler does not know, each one a function.
//!
//! A rule looks at the whole tree and returns what it minds. All rules run and everything is
//! printed before the verdict, so one run shows the whole repair. Rules that need the compiler
//! (lints, formatting, documentation) are steps of `cargo xtask ci` instead.

mod layering;
mod manifests;
mod names;
mod paths;
mod tree;

use anyhow::bail;
use std::fmt;
use std::path::Path;
use tree::Tree;

/// What a rule minds, and where.
#[derive(Debug, PartialEq)]
struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Violation>;

/// Broken, these fail the run.
const RULES: &[Rule] = &[
    names::every_file_says_what_it_is,
    names::no_file_is_a_junk_drawer,
    names::no_forbidden_words,
    layering::rooms_import_downwards,
    layering::tests_stay_outside_the_server,
    manifests::crates_depend_downwards,
];

/// Broken, these ask for a second look and no more.
const ADVICE: &[Rule] = &[names::files_stay_readable];

/// Checks every rule on the files git knows or would add, below `root`.
///
/// # Errors
/// A rule is broken (all violations are printed), or the tree could not be read.
pub(crate) fn tidy(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    for advice in check(ADVICE, &tree) {
        println!("{advice} (a warning)");
    }
    let violations = check(RULES, &tree);
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 violation"),
        count => bail!("tidy: {count} violations"),
    }
}

fn check(rules: &[Rule], tree: &Tree) -> Vec<Violation> {
    let mut found: Vec<_> = rules.iter().flat_map(|rule| rule(tree)).collect();
    found.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_sorted_and_read_file_line_message() {
        let tree = Tree::of(&[("b/utils.rs", "//! B.\n"), ("a.rs", "fn a() {}\n")]);
        let found: Vec<_> = check(RULES, &tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.rs:1: "), "{found:?}");
        assert!(found[1].starts_with("b/utils.rs:1: "), "{found:?}");
    }
}
