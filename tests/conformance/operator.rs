//! What an operator does from the command line: the real binary asks a real server.

use crate::watching::{state_of, subscribe, until};
use harness::{Api, Caller, Ended, Listener, Reaction, ServerProcess, TestServer, shows};
use serde_json::{Value, json};
use tempfile::TempDir;

const TOKEN: &str = "operator-0123456789abcdef";

/// A shell in a directory of its own, next to one server.
struct Operator {
    server: String,
    directory: TempDir,
}

impl Operator {
    fn of(caller: &Caller) -> Self {
        Self { server: caller.origin().to_owned(), directory: TempDir::new().unwrap() }
    }

    async fn run(&self, command: &str) -> Ended {
        let arguments: Vec<_> = command.split(' ').chain(["--server", &self.server]).collect();
        ServerProcess::run(&arguments, &[], self.directory.path()).await
    }

    /// Runs what must succeed; what it prints.
    async fn says(&self, command: &str) -> String {
        let ended = self.run(command).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{command}: {ended:?}");
        ended.out
    }

    /// The records it prints as JSON.
    async fn records(&self, command: &str) -> Value {
        serde_json::from_str(&self.says(&format!("{command} --json")).await).unwrap()
    }

    /// Runs what must fail, in one line.
    async fn fails(&self, command: &str, culprit: &str) {
        let ended = self.run(command).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{command}: {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{command}: {ended:?}");
        assert!(ended.err.contains(culprit), "{command}: {ended:?}");
    }
}

/// The cells of a table without its head, row by row.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().skip(1).map(|line| line.split("  ").map(str::trim).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_admin_api_does_its_commands_do() {
    shows!(["admin.commands"]);
    let server = TestServer::with("[delivery]\nretry_seconds = [0]").await;
    let admin = server.through(Api::ADMIN).await;
    let v5 = server.through(Api::V5).await;
    let operator = Operator::of(&admin);
    assert_eq!(rows(&operator.says("subscriptions list").await).len(), 0);
    assert_eq!(operator.records("deliveries list").await, json!([]));

    let bad = Listener::with(|n| if n < 3 { Reaction::Status(500) } else { Reaction::OK }).await;
    let good = Listener::good().await;
    let id = subscribe(&v5, &good.callback(), None).await;
    let ill = subscribe(&v5, &bad.callback(), None).await;
    v5.create_sample("call").await;
    let dead = until(&admin, &ill, |now| now["deadDeliveries"] == 1).await;
    let well = until(&admin, &id, |now| now["lastSuccessAt"].is_string() && now["lag"] == 0).await;

    let table = operator.says("subscriptions list --state active").await;
    assert!(table.starts_with("id  "), "{table}");
    let cells: Vec<_> = rows(&table).into_iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(cells, [id.as_str(), ill.as_str()], "{table}");
    assert!(table.contains("500") && table.contains(&good.callback()), "{table}");
    assert_eq!(operator.records("subscriptions list").await, json!([well, dead]));
    assert_eq!(operator.records("subscriptions list --state ended").await, json!([]));
    let show = format!("subscriptions show {id}");
    assert_eq!(operator.records(&show).await, json!([state_of(&admin, &id).await]));

    for (word, state) in [("pause", "paused"), ("pause", "paused"), ("resume", "active")] {
        let said = operator.says(&format!("subscriptions {word} {id}")).await;
        assert!(said.contains(state), "{said}");
        assert_eq!(state_of(&admin, &id).await["state"], state);
    }
    let told = good.receives(1).await;
    let replay = format!("subscriptions replay {id}");
    operator.says(&format!("{replay} --from-event {}", told[0])).await;
    good.receives(2).await;
    operator.says(&format!("{replay} --from-time 2026-01-01T00:00:00Z")).await;
    assert_eq!(good.receives(3).await, vec![told[0].clone(); 3]);

    let of_ill = format!("deliveries list --state dead --subscription {ill}");
    let table = operator.says(&of_ill).await;
    let delivery = operator.records(&of_ill).await;
    let number = delivery[0]["id"].as_str().unwrap();
    assert_eq!(rows(&table)[0][0], number, "{table}");
    assert_eq!(delivery, admin.get("/deliveries").await.json());
    assert_eq!(operator.records(&format!("deliveries list --subscription {id}")).await, json!([]));
    // The third time it fails again, the fourth it is taken.
    let redeliver = format!("deliveries redeliver {number}");
    assert!(operator.says(&redeliver).await.contains("queued"));
    until(&admin, &ill, |now| now["lastErrorAt"] != dead["lastErrorAt"]).await;
    operator.says(&redeliver).await;
    bad.acknowledges(1).await;
    until(&admin, &ill, |now| now["deadDeliveries"] == 0).await;
    operator.fails(&redeliver, "404").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_one_line() {
    shows!(["admin.commands"]);
    let tokens = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(tokens.path(), format!("# ours\n{TOKEN}\n")).unwrap();
    let settings = format!("[auth]\ntoken_file = {:?}", tokens.path());
    let guarded = TestServer::with(&settings).await;
    let server = TestServer::start().await;
    let operator = Operator::of(&server.through(Api::ADMIN).await);
    for (command, culprit) in [
        ("subscriptions show no-such-id", "no-such-id"),
        ("subscriptions pause no-such-id", "no-such-id"),
        ("subscriptions replay no-such-id --from-time yesterday", "/fromTime"),
        ("subscriptions list --state sleeping", "state"),
        ("deliveries list --state sleeping", "state"),
        ("deliveries redeliver no-such-id", "no-such-id"),
        ("deliveries list --token-file absent", "absent"),
    ] {
        operator.fails(command, culprit).await;
    }
    let stranger = Operator::of(&guarded.through(Api::ADMIN).await);
    std::fs::write(stranger.directory.path().join("ours"), TOKEN).unwrap();
    std::fs::write(stranger.directory.path().join("other"), "other-0123456789abcdef").unwrap();
    std::fs::write(stranger.directory.path().join("none"), "# nothing\n").unwrap();
    stranger.fails("subscriptions list", "401").await;
    stranger.fails("subscriptions list --token-file other", "401").await;
    stranger.fails("subscriptions list --token-file none", "no token").await;
    assert_eq!(stranger.records("subscriptions list --token-file ours").await, json!([]));
    server.stop().await;
    guarded.stop().await;
    operator.fails("subscriptions list", &operator.server.replace("http://", "")).await;
}
