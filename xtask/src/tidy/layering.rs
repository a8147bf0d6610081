//! The rooms of the server, and which way data flows between them.
//!
//! `http → app → domain + query → store contract ← back-ends`; `delivery` reads the store; `error` sits
//! at the edge. One import against the stream fails. Tests in a file obey its room's row.

use super::Violation;
use super::paths::paths;
use super::tree::{File, Tree};

const SERVER: &str = "server/src/";

/// The roots tie the rooms together and may name them all.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// One row: a module of the server, the modules it may name, and the outside it never touches.
struct Room {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

/// What the API documents became, and what serves it.
const GENERATED: &[&str] = &["dropshot", "tmf683_generated"];
/// HTTP itself.
const WIRE: &[&str] = &["http", "http_body_util", "hyper", "reqwest"];
/// Databases.
const DRIVERS: &[&str] =
    &["deadpool_postgres", "postgres", "r2d2", "r2d2_sqlite", "rusqlite", "tokio_postgres"];
/// Whatever makes the same call answer differently: clock, I/O, threads, chance.
const WORLD: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "chrono::Local",
    "chrono::Utc::now",
    "rand",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "uuid::Uuid::new_v4",
    "uuid::Uuid::now_v7",
];

/// The longest name that fits a module is its row. A module without a row is a violation, so a new
/// room starts here.
const ROOMS: &[Room] = &[
    Room { name: "config", may: &["config"], never: &[GENERATED, WIRE, DRIVERS] },
    Room { name: "log", may: &["config", "log"], never: &[GENERATED, WIRE, DRIVERS] },
    Room { name: "operator", may: &["operator"], never: &[&["dropshot"], DRIVERS] },
    Room { name: "transfer", may: &["transfer"], never: &[GENERATED, WIRE, DRIVERS] },
    Room {
        name: "bulk",
        // Of `http` only what a version is and what its document minds.
        may: &[
            "app",
            "bulk",
            "config",
            "domain",
            "http::schema",
            "http::version",
            "query",
            "store::contract",
        ],
        never: &[GENERATED, WIRE, DRIVERS],
    },
    Room {
        name: "error",
        // Of `http` only what a document minds in a body: an error like those of the other layers.
        may: &["app", "domain", "error", "http::schema", "query", "store::contract"],
        never: &[DRIVERS],
    },
    Room {
        name: "http",
        // Of `delivery` only what judges a callback, which is done when it is registered too, and what
        // shows the log to readers.
        may: &[
            "app",
            "bulk",
            "config",
            "delivery::feed",
            "delivery::resolver",
            "domain",
            "error",
            "http",
            "query",
            "store::contract",
        ],
        never: &[DRIVERS],
    },
    Room {
        name: "app",
        may: &["app", "domain", "query", "store::contract"],
        never: &[GENERATED, WIRE, DRIVERS],
    },
    Room { name: "domain", may: &["domain", "query"], never: &[GENERATED, WIRE, DRIVERS, WORLD] },
    Room { name: "query", may: &["domain", "query"], never: &[GENERATED, WIRE, DRIVERS, WORLD] },
    Room { name: "store", may: &["domain", "query", "store"], never: &[GENERATED, WIRE, DRIVERS] },
    Room {
        name: "store::contract",
        may: &["domain", "query", "store::contract"],
        never: &[GENERATED, WIRE, DRIVERS, WORLD],
    },
    Room {
        name: "store::list",
        may: &["domain", "query", "store::contract", "store::list", "store::plan"],
        never: &[GENERATED, WIRE, DRIVERS],
    },
    Room {
        name: "store::sqlite",
        may: &[
            "domain",
            "query",
            "store::contract",
            "store::list",
            "store::plan",
            "store::room",
            "store::sqlite",
        ],
        never: &[GENERATED, WIRE],
    },
    Room {
        name: "store::postgres",
        may: &[
            "domain",
            "query",
            "store::contract",
            "store::list",
            "store::plan",
            "store::postgres",
            "store::room",
        ],
        never: &[GENERATED, WIRE],
    },
    Room {
        // Only in tests: the pure rooms under random input, and the vocabulary they run with.
        name: "fuzz",
        may: &["domain", "fuzz", "query"],
        never: &[&["dropshot"], WIRE, DRIVERS],
    },
    Room {
        name: "delivery",
        may: &["config", "delivery", "domain", "query", "store::contract"],
        never: &[GENERATED, DRIVERS],
    },
];

/// All that the tests may name of the server: they drive it as anybody would.
const TESTS_MAY: [&str; 3] =
    ["tmf683_server::Running", "tmf683_server::config", "tmf683_server::start"];

/// Each room of the server names only what its row allows.
pub(super) fn rooms_import_downwards(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        match file.path.strip_prefix(SERVER) {
            Some(inside) if !ROOTS.contains(&inside) => found.extend(judge(file, inside)),
            _ => {}
        }
    }
    found
}

