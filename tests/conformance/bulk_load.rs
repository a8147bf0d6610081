//! Interactions in bulk: from lines into a store and out of it, wherever a run dies, beside a server or
//! without one. (DESIGN §4)

use harness::{Api, DEADLINE, Listener, ServerProcess, binary, shows};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Runs a command that works; what it prints.
async fn done(arguments: &[&str], directory: &Path) -> String {
    let ended = ServerProcess::run(arguments, &[], directory).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended.out
}

/// Runs a command that is refused; what it says of it.
async fn refused(arguments: &[&str], directory: &Path) -> String {
    let ended = ServerProcess::run(arguments, &[], directory).await;
    assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
    ended.err
}

fn write(directory: &Path, name: &str, lines: &[String]) {
    std::fs::write(directory.join(name), lines.join("\n")).unwrap();
}

fn count(database: &Path, what: &str) -> i64 {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

/// A v5 document with an id.
fn document(id: &str, reason: &str) -> Value {
    let mut body = Api::V5.sample(reason);
    body["id"] = json!(id);
    body
}

#[tokio::test]
async fn what_is_exported_is_imported_to_the_letter() {
    shows!(["server.import-export"]);
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let mut server = ServerProcess::start(&here.join("a.db")).await;
    for api in [Api::V4, Api::V5] {
        let caller = server.through(api).await;
        let sample = api.sample("letters").to_string();
        let odd = sample.replacen('{', "{\"vip\": {\"level\": 1.50e3, \"é\": \"\\u00e9\\n\"},", 1);
        let id = caller.post_text("/partyInteraction", odd).await.is(201).id();
        caller.create_sample("plain").await;
        let note = json!({"status": "completed", "note": [api.note("1", "changed")]});
        caller.patch(&id, &note).await.is(200);
    }
    // Beside the server that runs on it.
    done(&["export", "--store", "sqlite:a.db", "first.ndjson"], here).await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
    for version in ["v4", "v5"] {
        let exported = ["export", "--version", version, "--store"];
        let (source, target) = ("sqlite:a.db", format!("sqlite:{version}.db"));
        let before = done(&[&exported[..], &[source]].concat(), here).await;
        assert_eq!(before.lines().count(), 4);
        assert!(before.contains("1.50e3"), "{before}");
        std::fs::write(here.join("lines"), &before).unwrap();
        let summary = done(&["import", "--store", &target, "lines"], here).await;
        assert!(summary.starts_with("4 created"), "{summary}");
        let after = done(&[&exported[..], &[target.as_str()]].concat(), here).await;
        assert_eq!(after, before);
    }
    let first = std::fs::read_to_string(here.join("first.ndjson")).unwrap();
    assert_eq!(done(&["export", "--store", "sqlite:v5.db"], here).await, first);
}

#[tokio::test]
async fn what_a_line_has_is_kept_and_what_it_lacks_is_set() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let mut v4 = Api::V4.sample("old");
    v4["id"] = json!("CRM:17");
    v4["href"] = json!("https://crm.example/calls/17");
    v4["creationDate"] = json!("2019-05-06T07:08:09+02:00");
    let mut own = document("own", "ours");
    own["href"] = json!("https://care.example/tmf-api/partyInteraction/v5/partyInteraction/own");
    let lines = [v4.to_string(), own.to_string(), Api::V5.sample("new").to_string()];
    write(here, "lines", &lines);
    let public = ["--public-url", "https://care.example"];
    done(&[&["import", "--store", "sqlite:a.db", "lines"], &public[..]].concat(), here).await;
    let mut server = ServerProcess::start(&here.join("a.db")).await;
    let v5 = server.through(Api::V5).await;
    let old = v5.read("CRM:17").await.is(200);
    assert_eq!(old.member("/href"), "https://crm.example/calls/17");
    assert_eq!(old.member("/creationDate"), "2019-05-06T07:08:09+02:00");
    assert_eq!(old.member("/relatedChannel/0/channel/id"), "7");
    // Not another's: it moves with the server.
    assert_eq!(
        v5.read("own").await.is(200).text_at("/href"),
        format!("{}/partyInteraction/own", v5.root())
    );
    let new = v5.get("/partyInteraction?reason=new").await.is(200).json();
    assert_eq!(new[0]["creationDate"], new[0]["lastUpdate"]);
    assert_eq!(new[0]["id"].as_str().unwrap().len(), 36);
    server.kill().await;
}

