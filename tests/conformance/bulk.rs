//! Several interactions in one request: PATCH on the collection, all or none. (TMF630 "Create")

use futures::future::join_all;
use harness::{APIS, Answer, Api, Call, Caller, ServerProcess, TestServer, Version, shows};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const COLLECTION: &str = "/partyInteraction";
const JSON_PATCH: &str = "application/json-patch+json";

fn add(value: &Value) -> Value {
    json!({"op": "add", "path": "/", "value": value})
}

/// A patch that adds the sample once for each reason.
fn samples(api: Api, reasons: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    reasons.into_iter().map(|reason| add(&api.sample(reason.as_ref()))).collect()
}

fn call<'a>(caller: &'a Caller, path: &str, patch: &Value) -> Call<'a> {
    caller.call(Method::PATCH, path).body(JSON_PATCH, patch.to_string())
}

async fn create_all(caller: &Caller, patch: &Value) -> Answer {
    call(caller, COLLECTION, patch).send().await
}

async fn total(caller: &Caller) -> String {
    caller.get("/partyInteraction?limit=0").await.is(200).header("x-total-count").to_owned()
}

/// Events that wait to be told, by kind.
fn events(server: &TestServer) -> BTreeMap<String, i64> {
    let database = rusqlite::Connection::open(server.database()).unwrap();
    let sql = "SELECT kind, count(DISTINCT interaction_id) FROM outbox GROUP BY kind";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_stored_as_if_it_came_alone() {
    for api in APIS {
        shows!(api, ["patch.collection"]);
        let server = TestServer::on_sqlite("").await;
        let caller = server.through(api).await;
        let mut odd = api.sample("odd");
        odd["id"] = json!("mine");
        odd["vip"] = json!({"level": 3, "since": null});
        odd["interactionDate"]["startDateTime"] = json!("2020-10-02T13:36:18.1+02:00");
        // TMF630 writes `/`, RFC 6902 the end of an array.
        let end = json!({"op": "add", "path": "/-", "value": api.sample("end")});
        let answer = create_all(&caller, &json!([add(&odd), end, add(&api.sample("z"))])).await;
        let made = answer.is(200);
        assert_eq!(made.each("reason"), ["odd", "end", "z"]);
        for (id, shown) in made.ids().iter().zip(made.json().as_array().unwrap()) {
            assert_eq!(caller.read(id).await.is(200).json(), *shown);
            assert_ne!(id, "mine");
        }
        assert_eq!(made.member("/0/vip"), odd["vip"]);
        assert_eq!(made.member("/0/interactionDate"), odd["interactionDate"]);
        assert_eq!(made.member("/0/creationDate"), made.member("/2/creationDate"), "one time");
        let list = caller.get(COLLECTION).await.is(200);
        assert_eq!(list.ids(), made.ids(), "in the order of the request");
        assert_eq!(events(&server), [("PartyInteractionCreateEvent".to_owned(), 3)].into());
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_keep_their_spelling_and_fields_select() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let text = samples(api, ["a"])
            .to_string()
            .replace("\"reason\":\"a\"", "\"n\":1.50e3,\"reason\":\"a\"");
        let path = "/partyInteraction?fields=n";
        let made = caller.call(Method::PATCH, path).body(JSON_PATCH, text).send().await.is(200);
        assert!(made.text.contains("\"n\":1.50e3"), "{made}");
        let shown = made.member("/0").as_object().unwrap().len();
        assert_eq!(shown, if api.version == Version::V5 { 4 } else { 3 }, "{made}");
        assert!(caller.read(&made.ids()[0]).await.text.contains("\"n\":1.50e3"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_nothing() {
    let server = TestServer::on_sqlite("").await;
    for api in APIS {
        let caller = server.through(api).await;
        assert_eq!(create_all(&caller, &json!([])).await.is(200).text, "[]");
        assert_eq!(total(&caller).await, "0");
    }
    assert_eq!(events(&server), BTreeMap::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_of_creates_is_refused_by_its_place() {
    let server =
        TestServer::on_sqlite("[limits]\ndocument_bytes = 2000\npatch_operations = 100").await;
    for api in APIS {
        let caller = server.through(api).await;
        let good = add(&api.sample("good"));
        let value = |change: fn(&mut Value, Api)| {
            let mut value = api.sample("bad");
            change(&mut value, api);
            add(&value)
        };
        let channels = format!("/1/value/{}", api.channels());
        let table = [
            (json!({"op": "remove", "path": "/"}), 400, "/1/op"),
            (json!({"op": "replace", "path": "/", "value": {}}), 400, "/1/op"),
            (json!({"op": "test", "path": "/", "value": {}}), 400, "/1/op"),
            (json!({"path": "/", "value": {}}), 400, "/1/op is required"),
            (json!({"op": "add", "value": {}}), 400, "/1/path is required"),
            (json!({"op": "add", "path": "", "value": {}}), 400, "/1/path"),
            (json!({"op": "add", "path": "/0", "value": {}}), 400, "/1/path"),
            (json!({"op": "add", "path": "/status", "value": "x"}), 400, "/1/path"),
            (json!({"op": "add", "path": "/"}), 400, "/1/value is required"),
            (json!({"op": "add", "path": "/", "value": [1]}), 400, "/1/value "),
            (json!("add"), 400, "/1 "),
            (value(|body, _| body["reason"] = json!(1)), 400, "/1/value/reason"),
            (value(|body, api| body[api.channels()] = json!(1)), 400, &channels),
            (
                value(|body, _| drop(body.as_object_mut().unwrap().remove("reason"))),
                400,
                "/1/value/reason is required",
            ),
            (value(|body, _| body["@type"] = json!("Alien")), 400, "in /1/value: `@type`"),
            (value(|body, _| body["lastUpdate"] = json!(1)), 400, "/lastUpdate"),
            (value(|body, _| body["note"] = json!([{"text": 1}])), 400, "/1/value/note/0/text"),
            (value(|body, _| body["x"] = json!("x".repeat(2000))), 413, "in /1/value: "),
        ];
        for (bad, status, place) in table {
            let patch = json!([good, bad, good]);
            create_all(&caller, &patch).await.refuses(status, place);
        }
        for (body, culprit) in [(json!({}), "array"), (good.clone(), "array"), (json!(1), "array")]
        {
            create_all(&caller, &body).await.refuses(400, culprit);
        }
        create_all(&caller, &json!(vec![&good; 101])).await.refuses(400, "100 operations");
        let mut ninety_nine = vec![good.clone(); 100];
        ninety_nine[57]["value"]["direction"] = json!(false);
        create_all(&caller, &json!(ninety_nine)).await.refuses(400, "/57/value/direction");
        assert_eq!(total(&caller).await, "0", "{api}: not even the good ones");
    }
    assert_eq!(events(&server), BTreeMap::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_queries_are_honoured_or_refused() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let patch = samples(api, ["a"]);
        let send = |media_type: &str| {
            let call = caller.call(Method::PATCH, COLLECTION);
            call.body(media_type, patch.to_string()).send()
        };
        for media_type in [
            "application/json",
            "application/merge-patch+json",
            "application/json-patch-query+json",
            "text/plain",
        ] {
            let refused = send(media_type).await.refuses(415, JSON_PATCH);
            assert_eq!(refused.header("accept-patch"), JSON_PATCH);
        }
        // A body that says nothing of itself is JSON, which is not taken.
        let bare = caller.call(Method::PATCH, COLLECTION).bare_body(patch.to_string());
        bare.send().await.is(415);
        for (tag, status) in [("\"1\"", 412), ("W/\"1\"", 412), ("1", 400)] {
            let call = call(&caller, COLLECTION, &patch).header("if-match", tag);
            call.send().await.is(status);
        }
        for (query, culprit) in
            [("status=x", "status"), ("limit=1", "limit"), ("fields=", "fields")]
        {
            let path = format!("{COLLECTION}?{query}");
            call(&caller, &path, &patch).send().await.refuses(400, culprit);
        }
        assert_eq!(total(&caller).await, "0");
        send("application/json-patch+json; charset=utf-8").await.is(200);
        call(&caller, COLLECTION, &patch).header("if-match", "*").send().await.is(200);
        for item in caller.get(COLLECTION).await.is(200).ids() {
            caller.delete(&format!("{COLLECTION}/{item}")).await.is(204);
        }
    }
    server.stop().await;
}

/// The address is in the answer, and a restarted server has another: `Host` makes it the same.
async fn keyed(caller: &Caller, patch: &Value) -> Answer {
    let call = call(caller, "/partyInteraction?fields=reason", patch);
    call.header("idempotency-key", "key").header("host", "care.example").send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_it_happen_once() {
    let mut server = TestServer::start().await;
    for (number, api) in APIS.into_iter().enumerate() {
        let caller = server.through(api).await;
        let patch = samples(api, ["a", "b"]);
        // What was refused is not remembered.
        keyed(&caller, &json!([add(&json!({}))])).await.is(400);
        let first = keyed(&caller, &patch).await.is(200);
        assert_eq!(first.maybe_header("idempotency-replayed"), None);
        server.restart().await;
        let caller = server.through(api).await;
        let again = keyed(&caller, &patch).await.is(200);
        assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
        keyed(&caller, &samples(api, ["a", "c"])).await.refuses(409, "Idempotency-Key");
        // Nor is a create of one the same request.
        let post = caller.call(Method::POST, "/partyInteraction?fields=reason");
        let post = post.header("idempotency-key", "key").header("host", "care.example");
        let post = post.body("application/json", api.sample("a").to_string());
        post.send().await.refuses(409, "Idempotency-Key");
        assert_eq!(total(&caller).await, (2 * (number + 1)).to_string());
    }
    server.stop().await;
}

/// Interactions in one request of the tests below.
const MANY: usize = 25;

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_all_or_none() {
    let server = TestServer::start().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for api in APIS {
        let (caller, is_over) = (server.through(api).await, Arc::clone(&is_over));
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while !is_over.load(Ordering::Relaxed) || seen.is_empty() {
                let list = caller.get("/partyInteraction?fields=none").await.is(200);
                assert_eq!(list.header("x-total-count"), list.ids().len().to_string());
                seen.push(list.ids().len());
            }
            seen
        }));
    }
    let callers = join_all(APIS.map(|api| server.through(api))).await;
    for _ in 0..10 {
        let writes = callers.iter().map(|caller| async move {
            create_all(caller, &samples(caller.api, vec!["x"; MANY])).await.is(200)
        });
        join_all(writes).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        let seen = reader.await.unwrap();
        assert!(seen.iter().all(|count| count % MANY == 0), "{seen:?}");
    }
    assert_eq!(total(&callers[0]).await, (30 * MANY).to_string());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sudden_death_leaves_no_half() {
    let directory = tempfile::TempDir::new().unwrap();
    let database = directory.path().join("tmf683.db");
    let mut server = ServerProcess::start(&database).await;
    let (sender, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = Vec::new();
    for writer in 0..8 {
        let (caller, sender) = (server.through(APIS[writer % APIS.len()]).await, sender.clone());
        writers.push(tokio::spawn(async move {
            for number in 0.. {
                let reason = format!("{writer}-{number}");
                let patch = samples(caller.api, vec![&reason; MANY]);
                match call(&caller, COLLECTION, &patch).try_send().await {
                    Ok(answer) => {
                        answer.is(200);
                        sender.send(reason).unwrap();
                    }
                    Err(_) => return,
                }
            }
        }));
    }
    drop(sender);
    let mut wanted = Vec::new();
    while wanted.len() < 20 {
        wanted.push(acknowledged.recv().await.unwrap());
    }
    server.kill().await;
    while let Some(reason) = acknowledged.recv().await {
        wanted.push(reason);
    }
    join_all(writers).await.into_iter().for_each(Result::unwrap);

    let mut server = ServerProcess::start(&database).await;
    let list = server.through(Api::V5).await.get("/partyInteraction?fields=reason").await.is(200);
    let mut found = BTreeMap::<String, usize>::new();
    for reason in list.each("reason") {
        *found.entry(reason).or_default() += 1;
    }
    assert!(found.values().all(|count| *count == MANY), "{found:?}");
    assert!(wanted.iter().all(|reason| found.contains_key(reason)), "{wanted:?}");
    server.terminate();
    assert_eq!(server.wait().await, Some(0));
}