/// The tests see the server from outside.
pub(super) fn tests_stay_outside_the_server(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| file.path.starts_with("tests/")) {
        match paths(&file.text, &[]) {
            Err(error) => found.push(unreadable(file, &error)),
            Ok(paths) => {
                let inside = paths.iter().filter(|path| path.is_in("tmf683_server"));
                for path in inside.filter(|path| !TESTS_MAY.iter().any(|may| path.is_in(may))) {
                    let path_text = path.segments.join("::");
                    let message = format!("tests use {TESTS_MAY:?} only, not `{path_text}`");
                    found.push(Violation::new(&file.path, path.line, message));
                }
            }
        }
    }
    found
}

fn judge(file: &File, inside: &str) -> Vec<Violation> {
    let stem = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let module: Vec<&str> = stem.split('/').collect();
    let Some(room) = room_of(&module) else {
        let message = "this room has no row in the layering table (xtask/src/tidy/layering.rs)";
        return vec![Violation::new(&file.path, 1, message)];
    };
    let paths = match paths(&file.text, &module) {
        Ok(paths) => paths,
        Err(error) => return vec![unreadable(file, &error)],
    };
    let mut found = Vec::new();
    for path in paths {
        let allowed = match path.segments.split_first() {
            Some((root, [])) if root == "crate" => false,
            Some((root, _)) if root == "crate" => {
                room.may.iter().any(|may| path.is_in(&format!("crate::{may}")))
            }
            _ => !room.never.iter().copied().flatten().any(|never| path.is_in(never)),
        };
        if !allowed {
            let message = format!("`{}` may not name `{}`", room.name, path.segments.join("::"));
            found.push(Violation::new(&file.path, path.line, message));
        }
    }
    found
}

fn room_of(module: &[&str]) -> Option<&'static Room> {
    let fits = |room: &&Room| {
        let mut module = module.iter();
        room.name.split("::").all(|part| module.next() == Some(&part))
    };
    ROOMS.iter().filter(fits).max_by_key(|room| room.name.len())
}

fn unreadable(file: &File, error: &proc_macro2::LexError) -> Violation {
    Violation::new(&file.path, error.span().start().line, format!("not Rust: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let tree = Tree::of(&[(path, text)]);
        let mut found = rooms_import_downwards(&tree);
        found.extend(tests_stay_outside_the_server(&tree));
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_stream_is_fine() {
        check("server/src/http/v5.rs", "use crate::{app::App, store::contract::Page};", &[]);
        check("server/src/app.rs", "use crate::store::contract::Store;", &[]);
        check("server/src/store/contract.rs", "use crate::query::filter::Filter;", &[]);
        check("server/src/store/sqlite/writer.rs", "use super::key; use rusqlite::Row;", &[]);
        check("server/src/error.rs", "use dropshot::HttpError; use crate::app::AppError;", &[]);
        check("server/src/lib.rs", "use crate::store::sqlite::SqliteStore;", &[]);
        check("client/src/lib.rs", "use crate::anything::X;", &[]);
    }

    #[test]
    fn upward_imports_are_named() {
        check(
            "server/src/domain/lens.rs",
            "//! Lens.\nuse crate::http::answer;\n",
            &["server/src/domain/lens.rs:2: `domain` may not name `crate::http::answer`"],
        );
        check(
            "server/src/app.rs",
            "fn f(s: crate::store::sqlite::SqliteStore) {}",
            &["server/src/app.rs:1: `app` may not name `crate::store::sqlite::SqliteStore`"],
        );
        check(
            "server/src/store/contract.rs",
            "use super::sqlite::X;",
            &["server/src/store/contract.rs:1: `store::contract` may not name \
               `crate::store::sqlite::X`"],
        );
        check(
            "server/src/http/mod.rs",
            "use crate::start;",
            &["server/src/http/mod.rs:1: `http` may not name `crate::start`"],
        );
    }

    #[test]
    fn foreign_crates_keep_to_their_rooms() {
        let refused = |room: &str, path: &str| format!("`{room}` may not name `{path}`");
        for (file, text, expected) in [
            ("query/parse.rs", "use tokio::sync;", refused("query", "tokio::sync")),
            ("domain/event.rs", "Utc::now()", refused("domain", "Utc::now")),
            ("app.rs", "use dropshot as d;", refused("app", "dropshot")),
            ("http/hub.rs", "rusqlite::Row", refused("http", "rusqlite::Row")),
            ("delivery/sender.rs", "use dropshot::Body;", refused("delivery", "dropshot::Body")),
            ("store/contract.rs", "use r2d2::Pool;", refused("store::contract", "r2d2::Pool")),
        ] {
            let path = format!("server/src/{file}");
            check(&path, text, &[&format!("{path}:1: {expected}")]);
        }
    }

    #[test]
    fn a_new_room_needs_a_row() {
        let tree = Tree::of(&[("server/src/attic.rs", "//! Attic.\n")]);
        assert_eq!(rooms_import_downwards(&tree).len(), 1);
    }

    #[test]
    fn tests_use_the_front_door() {
        check("tests/harness.rs", "use tmf683_server::{Running, config::Settings, start};", &[]);
        let tree = Tree::of(&[("tests/a.rs", "use tmf683_server::store::contract::Store;")]);
        assert_eq!(tests_stay_outside_the_server(&tree).len(), 1);
    }
}
