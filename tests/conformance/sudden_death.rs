//! No acknowledged change without its event, wherever the process dies: killed again and again at
//! points nobody chose, under load, and started anew on the same database. (D7)

use harness::{Api, Caller, DEADLINE, Database, Listener, ServerProcess, shows};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

/// Servers that are killed beside each other: most of a round is waiting for a dead one's lease.
const SERVERS: usize = 10;
/// How often each of them dies.
const DEATHS: usize = 5;
/// Clients that write to one of them.
const WRITERS: usize = 4;
/// Changes of one interaction.
const CHANGES: usize = 5;
/// Changes acknowledged between the first delivery of a life and its end: fewer than this.
const MOST_BEFORE_DEATH: u128 = 60;

const SETTINGS: [(&str, &str); 2] =
    [("TMF683_DELIVERY__TIMEOUT_SECONDS", "1"), ("TMF683_DELIVERY__LEASE_SECONDS", "3")];

/// What has been acknowledged: the last change of each interaction.
#[derive(Default)]
struct Acknowledged {
    changes: Mutex<BTreeMap<String, usize>>,
    more: Notify,
}

impl Acknowledged {
    fn add(&self, id: &str, change: usize) {
        self.changes.lock().unwrap().insert(id.to_owned(), change);
        self.more.notify_one();
    }

    /// Waits for so many more.
    async fn more(&self, count: usize) {
        for _ in 0..count {
            timeout(DEADLINE, self.more.notified()).await.expect("a change in time");
        }
    }
}

/// Creates and changes until the server is gone.
async fn write(caller: Caller, acknowledged: Arc<Acknowledged>) {
    loop {
        let create = caller.call(reqwest::Method::POST, "/partyInteraction");
        let body = caller.api.sample("0").to_string();
        let Ok(made) = create.body("application/json", body).try_send().await else { return };
        let id = made.is(201).id();
        acknowledged.add(&id, 0);
        for change in 1..=CHANGES {
            let patch = caller.call(reqwest::Method::PATCH, &format!("/partyInteraction/{id}"));
            let body = json!({"reason": change.to_string()}).to_string();
            let patch = patch.body("application/merge-patch+json", body);
            let Ok(answer) = patch.try_send().await else { return };
            answer.is(200);
            acknowledged.add(&id, change);
        }
    }
}

/// One server, killed again and again.
async fn survive(api: Api) {
    let database = Database::empty();
    let listener = Listener::good().await;
    let acknowledged = Arc::new(Acknowledged::default());
    for life in 0..DEATHS {
        let mut server = ServerProcess::start_on(&database, &SETTINGS).await;
        let caller = server.through(api).await;
        if life == 0 {
            caller.post("/hub", &api.subscription(&listener.callback())).await.is(201);
        }
        let told = listener.acknowledged().len();
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            writers.spawn(write(caller.clone(), Arc::clone(&acknowledged)));
        }
        // It delivers, and dies at some point of it.
        listener.acknowledges(told + 1).await;
        let count = Uuid::new_v4().as_u128() % MOST_BEFORE_DEATH;
        acknowledged.more(usize::try_from(count).unwrap()).await;
        server.kill().await;
        timeout(DEADLINE, writers.join_all()).await.expect("writers that notice");
    }
    let mut server = ServerProcess::start_on(&database, &SETTINGS).await;
    let expected = acknowledged.changes.lock().unwrap().clone();
    assert!(expected.len() > DEATHS);
    // Each once and in order, until nothing is missing.
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = 0;
    listener
        .until(|told| {
            for one in &told[std::mem::replace(&mut seen, told.len())..] {
                let id = one.text_at("/event/partyInteraction/id").to_owned();
                let change = next.entry(id).or_default();
                assert_eq!(one.text_at("/event/partyInteraction/reason"), change.to_string());
                *change += 1;
            }
            expected.iter().all(|(id, last)| next.get(id).is_some_and(|count| count > last))
        })
        .await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_change_is_told_however_often_the_server_dies() {
    shows!(["hub.once-stored"]);
    let mut servers = JoinSet::new();
    for n in 0..SERVERS {
        servers.spawn(survive([Api::V4, Api::V5][n % 2]));
    }
    servers.join_all().await;
}
