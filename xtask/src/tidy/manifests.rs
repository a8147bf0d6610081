//! The crates of the workspace, and which of each other they may depend on.

use super::Violation;
use super::tree::{File, Tree};
use toml::{Table, Value};

/// Directory of a crate, and which of our crates it may depend on, for tests too. `xtask` must
/// build when nothing else does: it is what repairs the rest. `tests/postgres` needs none of ours.
const CRATES: &[(&str, &[&str])] = &[
    ("xtask", &["test-postgres"]),
    ("generated", &[]),
    ("client", &["tmf683-generated"]),
    ("server", &["tmf683-generated"]),
    ("tests", &["test-postgres", "tmf683-client", "tmf683-generated", "tmf683-server"]),
    ("tests/postgres", &[]),
];

/// Each crate depends only on those of ours that its row allows.
pub(super) fn crates_depend_downwards(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut manifests = Vec::new();
    for file in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        match file.text.parse::<Table>() {
            Ok(manifest) => manifests.push((file, manifest)),
            Err(error) => found.push(Violation::new(&file.path, 1, error.message())),
        }
    }
    let ours: Vec<&str> =
        manifests.iter().filter_map(|(_, manifest)| package_name(manifest)).collect();
    for (file, manifest) in &manifests {
        // The root manifest of a workspace is no crate.
        if package_name(manifest).is_none() {
            continue;
        }
        let directory = file.path.trim_end_matches("Cargo.toml").trim_end_matches('/');
        let Some((_, may)) = CRATES.iter().find(|(name, _)| *name == directory) else {
            let message = "this crate has no row in xtask/src/tidy/manifests.rs";
            found.push(Violation::new(&file.path, 1, message));
            continue;
        };
        for (key, package) in dependencies(manifest) {
            if ours.contains(&package) && !may.contains(&package) {
                let message = format!("`{directory}` may not depend on `{package}`");
                found.push(Violation::new(&file.path, line_of(file, key), message));
            }
        }
    }
    found
}

fn package_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

/// Key and package of every dependency, whatever its kind or target.
fn dependencies(manifest: &Table) -> Vec<(&str, &str)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let scopes = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut found = Vec::new();
    for scope in std::iter::once(manifest).chain(scopes) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (key, value) in scope.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let renamed = value.get("package").and_then(Value::as_str);
                found.push((key.as_str(), renamed.unwrap_or(key)));
            }
        }
    }
    found
}

fn line_of(file: &File, key: &str) -> usize {
    (1..).zip(file.text.lines()).find(|(_, line)| line.starts_with(key)).map_or(1, |(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: (&str, &str) = (
        "server/Cargo.toml",
        "[package]\nname = \"tmf683-server\"\n[dependencies]\nanyhow = \"1\"\n",
    );

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let tree = Tree::of(&[("Cargo.toml", "[workspace]\n"), SERVER, (path, text)]);
        let found: Vec<_> =
            crates_depend_downwards(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn tests_may_start_the_server() {
        check(
            "tests/Cargo.toml",
            "[package]\nname = \"conformance\"\n[dependencies]\ntmf683-server.workspace = true\n",
            &[],
        );
    }

    #[test]
    fn nothing_else_may_not_even_for_its_tests_or_by_another_name() {
        check(
            "client/Cargo.toml",
            "[package]\nname = \"c\"\n[dev-dependencies]\ntmf683-server.workspace = true\n",
            &["client/Cargo.toml:4: `client` may not depend on `tmf683-server`"],
        );
        check(
            "xtask/Cargo.toml",
            "[package]\nname = \"x\"\n[target.'cfg(unix)'.dependencies]\n\
             s = { package = \"tmf683-server\", path = \"../server\" }\n",
            &["xtask/Cargo.toml:4: `xtask` may not depend on `tmf683-server`"],
        );
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        check(
            "attic/Cargo.toml",
            "[package]\nname = \"attic\"\n",
            &["attic/Cargo.toml:1: this crate has no row in xtask/src/tidy/manifests.rs"],
        );
    }
}
