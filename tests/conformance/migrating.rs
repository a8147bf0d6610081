//! From SQLite to PostgreSQL: clients go on as if nothing had happened, wherever a run dies and whatever
//! is written meanwhile. (DESIGN §4)
//!
//! Needs `TEST_POSTGRES_STORES` or `TEST_POSTGRES`, the URL of a database that may be filled with
//! anything; `cargo xtask test` gives one.

use crate::watching::{subscribe, until};
use harness::{
    Api, Caller, DEADLINE, Database, Listener, Reaction, ServerProcess, binary, schema, shows,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const FROM: [&str; 3] = ["migrate", "--from", "sqlite:a.db"];

/// What both servers are reached by, and how soon they give up.
const SETTINGS: &str = "public_url = \"https://care.example\"
[delivery]
retry_seconds = [0]";

/// The URL of an empty database.
fn database() -> Option<String> {
    let url = std::env::var("TEST_POSTGRES_STORES").or_else(|_| std::env::var("TEST_POSTGRES"));
    let Ok(url) = url else {
        assert!(std::env::var_os("CI").is_none(), "continuous integration moves stores");
        eprintln!("nothing moves: no TEST_POSTGRES_STORES");
        return None;
    };
    Some(schema(&url))
}

/// Runs a command; what it prints and what it complains of.
async fn run(here: &Path, code: i32, arguments: &[&str]) -> (String, String) {
    let ended = ServerProcess::run(arguments, &[], here).await;
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    (ended.out, ended.err)
}

async fn migrate(here: &Path, to: &str, code: i32, how: &[&str]) -> (String, String) {
    run(here, code, &[&FROM[..], &["--to", to], how].concat()).await
}

/// Begins to migrate, and dies when the first part is done and the next is under way.
async fn die(here: &Path, to: &str) {
    let mut command = Command::new(binary());
    command.args(FROM).args(["--to", to]).current_dir(here);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = timeout(DEADLINE, out.next_line()).await.expect("a line in time").unwrap();
    assert!(first.is_some_and(|line| line.starts_with("extension paths")));
    child.kill().await.unwrap();
}

/// Executes SQL in the schema of a URL.
fn sql(url: &str, text: &str) {
    let mut psql = std::process::Command::new("psql");
    let status = psql.args(["--quiet", "--dbname", url, "--command", text]).status();
    assert!(status.unwrap().success(), "{text}");
}

/// A line to import.
fn line(at: usize) -> String {
    let api = [Api::V4, Api::V5][at % 2];
    let mut body = api.sample(&format!("line {at}"));
    body["id"] = json!(format!("i-{at}"));
    body["vip"] = json!({ "level": at % 5 });
    body.to_string()
}

/// What a server shows that has not to change.
#[derive(Debug, PartialEq)]
struct Shown(Vec<(String, String)>);

impl Shown {
    async fn by(server: &ServerProcess, paths: &[(Api, String)]) -> Self {
        let mut shown = Vec::new();
        for (api, path) in paths {
            let answer = server.through(*api).await.get(path).await.is(200);
            let headers = ["etag", "link", "x-total-count"];
            let headers = headers.map(|name| answer.maybe_header(name).unwrap_or_default());
            // A link says the address it was asked by.
            let address = server.address().to_string();
            let told = format!("{headers:?} {}", answer.text).replace(&address, "here");
            shown.push((format!("{api}{path}"), told));
        }
        Self(shown)
    }
}

/// A create with a key, the same each time.
async fn keyed(server: &ServerProcess) -> String {
    let caller = server.through(Api::V5).await;
    let call = caller.call(Method::POST, "/partyInteraction").header("idempotency-key", "k-1");
    let call = call.header("host", "care.example");
    let answer = call.body("application/json", Api::V5.sample("once").to_string()).send().await;
    format!("{} {}", answer.header("etag").to_owned(), answer.is(201).text)
}

/// Changes of every kind, as long as a command runs.
async fn busy<T>(caller: &Caller, command: impl Future<Output = T>) -> T {
    let mut command = std::pin::pin!(command);
    for round in 0.. {
        tokio::select! {
            done = &mut command => return done,
            () = change(caller, round) => {}
        }
    }
    unreachable!("numbers do not end")
}

async fn change(caller: &Caller, round: usize) {
    let made = caller.create_sample(&format!("round {round}")).await.is(201);
    caller.patch(&made.id(), &json!({ "status": "completed" })).await.is(200);
    if round.is_multiple_of(3) {
        caller.delete(&format!("/partyInteraction/{}", made.id())).await.is(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_go_on_as_if_nothing_had_happened() {
    shows!(["server.migrate"]);
    let Some(to) = database() else { return };
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    std::fs::write(here.join("settings.toml"), SETTINGS).unwrap();
    let settings = here.join("settings.toml").display().to_string();
    let settings = [("TMF683_CONFIG", settings.as_str())];
    std::fs::write(here.join("lines"), (0..4000).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    run(here, 0, &["import", "--store", "sqlite:a.db", "--events", "lines"]).await;

    // Something of everything.
    let mut source = ServerProcess::start_with(&here.join("a.db"), &settings).await;
    let (v4, v5) = (source.through(Api::V4).await, source.through(Api::V5).await);
    let admin = source.through(Api::ADMIN).await;
    let listener = Listener::good().await;
    let refusing = Listener::with(|_| Reaction::Status(507)).await;
    let waiting = Listener::good().await;
    let told = subscribe(&v5, &listener.callback(), None).await;
    let failing = subscribe(&v4, &refusing.callback(), None).await;
    let odd = Api::V4.sample("odd").to_string();
    let odd = odd.replacen('{', "{\"odd\\u0000\": {\"n\": 1.50e3, \"t\": \"\\u0000é\"},", 1);
    let odd = v4.post_text("/partyInteraction", odd).await.is(201).id();
    until(&admin, &failing, |now| now["deadDeliveries"] == 1).await;
    v4.delete(&format!("/hub/{}", subscribe(&v4, "http://127.0.0.1:9/", None).await)).await.is(204);
    admin.post_text(&format!("/subscriptions/{failing}/pause"), "").await.is(200);
    let of_deletes = Some("eventType=PartyInteractionDeleteEvent");
    let paused = subscribe(&v5, &waiting.callback(), of_deletes).await;
    admin.post_text(&format!("/subscriptions/{paused}/pause"), "").await.is(200);
    let once = keyed(&source).await;
    v5.patch("i-17", &json!({ "status": "completed" })).await.is(200);
    v5.delete("/partyInteraction/i-18").await.is(204);
    let place = v5.get("/events?limit=7").await.is(200).link("next").unwrap();
    let place = place.split_once("since=").unwrap().1.to_owned();
    let cursor = async |query: &str| {
        let next = v5.get(query).await.is(200).link("next").unwrap();
        next.split_once("/v5").unwrap().1.to_owned()
    };
    let cursors = [
        cursor("/partyInteraction?limit=20").await,
        cursor("/partyInteraction?limit=3&sort=-reason").await,
    ];

    // Runs that die, and one that does not, while others write.
    for _ in 0..3 {
        busy(&v5, die(here, &to)).await;
        v5.delete("/partyInteraction/i-0").await;
    }
    busy(&v5, migrate(here, &to, 0, &[])).await;
    let ended = ServerProcess::run(&["serve", "--store", &to], &[], here).await;
    assert!(ended.code == Some(1) && ended.err.contains("successor of sqlite:"), "{ended:?}");
    let (_, in_use) = migrate(here, &to, 1, &["--finish"]).await;
    assert!(in_use.contains("in use"), "{in_use}");

    // The cut-over.
    until(&admin, &told, |now| now["lag"] == 0).await;
    let paths: Vec<(Api, String)> = [
        (Api::V4, format!("/partyInteraction/{odd}")),
        (Api::V5, format!("/partyInteraction/{odd}")),
        (Api::V5, "/partyInteraction/i-17".to_owned()),
        (Api::V5, "/partyInteraction?limit=50&offset=3990".to_owned()),
        (Api::V4, "/partyInteraction?vip.level=3&status=completed".to_owned()),
        (Api::V5, "/partyInteraction?status=opened&sort=-reason&limit=30".to_owned()),
        (Api::V5, cursors[0].clone()),
        (Api::V5, cursors[1].clone()),
        (Api::V5, format!("/events?since={place}&limit=100")),
        (Api::V5, "/events?eventType=PartyInteractionDeleteEvent".to_owned()),
        (Api::ADMIN, "/subscriptions".to_owned()),
        (Api::ADMIN, "/deliveries".to_owned()),
    ]
    .into();
    let before = Shown::by(&source, &paths).await;
    let deleted = v5.get("/events?eventType=PartyInteractionDeleteEvent&limit=1000").await.json();
    source.terminate();
    assert_eq!(source.wait().await, Some(0));
    let notified = listener.received();
    let (out, _) = migrate(here, &to, 0, &["--finish"]).await;
    assert!(out.contains("ready to serve"), "{out}");
    let target = ServerProcess::start_on(&Database::at(&*to), &settings).await;
    let after = Shown::by(&target, &paths).await;
    for (before, after) in before.0.iter().zip(&after.0) {
        assert_eq!(before, after);
    }
    assert_eq!(keyed(&target).await, once);

    // What was told is not told again, what was not is, and life goes on.
    let v5 = target.through(Api::V5).await;
    let admin = target.through(Api::ADMIN).await;
    let made = v5.create_sample("after").await.is(201);
    let all = listener.acknowledges(notified + 1).await;
    assert_eq!(all.last().unwrap().body["event"]["partyInteraction"]["id"], made.id());
    admin.post_text(&format!("/subscriptions/{paused}/resume"), "").await.is(200);
    let deleted: Vec<Value> = deleted.as_array().unwrap().clone();
    let got = waiting.acknowledges(deleted.len()).await;
    // In order per interaction only.
    let by_id = |events: Vec<Value>| -> BTreeMap<String, Value> {
        events.into_iter().map(|event| (event["eventId"].to_string(), event)).collect()
    };
    let got = by_id(got.iter().map(|one| one.body.clone()).collect());
    assert!(got == by_id(deleted), "{got:?}");
    let dead = admin.get("/deliveries?state=dead").await.is(200).text_at("/0/id");
    let again = format!("/deliveries/{dead}/redeliver");
    assert_eq!(admin.post_text(&again, "").await.is(200).text_at("/state"), "queued");
    v5.delete("/partyInteraction/i-17").await.is(204);
    assert_eq!(v5.read("i-17").await.status, 404);
    let (_, over) = migrate(here, &to, 1, &[]).await;
    assert!(over.contains("used already"), "{over}");
    assert_eq!(listener.received(), notified + 2, "the create, the delete, and nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_same_is_found_and_made_so() {
    let Some(to) = database() else { return };
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    std::fs::write(here.join("lines"), (0..30).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    run(here, 0, &["import", "--store", "sqlite:a.db", "--events", "lines"]).await;
    let (out, _) = migrate(here, &to, 0, &[]).await;
    assert!(out.contains("interactions: 30 on both sides"), "{out}");
    for (damage, culprits) in [
        (
            "UPDATE interaction SET document = replace(document, 'line 7', 'line 8') WHERE id = 'i-7'",
            vec!["interactions: i-7, number 8, is another"],
        ),
        ("UPDATE interaction SET version = version + 1 WHERE id = 'i-9'", vec!["i-9"]),
        ("UPDATE interaction SET id = 'x' WHERE id = 'i-9'", vec!["i-9, number 10, is another"]),
        // As if it had come back under another number meanwhile.
        (
            "UPDATE interaction SET seq = 70 WHERE id = 'i-9'",
            vec!["i-9, number 10, is missing", "i-9, number 70, should not be there"],
        ),
        ("DELETE FROM interaction WHERE seq < 20", vec!["i-0, number 1, is missing"]),
        (
            "UPDATE outbox SET time = '2020-01-01T00:00:00Z' WHERE seq = 3",
            vec!["events: 3 is another"],
        ),
        ("DELETE FROM outbox", vec!["events: 1 is missing"]),
        ("UPDATE counter SET event = 7", vec!["counters"]),
        (
            "INSERT INTO extension_path VALUES (99, 'p')",
            vec!["extension paths: \"p\" should not be there"],
        ),
    ] {
        sql(&to, damage);
        let (out, err) = migrate(here, &to, 1, &["--verify-only"]).await;
        let told = format!("{out}{err}");
        assert!(culprits.iter().all(|culprit| told.contains(culprit)), "{damage}: {told}");
        migrate(here, &to, 0, &[]).await;
        migrate(here, &to, 0, &["--verify-only"]).await;
    }
    // What a server that was killed left in the log of the file counts too.
    let mut killed = ServerProcess::start(&here.join("a.db")).await;
    let last = killed.through(Api::V5).await.create_sample("last").await.is(201).id();
    killed.kill().await;
    migrate(here, &to, 0, &["--finish"]).await;
    let target = ServerProcess::start_on(&Database::at(&*to), &[]).await;
    let v5 = target.through(Api::V5).await;
    v5.read(&last).await.is(200);
    let found = v5.get("/partyInteraction?status=opened&vip.level=2").await.is(200);
    assert_eq!(found.header("x-total-count"), "6");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_meant_for_it_is_refused() {
    let (Some(to), Some(used)) = (database(), database()) else { return };
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    std::fs::write(here.join("line"), line(0)).unwrap();
    run(here, 0, &["import", "--store", "sqlite:a.db", "line"]).await;
    std::fs::copy(here.join("a.db"), here.join("b.db")).unwrap();
    let old = rusqlite::Connection::open(here.join("b.db")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let mut other = ServerProcess::start_on(&Database::at(&*used), &[]).await;
    let (_, told) = migrate(here, &used, 1, &[]).await;
    assert!(told.contains("used already"), "{told}");
    other.terminate();
    assert_eq!(other.wait().await, Some(0));
    let (_, told) = migrate(here, &used, 1, &[]).await;
    assert!(told.contains("used already"), "{told}");

    migrate(here, &to, 0, &[]).await;
    std::fs::copy(here.join("a.db"), here.join("c.db")).unwrap();
    for (from, to, culprit) in [
        ("sqlite:none.db", to.as_str(), "none.db"),
        ("sqlite:b.db", &to, "version 1"),
        ("sqlite:c.db", &to, "/a.db"),
        ("sqlite:line", &to, "not a SQLite database"),
        ("sqlite:a.db", "sqlite:d.db", "to postgres:"),
        (to.as_str(), "sqlite:d.db", "from sqlite:"),
        ("a.db", &to, "--from"),
    ] {
        let (out, told) = run(here, 1, &["migrate", "--from", from, "--to", to]).await;
        assert!(told.contains(culprit) && out.is_empty(), "{from}: {told}");
    }
    assert!(!here.join("none.db").exists() && !here.join("d.db").exists());
    migrate(here, &to, 0, &["--verify-only"]).await;
    // As an import of an earlier release could have left it.
    let odd = rusqlite::Connection::open(here.join("a.db")).unwrap();
    odd.execute("UPDATE interaction SET foreign_href = 'http://e/' || char(0)", []).unwrap();
    let (_, told) = migrate(here, &to, 1, &[]).await;
    assert!(told.contains("i-0 has U+0000 in its href"), "{told}");
}