#[tokio::test]
async fn a_bad_line_is_told_and_the_others_are_imported() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let good = document("good", "x").to_string();
    let with = |name: &str, value: Value| {
        let mut body = document("bad", "x");
        body[name] = value;
        body.to_string()
    };
    let deep = "/0".repeat(72);
    let cases = [
        ("nonsense".to_owned(), ""),
        ("[]".to_owned(), ""),
        ("{\"id\": \"\u{0}".to_owned(), ""),
        (good.replacen('{', "{\"reason\": \"twice\", ", 1), "/reason"),
        (with("direction", json!(1)), "/direction"),
        (with("id", json!("a/b")), "/id"),
        (with("id", json!(7)), "/id"),
        (with("id", json!("..")), "/id"),
        (with("id", json!("x".repeat(257))), "/id"),
        (with("href", json!("")), "/href"),
        (with("href", json!("http://elsewhere/\u{0}")), "/href"),
        (with("creationDate", json!("yesterday")), "/creationDate"),
        (with("lastUpdate", json!(1)), "/lastUpdate"),
        (with("channel", json!([])), "/channel"),
        (with("@type", json!("Other")), ""),
        (format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), deep.as_str()),
        (with("description", json!("x".repeat(2 << 20))), ""),
        (format!("{{\"note\":[{}0]}}", "0,".repeat(10_000)), "/note"),
    ];
    let mut lines = vec![good, String::new()];
    for (at, (line, _)) in cases.iter().enumerate() {
        lines.push(line.clone());
        lines.push(document(&format!("between-{at}"), "x").to_string());
    }
    write(here, "lines", &lines);
    let arguments = ["import", "--store", "sqlite:a.db", "--errors", "errors", "lines"];
    let ended = ServerProcess::run(&arguments, &[], here).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (taken, bad) = (cases.len() + 1, cases.len());
    assert_eq!(
        ended.out.trim(),
        format!("{taken} created, 0 replaced, 0 skipped, 0 there already, {bad} refused")
    );
    let errors = std::fs::read_to_string(here.join("errors")).unwrap();
    let errors: Vec<Value> =
        errors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (at, (_, pointer)) in cases.iter().enumerate() {
        let of_line: Vec<_> = errors.iter().filter(|error| error["line"] == at * 2 + 3).collect();
        assert!(
            of_line.iter().any(|error| error["pointer"] == *pointer),
            "{at} {pointer}: {of_line:?}"
        );
    }
}

#[tokio::test]
async fn an_id_that_is_there() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let lines = |reason: &str| {
        let of = |id: &str, reason: &str| document(id, reason).to_string();
        [of(&format!("before-{reason}"), "x"), of("same", "x"), of("it", reason), of(reason, "x")]
    };
    write(here, "first", &lines("first"));
    done(&["import", "--store", "sqlite:a.db", "first"], here).await;
    for (what, code, told, reason) in [
        ("skip", 0, "2 created, 0 replaced, 1 skipped, 1 there already", "first"),
        ("replace", 0, "2 created, 1 replaced, 0 skipped, 1 there already", "replace"),
        (
            "fail",
            1,
            "1 created, 0 replaced, 0 skipped, 1 there already, 1 refused, stopped at line 3",
            "replace",
        ),
    ] {
        write(here, "lines", &lines(what));
        let arguments = ["import", "--store", "sqlite:a.db", "--on-conflict", what, "lines"];
        let ended = ServerProcess::run(&arguments, &[], here).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.out.starts_with(told), "{what}: {ended:?}");
        let found = done(&["export", "--store", "sqlite:a.db", "--filter", "id=it"], here).await;
        assert!(found.contains(&format!("\"reason\":\"{reason}\"")), "{what}: {found}");
    }
    // Nobody was told.
    assert_eq!(count(&here.join("a.db"), "outbox"), 0);
    let told = refused(&["import", "--store", "sqlite:a.db", "--on-conflict", "guess"], here).await;
    assert!(told.contains("guess"), "{told}");
}

