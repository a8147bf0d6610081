//! From subscription over outage to replay, as README.md shows it: read there, run here. What `curl` says
//! is said by the harness, the commands are run as they are, and the listener is one of ours.

use crate::watching::until;
use harness::{Api, Listener, ServerProcess, TestServer, shows};
use std::path::Path;

const README: &str = include_str!("../../README.md");
const SERVER: &str = "http://127.0.0.1:8683";
const CALLBACK: &str = "http://127.0.0.1:9683/events";

/// The commands of the section, each on one line, without comments.
fn commands() -> Vec<String> {
    let (_, section) = README.split_once("\n## Be told\n").expect("the section");
    let (_, block) = section.split_once("\n```sh\n").expect("its commands");
    let (block, _) = block.split_once("\n```\n").expect("their end");
    let joined = block.replace("\\\n", "");
    joined.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// What stands between `before` and `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {text}")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outage_in_the_readme_ends_well() {
    shows!(["admin.commands", "admin.resume", "admin.replay"]);
    let server = TestServer::with("[delivery]\nretry_seconds = [3600]").await;
    let (admin, v5) = (server.through(Api::ADMIN).await, server.through(Api::V5).await);
    let mut listener = Listener::good().await;
    listener.close().await;
    let (mut id, mut kinds) = (String::new(), Vec::new());
    for command in commands() {
        let (kind, rest) = command.split_once(' ').unwrap_or((&command, ""));
        kinds.push(kind.split('=').next().unwrap().to_owned());
        match kind {
            "curl" => {
                let path = between(rest, &format!("{SERVER}{}", Api::V5.base), " ");
                let body = if rest.contains(r#"-d "$call""#) {
                    between(README, "\ncall='", "'\n")
                } else {
                    between(rest, "-d '", "'")
                };
                let body = body.replace(CALLBACK, &listener.callback());
                let made = v5.post_text(path, body).await.is(201);
                if id.is_empty() {
                    id = made.id();
                } else {
                    let now = until(&admin, &id, |now| now["failedAttempts"] == 1).await;
                    assert!(now["nextAttemptAt"].is_string(), "{now}");
                }
            }
            "tmf683-server" => {
                let rest = rest.replace("$id", &id);
                let mut arguments: Vec<_> = rest.split(' ').collect();
                arguments.extend(["--server", admin.origin()]);
                let ended = ServerProcess::run(&arguments, &[], Path::new(".")).await;
                assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{command}");
                assert!(ended.out.contains(&id), "{command}: {ended:?}");
                match arguments[1] {
                    "list" => assert!(ended.out.contains("no connection"), "{ended:?}"),
                    _ => drop(until(&admin, &id, |now| now["lag"] == 0).await),
                }
            }
            "cargo" => {
                assert!(rest.ends_with("--features listener --example listen_to_events"));
                listener.open().await;
            }
            _ => assert!(kind.starts_with("id=$(sed"), "{command}"),
        }
    }
    let expected =
        ["curl", "id", "curl", "tmf683-server", "cargo", "tmf683-server", "tmf683-server"];
    assert_eq!(kinds, expected);
    let told = listener.receives(2).await;
    assert_eq!(told, [told[0].as_str(), told[0].as_str()]);
    server.stop().await;
}
