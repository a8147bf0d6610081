//! The binary as its operator meets it: help, defaults, and one clear line for everything that
//! cannot be started. (DESIGN §4, D11)

use expectorate::assert_contents;
use harness::{Api, ServerProcess, shows};
use std::net::TcpListener;
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

#[tokio::test]
async fn what_it_says_of_itself() {
    let directory = TempDir::new().unwrap();
    for (arguments, file) in [
        (&["--help"][..], "help.txt"),
        (&["serve", "--help"], "serve-help.txt"),
        (&["import", "--help"], "import-help.txt"),
        (&["export", "--help"], "export-help.txt"),
        (&["backup", "--help"], "backup-help.txt"),
        (&["restore", "--help"], "restore-help.txt"),
        (&["migrate", "--help"], "migrate-help.txt"),
    ] {
        let ended = ServerProcess::run(arguments, &[], directory.path()).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert_contents(format!("{DATA}/{file}"), &ended.out);
    }
}

#[tokio::test]
async fn the_default_settings_are_a_settings_file() {
    let directory = TempDir::new().unwrap();
    let defaults = ServerProcess::run(&["default-config"], &[], directory.path()).await;
    assert_eq!(defaults.out, include_str!("../../server/config.default.toml"));
    std::fs::write(directory.path().join("settings.toml"), defaults.out).unwrap();
    // All of it is taken; only the address is not one of this machine's.
    let arguments = ["serve", "--config", "settings.toml", "--listen", "192.0.2.1:1"];
    let ended = ServerProcess::run(&arguments, &[], directory.path()).await;
    assert!(ended.err.contains("192.0.2.1:1 is not a loopback address"), "{ended:?}");
}

/// A way to start the server that cannot work.
struct Unusable {
    arguments: &'static [&'static str],
    environment: Option<(&'static str, &'static str)>,
    /// What the one line must name.
    culprit: &'static str,
}

/// By arguments of `serve`.
const fn given(arguments: &'static [&'static str], culprit: &'static str) -> Unusable {
    Unusable { arguments, environment: None, culprit }
}

/// By an environment variable.
const fn set(name: &'static str, value: &'static str, culprit: &'static str) -> Unusable {
    Unusable { arguments: &[], environment: Some((name, value)), culprit }
}

static UNUSABLE: [Unusable; 17] = [
    given(&["--config", "unknown-key.toml"], "colour"),
    given(&["--config", "unknown-section.toml"], "colours"),
    given(&["--config", "bad-value.toml"], "body_bytes"),
    given(&["--config", "not-toml.toml"], "not-toml.toml"),
    given(&["--config", "absent.toml"], "absent.toml"),
    given(&["--listen", "localhost"], "listen"),
    given(&["--listen", "0.0.0.0:0"], "auth.token_file"),
    given(&["--store", "mysql:x"], "store"),
    given(&["--store", "postgres:ada:secret"], "postgres://HOST"),
    given(&["--store", "postgres://ada:secret@127.0.0.1:1/db"], "postgres://127.0.0.1:1/db"),
    given(&["--store", "sqlite:no/such/directory/x.db"], "no/such/directory"),
    given(&["--public-url", "ftp://x.example"], "public_url"),
    set("TMF683_COLOUR", "red", "colour"),
    set("TMF683_LIMITS__COLOUR", "1", "colour"),
    set("TMF683_LIMITS__BODY_BYTES", "many", "body_bytes"),
    set("TMF683_LISTEN", "[::]:0", "auth.token_file"),
    set("TMF683_AUTH__TOKEN_FILE", "absent.tokens", "absent.tokens"),
];

#[tokio::test]
async fn unusable_settings_are_one_line() {
    shows!(["server.settings", "server.anonymous"]);
    let directory = TempDir::new().unwrap();
    for (name, text) in [
        ("unknown-key.toml", "colour = 1"),
        ("unknown-section.toml", "[colours]\nred = 1"),
        ("bad-value.toml", "[limits]\nbody_bytes = -1"),
        ("not-toml.toml", "listen ="),
    ] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    for Unusable { arguments, environment, culprit } in &UNUSABLE {
        let arguments = [&["serve"], *arguments].concat();
        let environment = environment.as_slice();
        let ended = ServerProcess::run(&arguments, environment, directory.path()).await;
        let case = format!("{arguments:?} {environment:?} {ended:?}");
        assert_eq!(ended.code, Some(1), "{case}");
        assert_eq!(ended.out, "", "{case}");
        assert_eq!(ended.err.lines().count(), 1, "{case}");
        let told = ended.err.strip_prefix("tmf683-server: ").expect(&case).trim_end();
        assert!(told.contains(culprit), "{case}");
        assert!(!told.contains("secret"), "{case}");
        let mut parts: Vec<_> = told.split(": ").collect();
        parts.sort_unstable();
        assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "said twice: {case}");
    }
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 4, "nothing was made: {left:?}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let directory = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = ServerProcess::run(&["serve", "--listen", &address], &[], directory.path()).await;
    assert_eq!((ended.code, ended.err.lines().count()), (Some(1), 1), "{ended:?}");
    assert!(ended.err.contains(&address), "{ended:?}");
}

#[tokio::test]
async fn files_that_are_not_its_own_are_refused_untouched() {
    shows!(["server.foreign-file"]);
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut server = ServerProcess::start(&path("newer.db")).await;
    server.through(Api::V5).await.create_sample("call").await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
    let newer = rusqlite::Connection::open(path("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 9999).unwrap();
    drop(newer);
    let other = rusqlite::Connection::open(path("other.db")).unwrap();
    other.execute_batch("PRAGMA application_id = 42; CREATE TABLE t (x)").unwrap();
    drop(other);
    std::fs::write(path("text.db"), "not a database at all, ".repeat(100)).unwrap();
    for (name, told) in
        [("newer.db", "9999"), ("other.db", "another application"), ("text.db", "not a SQLite")]
    {
        let before = std::fs::read(path(name)).unwrap();
        let store = format!("sqlite:{name}");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--store", &store];
        let ended = ServerProcess::run(&arguments, &[], directory.path()).await;
        assert_eq!((ended.code, ended.err.lines().count()), (Some(1), 1), "{ended:?}");
        assert!(ended.err.contains(told) && ended.err.contains(name), "{ended:?}");
        assert_eq!(std::fs::read(path(name)).unwrap(), before, "{name} was touched");
    }
}