#[tokio::test]
async fn a_run_that_is_killed_is_taken_up() {
    const LINES: usize = 6_000;
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let line = |at: usize| {
        let reason = format!("line {at}");
        match at % 3 {
            0 => Api::V4.sample(&reason).to_string(),
            1 => Api::V5.sample(&reason).to_string(),
            _ => document(&format!("id-{at}"), &reason).to_string(),
        }
    };
    let lines: Vec<String> = (0..LINES).map(line).collect();
    let text = lines.join("\n");
    let arguments = ["import", "--store", "sqlite:a.db", "--on-conflict", "fail", "-"];
    // As far as the pipe takes it, which is not much further than it has been read.
    for death in 1..=6 {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(here).stdin(Stdio::piped()).kill_on_drop(true);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut input = run.stdin.take().unwrap();
        let written = text.len() * death / 6;
        timeout(DEADLINE, input.write_all(&text.as_bytes()[..written])).await.unwrap().unwrap();
        run.kill().await.unwrap();
    }
    write(here, "lines", &lines);
    let arguments = [&arguments[..5], &["--source", "-", "lines"]].concat();
    let summary = done(&arguments, here).await;
    assert_eq!(count(&here.join("a.db"), "interaction"), LINES as i64, "{summary}");
    let again = done(&arguments, here).await;
    let all = format!("0 created, 0 replaced, 0 skipped, {LINES} there already, 0 refused");
    assert_eq!(again.trim(), all);
    let reasons =
        done(&["export", "--store", "sqlite:a.db", "--format", "csv", "--fields", "reason"], here)
            .await;
    let expected: Vec<String> = (0..LINES).map(|at| format!("line {at}")).collect();
    assert_eq!(reasons.lines().skip(1).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn beside_a_server() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let mut server = ServerProcess::start(&here.join("a.db")).await;
    let v5 = server.through(Api::V5).await;
    v5.get("/partyInteraction?vip.level=3").await.refuses(400, "vip.level");
    let line = |at: usize| {
        let mut body = document(&format!("i-{at}"), "imported");
        body["vip"] = json!({"level": at % 5});
        body.to_string()
    };
    write(here, "lines", &(0..5000).map(line).collect::<Vec<_>>());
    let arguments = ["import", "--store", "sqlite:a.db", "lines"];
    let mut importing = std::pin::pin!(done(&arguments, here));
    let mut created = 0;
    loop {
        tokio::select! {
            summary = &mut importing => { assert!(summary.starts_with("5000 created"), "{summary}"); break; }
            made = v5.create_sample("called") => { made.is(201); created += 1; }
        }
    }
    let found = v5.get("/partyInteraction?vip.level=3&limit=1").await;
    assert_eq!(found.header("x-total-count"), "1000");
    let called = v5.get("/partyInteraction?reason=called&limit=0").await;
    assert!(called.header("x-total-count").parse::<usize>().unwrap() >= created);
    server.kill().await;
}

#[tokio::test]
async fn listeners_are_told_if_that_is_asked_for() {
    let directory = TempDir::new().unwrap();
    let (here, listener) = (directory.path(), Listener::good().await);
    let database = here.join("a.db");
    let mut server = ServerProcess::start(&database).await;
    let v5 = server.through(Api::V5).await;
    v5.post("/hub", &Api::V5.subscription(&listener.callback())).await.is(201);
    server.terminate();
    server.wait().await;
    write(here, "lines", &[document("told", "x").to_string()]);
    write(here, "silent", &[document("silent", "x").to_string()]);
    done(&["import", "--store", "sqlite:a.db", "silent"], here).await;
    assert_eq!(count(&database, "outbox"), 0);
    let arguments = ["import", "--store", "sqlite:a.db", "--events", "lines"];
    done(&arguments, here).await;
    let told = refused(&[&arguments[..], &["--on-conflict", "replace"]].concat(), here).await;
    assert!(told.contains("--events"), "{told}");
    let mut server = ServerProcess::start(&database).await;
    let told = listener.acknowledges(1).await;
    assert_eq!(told[0].body["event"]["partyInteraction"]["id"], "told");
    server.kill().await;
}

#[tokio::test]
async fn an_export_is_that_of_a_list_and_goes_on_where_it_ended() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let lines: Vec<String> = (0..10)
        .map(|at| document(&format!("i-{at}"), &format!("{},\"{at}\"", at % 2)).to_string())
        .collect();
    write(here, "lines", &lines);
    done(&["import", "--store", "sqlite:a.db", "lines"], here).await;
    let export = ["export", "--store", "sqlite:a.db", "--format", "csv", "--fields"];
    let by_query = async |query: &str, after: &[&str]| {
        let arguments = [&export[..], &["id", "--filter", query], after].concat();
        let ended = ServerProcess::run(&arguments, &[], here).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let ids: Vec<String> = ended.out.lines().skip(1).map(str::to_owned).collect();
        let cursor = ended.err.lines().find_map(|line| line.strip_prefix("go on with --after "));
        (ids.join(" "), cursor.unwrap_or_default().to_owned())
    };
    for sort in ["", "&sort=-id"] {
        let whole = by_query(&format!("id.ne=i-3{sort}"), &[]).await.0;
        let (first, cursor) = by_query(&format!("id.ne=i-3&limit=4{sort}"), &[]).await;
        let (rest, _) = by_query(&format!("id.ne=i-3{sort}"), &["--after", &cursor]).await;
        assert_eq!(format!("{first} {rest}"), whole);
        assert_eq!(whole.split(' ').count(), 9);
    }
    let table =
        done(&[&export[..], &["id,reason,none", "--filter", "id=i-1"]].concat(), here).await;
    assert_eq!(table, "id,reason,none\r\ni-1,\"1,\"\"1\"\"\",\r\n");
    let parquet = ["export", "--store", "sqlite:a.db", "--format", "parquet", "--fields"];
    done(&[&parquet[..], &["id,creationDate", "table"]].concat(), here).await;
    let table = std::fs::read(here.join("table")).unwrap();
    assert!(table.starts_with(b"PAR1") && table.ends_with(b"PAR1"), "{table:?}");
    for (arguments, culprit) in [
        (&["--filter", "colour=red"][..], "colour"),
        (&["--after", "x"], "cursor"),
        (&["--format", "csv"], "--fields"),
        (&["--format", "parquet"], "--fields"),
        (&["--format", "parquet", "--fields", "id,id"], "once"),
        (&["--format", "xml"], "xml"),
        (&["--version", "v6"], "v6"),
        (&["lines"], "--force"),
    ] {
        let arguments = [&["export", "--store", "sqlite:a.db"], arguments].concat();
        let told = refused(&arguments, here).await;
        assert!(told.contains(culprit), "{arguments:?}: {told}");
    }
    let told = refused(&["export", "--store", "sqlite:none.db"], here).await;
    assert!(told.contains("none.db") && !here.join("none.db").exists(), "{told}");
}

