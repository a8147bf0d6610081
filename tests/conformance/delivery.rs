//! Events arrive: in the shape of their version, once per `eventId`, in order per interaction, whatever
//! the listener does meanwhile. (TMF630 "Hub", D7)

use crate::watching::{eventually, lag_is, subscribe};
use harness::{
    Api, Caller, Database, Listener, Notification, Reaction, ServerProcess, TestServer, Version,
    shows,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tries soon and often, and takes little for an answer. It does not give up before the test does.
const IMPATIENT: &str = "[delivery]
    timeout_seconds = 3
    lease_seconds = 9
    retry_seconds = [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 5, 5, 5, 5]";

/// The same, for processes.
const IMPATIENT_PROCESS: [(&str, &str); 3] = [
    ("TMF683_DELIVERY__TIMEOUT_SECONDS", "1"),
    ("TMF683_DELIVERY__LEASE_SECONDS", "3"),
    ("TMF683_DELIVERY__RETRY_AFTER_MOST_SECONDS", "1"),
];

/// What every envelope has, each a text. `correlationId` is there where the request had one.
const ENVELOPE: [&str; 8] = [
    "eventId",
    "eventTime",
    "eventType",
    "timeOcurred",
    "title",
    "description",
    "domain",
    "priority",
];

fn kinds(notifications: &[Arc<Notification>]) -> Vec<&str> {
    notifications.iter().map(|one| one.text_at("/eventType")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_in_the_shape_of_the_version() {
    for api in [Api::V4, Api::V5] {
        shows!(api, ["hub.delivered", "event.types", "event.envelope", "event.version"]);
        let server = TestServer::start().await;
        let listener = Listener::good().await;
        let caller = server.through(api).await;
        // What happened before is not told.
        caller.create_sample("before").await;
        subscribe(&caller, &listener.callback(), None).await;

        let create = caller.call(reqwest::Method::POST, "/partyInteraction");
        let create = create.header("x-correlation-id", "c-1");
        let made = create.body("application/json", api.sample("call").to_string()).send().await;
        let made = made.is(201);
        let id = made.id();
        let both = json!({"status": "closed", "reason": "other"});
        caller.patch(&id, &both).await.is(200);
        caller.patch(&id, &both).await.is(200);
        caller.patch(&id, &json!({})).await.is(200);
        caller.patch(&id, &json!({"status": "opened"})).await.is(200);
        caller.delete(&format!("/partyInteraction/{id}")).await.is(204);

        let told = listener.acknowledges(5).await;
        let expected = [
            "PartyInteractionCreateEvent",
            "PartyInteractionStatusChangeEvent",
            "PartyInteractionAttributeValueChangeEvent",
            "PartyInteractionStatusChangeEvent",
            "PartyInteractionDeleteEvent",
        ];
        assert_eq!(kinds(&told), expected, "{api}");
        for one in &told {
            one.is_declared_by(&caller.document);
            for name in ENVELOPE {
                assert_ne!(one.text_at(&format!("/{name}")), "", "{name}");
            }
            assert_eq!(one.text_at("/eventTime"), one.text_at("/timeOcurred"));
            assert_eq!(one.path, "/events?of=us");
            let href = one.text_at("/event/partyInteraction/href");
            assert_eq!(href, format!("{}/partyInteraction/{id}", caller.root()));
        }
        assert_eq!(told[0].text_at("/correlationId"), "c-1");
        assert_eq!(told[0].body["event"]["partyInteraction"], made.json(), "as the answer had it");
        let field_paths: Vec<_> = told.iter().map(|one| one.body.get("fieldPath")).collect();
        match api.version {
            Version::V4 => {
                shows!(api, ["event.field-path"]);
                assert_eq!(field_paths, [None, None, Some(&json!("reason")), None, None]);
            }
            Version::V5 => assert_eq!(field_paths, [None; 5]),
        }
        assert_eq!(told[1].text_at("/event/partyInteraction/status"), "closed");
        assert_eq!(told[3].text_at("/event/partyInteraction/status"), "opened");
        server.stop().await;
        assert_eq!(listener.received(), 5, "{api}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_get_what_they_ask_for() {
    for (api, ada) in [
        (Api::V4, "event.partyInteraction.relatedParty.id=43"),
        (Api::V5, "event.partyInteraction.relatedParty.partyOrPartyRole.id=43"),
    ] {
        shows!(api, ["hub.query"]);
        let mut server = TestServer::start().await;
        let (caller, v5) = (server.through(api).await, server.through(Api::V5).await);
        let (of_ada, deleted, all) =
            (Listener::good().await, Listener::good().await, Listener::good().await);
        subscribe(&caller, &of_ada.callback(), Some(ada)).await;
        let query = "eventType=PartyInteractionDeleteEvent";
        subscribe(&caller, &deleted.callback(), Some(query)).await;
        let id = subscribe(&caller, &all.callback(), None).await;

        v5.create_sample("of 42").await;
        let mut body = Api::V5.sample("of 43");
        body["relatedParty"] = json!([Api::V5.party("43", "Ada", "customer")]);
        let of_43 = v5.create(&body).await.id();
        v5.delete(&format!("/partyInteraction/{of_43}")).await.is(204);

        assert_eq!(all.acknowledges(3).await.len(), 3);
        let told = of_ada.acknowledges(2).await;
        assert!(told.iter().all(|one| one.text_at("/event/partyInteraction/id") == of_43));
        told.iter().for_each(|one| one.is_declared_by(&caller.document));
        assert_eq!(kinds(&deleted.acknowledges(1).await), ["PartyInteractionDeleteEvent"]);

        caller.delete(&format!("/hub/{id}")).await.is(204);
        // What was on its way may still come, but not after this.
        server.restart().await;
        let told = all.received();
        let last = server.through(Api::V5).await.create(&body).await.id();
        let of_last = of_ada.acknowledges(3).await;
        assert_eq!(of_last[2].text_at("/event/partyInteraction/id"), last);
        server.stop().await;
        assert_eq!((all.received(), deleted.received()), (told, 1));
    }
}

/// Creates interactions and changes each so many times, all at once; the reason counts.
async fn changes(caller: &Caller, interactions: usize, times: usize) -> BTreeSet<String> {
    let one = async |_| {
        let id = caller.create_sample("0").await.id();
        for n in 1..=times {
            caller.patch(&id, &json!({"reason": n.to_string()})).await.is(200);
        }
        id
    };
    futures::future::join_all((0..interactions).map(one)).await.into_iter().collect()
}

/// Insists that each of these interactions was told of all its changes, in order.
#[track_caller]
fn in_order(told: &[Arc<Notification>], ids: &BTreeSet<String>, times: usize) {
    let mut reasons: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for one in told {
        let reason = one.text_at("/event/partyInteraction/reason").parse().unwrap();
        reasons.entry(one.text_at("/event/partyInteraction/id")).or_default().push(reason);
    }
    for id in ids {
        let told = reasons.get(id.as_str()).cloned().unwrap_or_default();
        assert_eq!(told, (0..=times).collect::<Vec<_>>(), "{id}");
    }
    assert_eq!(reasons.len(), ids.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_in_trouble_misses_nothing() {
    futures::join!(in_trouble(Api::V4), in_trouble(Api::V5));
}

async fn in_trouble(api: Api) {
    shows!(api, ["event.order", "delivery.apart"]);
    let server = TestServer::with(IMPATIENT).await;
    let mut listener = Listener::with(|n| match n {
        0..20 => match n % 5 {
            0 => Reaction::Status(500),
            1 => Reaction::HangUp,
            2 => Reaction::BreakOff(503),
            3 => Reaction::Status(302),
            _ => Reaction::OK,
        },
        20 => Reaction::Hang,
        _ if n % 7 == 0 => Reaction::Status(503),
        _ if n % 11 == 0 => Reaction::BreakOff(200),
        _ => Reaction::OK,
    })
    .await;
    let good = Listener::good().await;
    let caller = server.through(api).await;
    subscribe(&caller, &listener.callback(), None).await;
    subscribe(&caller, &good.callback(), None).await;
    let mut ids = changes(&caller, 6, 5).await;
    listener.acknowledges(36).await;
    listener.close().await;
    ids.extend(changes(&caller, 3, 5).await);
    // Who is well hears of it all the same, and while the other one is refused.
    in_order(&good.acknowledges(54).await, &ids, 5);
    listener.open().await;
    in_order(&listener.acknowledges(54).await, &ids, 5);
    server.stop().await;
    assert_eq!(good.received(), 54);
    assert!(listener.received() > 54);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_delivery_stood() {
    shows!(["delivery.kept"]);
    let mut server = TestServer::with(IMPATIENT).await;
    let mut listener = Listener::good().await;
    let caller = server.through(Api::V4).await;
    subscribe(&caller, &listener.callback(), None).await;
    let mut ids = changes(&caller, 2, 3).await;
    listener.acknowledges(8).await;
    listener.close().await;
    ids.extend(changes(&caller, 2, 3).await);
    server.restart().await;
    listener.open().await;
    in_order(&listener.acknowledges(16).await, &ids, 3);
    server.stop().await;
    assert_eq!(listener.received(), 16, "what was settled is not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_gone_hears_no_more() {
    let server = TestServer::start().await;
    let listener = Listener::with(|_| Reaction::Status(410)).await;
    let other = Listener::good().await;
    let caller = server.through(Api::V5).await;
    subscribe(&caller, &listener.callback(), None).await;
    subscribe(&caller, &other.callback(), None).await;
    caller.create_sample("call").await;
    other.acknowledges(1).await;
    // Ended, so it can be made again.
    let body = Api::V5.subscription(&listener.callback());
    eventually(async || caller.post("/hub", &body).await.status == 201).await;
    server.stop().await;
    assert_eq!(listener.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_subscriptions() {
    let server = TestServer::with("[delivery]\nsubscriptions = 2").await;
    let (v4, v5) = (server.through(Api::V4).await, server.through(Api::V5).await);
    let first = subscribe(&v4, "http://127.0.0.1:9/1", None).await;
    subscribe(&v5, "http://127.0.0.1:9/1", None).await;
    let third = Api::V5.subscription("http://127.0.0.1:9/3");
    v5.post("/hub", &third).await.refuses(503, "as many subscriptions as the server takes");
    // What is there already is still said to be.
    v5.post("/hub", &Api::V5.subscription("http://127.0.0.1:9/1")).await.is(409);
    v4.delete(&format!("/hub/{first}")).await.is(204);
    v5.post("/hub", &third).await.is(201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_tell_each_event_once() {
    shows!(["delivery.leases"]);
    let database = Database::empty();
    let start = async || ServerProcess::start_on(&database, &[]).await;
    let mut servers = vec![start().await, start().await];
    let listener = Listener::good().await;
    let mut ids = BTreeSet::new();
    let first = servers[0].through(Api::V5).await;
    let id = subscribe(&first, &listener.callback(), None).await;
    for server in &servers {
        ids.extend(changes(&server.through(Api::V5).await, 3, 4).await);
    }
    in_order(&listener.acknowledges(30).await, &ids, 4);
    // Who had it gives it up: the other one takes it, from where it stood.
    for _ in 0..2 {
        let mut server = servers.remove(0);
        lag_is(&server.through(Api::ADMIN).await, &id, 0).await;
        server.terminate();
        assert_eq!(server.wait().await, Some(0));
        servers.push(start().await);
        ids.extend(changes(&servers[0].through(Api::V5).await, 1, 4).await);
        in_order(&listener.acknowledges(ids.len() * 5).await, &ids, 4);
    }
    assert_eq!(listener.received(), ids.len() * 5);
}

/// With a lease so short that on a busy machine it may end although nobody died: then what was under way
/// is told twice, but never what was settled.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_from_the_dead_begins_where_they_stood() {
    shows!(["delivery.leases"]);
    let database = Database::empty();
    let start = async || ServerProcess::start_on(&database, &IMPATIENT_PROCESS).await;
    let mut servers = vec![start().await, start().await];
    let listener = Listener::good().await;
    let id = subscribe(&servers[0].through(Api::V5).await, &listener.callback(), None).await;
    let mut ids = changes(&servers[1].through(Api::V5).await, 3, 4).await;
    in_order(&listener.acknowledges(15).await, &ids, 4);
    for _ in 0..2 {
        let mut server = servers.remove(0);
        lag_is(&server.through(Api::ADMIN).await, &id, 0).await;
        let (told, settled) = (listener.received(), listener.acknowledged());
        server.kill().await;
        servers.push(start().await);
        ids.extend(changes(&servers[0].through(Api::V5).await, 1, 4).await);
        in_order(&listener.acknowledges(ids.len() * 5).await, &ids, 4);
        let settled: BTreeSet<_> = settled.iter().map(|one| one.text_at("/eventId")).collect();
        let again = listener.all().split_off(told);
        let again = again.iter().map(|one| one.text_at("/eventId")).find(|id| settled.contains(id));
        assert_eq!(again, None, "told again");
    }
}