#[tokio::test]
async fn a_backup_is_taken_while_it_runs_and_put_back() {
    shows!(["server.import-export"]);
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let mut server = ServerProcess::start(&here.join("a.db")).await;
    let v5 = server.through(Api::V5).await;
    let id = v5.create_sample("kept").await.is(201).id();
    let backup = ["backup", "--store", "sqlite:a.db", "copy.db"];
    let told = done(&backup, here).await;
    assert!(told.starts_with("1 interactions"), "{told}");
    v5.create_sample("later").await;
    assert!(refused(&backup, here).await.contains("--force"));
    let restore = ["restore", "--store", "sqlite:a.db", "copy.db"];
    assert!(refused(&restore, here).await.contains("--force"));
    let by_force = [&restore[..], &["--force"]].concat();
    assert!(refused(&by_force, here).await.contains("in use"));
    let onto_itself = ["backup", "--store", "sqlite:a.db", "--force", "a.db"];
    assert!(refused(&onto_itself, here).await.contains("in use"));
    done(&[&backup[..3], &["--force", "later.db"]].concat(), here).await;
    server.kill().await;
    done(&by_force, here).await;
    let mut server = ServerProcess::start(&here.join("a.db")).await;
    let v5 = server.through(Api::V5).await;
    assert_eq!(v5.get("/partyInteraction").await.ids(), [id]);
    server.terminate();
    server.wait().await;

    let mut damaged = std::fs::read(here.join("copy.db")).unwrap();
    damaged[4096..8192].fill(0x55);
    std::fs::write(here.join("damaged.db"), damaged).unwrap();
    let other = rusqlite::Connection::open(here.join("other.db")).unwrap();
    other.execute_batch("PRAGMA application_id = 42; CREATE TABLE t (x)").unwrap();
    drop(other);
    std::fs::write(here.join("empty.db"), "").unwrap();
    let before = std::fs::read(here.join("a.db")).unwrap();
    for file in ["damaged.db", "other.db", "empty.db", "absent.db"] {
        refused(&["restore", "--store", "sqlite:a.db", "--force", file], here).await;
        assert!(!here.join("a.db.part").exists());
        assert!(std::fs::read(here.join("a.db")).unwrap() == before, "{file}");
    }
    assert!(refused(&["backup", "--store", "sqlite:no.db", "x.db"], here).await.contains("no.db"));
    assert!(!here.join("x.db").exists());
}
