//! Many at once: entity tags, and patches that meet. (RFC 9110 §13, DESIGN D8)

use futures::future::join_all;
use harness::{APIS, Answer, Caller, TestServer, shows};
use reqwest::Method;
use serde_json::{Value, json};

async fn patch_if(caller: &Caller, id: &str, tag: &str, patch: Value) -> Answer {
    let call = caller.call(Method::PATCH, &format!("/partyInteraction/{id}"));
    call.header("if-match", tag).body("application/json", patch.to_string()).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_agents_with_the_same_tag_one_wins() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["etag.one-wins"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let tag = made.header("etag");
        let agents = ["a", "b"].map(|name| {
            patch_if(
                &caller,
                made.header("location").rsplit('/').next().unwrap(),
                tag,
                json!({ name: 1 }),
            )
        });
        let answers = join_all(agents).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "{answers:?}");
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(caller.read(&made.id()).await.text, winner.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_guards_patch_and_delete() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["etag.match"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let id = made.id();
        let old = made.header("etag").to_owned();
        let new = caller.patch(&id, &json!({"status": "x"})).await.is(200);
        let new = new.header("etag").to_owned();
        let weak = format!("W/{new}");
        let table =
            [(old.as_str(), 412), (&weak, 412), ("\"no such tag\"", 412), ("tag", 400), ("", 412)];
        for (tag, status) in table {
            patch_if(&caller, &id, tag, json!({"status": "y"})).await.is(status);
            let call = caller.call(Method::DELETE, &format!("/partyInteraction/{id}"));
            call.header("if-match", tag).send().await.is(status);
        }
        assert_eq!(caller.read(&id).await.is(200).text_at("/status"), "x");
        let either = format!("{old}, {new}");
        let now = patch_if(&caller, &id, &either, json!({"status": "y"})).await.is(200);
        patch_if(&caller, &id, "*", json!({"status": "z"})).await.is(200);
        patch_if(&caller, &id, now.header("etag"), json!({"status": "w"})).await.is(412);
        patch_if(&caller, "no-such-id", "*", json!({"status": "w"})).await.is(404);
        let now = caller.read(&id).await.header("etag").to_owned();
        let unless = |method, tag: &str| {
            let call = caller.call(method, &format!("/partyInteraction/{id}"));
            call.header("if-none-match", tag).body("application/json", "{}").send()
        };
        for (tag, status) in [(now.as_str(), 412), ("*", 412), ("tag", 400)] {
            unless(Method::PATCH, tag).await.is(status);
            unless(Method::DELETE, tag).await.is(status);
        }
        unless(Method::PATCH, &old).await.is(200);
        let call = caller.call(Method::DELETE, &format!("/partyInteraction/{id}"));
        call.header("if-match", "*").header("if-none-match", &old).send().await.is(204);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_none_match_spares_the_body() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["etag.none-match"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let tag = made.header("etag").to_owned();
        let weak = format!("W/{tag}");
        let among = format!("\"x\", {tag}");
        let path = format!("/partyInteraction/{}", made.id());
        let get = |tag: &str| caller.call(Method::GET, &path).header("if-none-match", tag).send();
        for (tag, status) in [
            (tag.as_str(), 304),
            (&weak, 304),
            (&among, 304),
            ("*", 304),
            ("\"x\"", 200),
            ("tag", 400),
        ] {
            get(tag).await.is(status);
        }
        caller.patch(&made.id(), &json!({"status": "x"})).await.is(200);
        assert_eq!(get(&tag).await.is(200).text_at("/status"), "x");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_that_meet_all_survive() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.meeting"]);
        let caller = server.through(api).await;
        let id = caller.create_sample("call").await.id();
        let names: Vec<String> = (0..16).map(|number| format!("agent{number}")).collect();
        let patches = names.iter().map(|name| {
            let (caller, id, patch) = (caller.clone(), id.clone(), json!({ name: 1 }));
            tokio::spawn(async move { caller.patch(&id, &patch).await.is(200) })
        });
        let answers = join_all(patches).await;
        let tags = answers.iter().map(|answer| answer.as_ref().unwrap().header("etag"));
        assert_eq!(tags.collect::<std::collections::BTreeSet<_>>().len(), names.len());
        let read = caller.read(&id).await.is(200);
        for name in &names {
            assert_eq!(read.member(&format!("/{name}")), 1, "{read}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_that_meet_are_all_there_once() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let creates = (0..32).map(|number| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.create_sample(&format!("{api} {number}")).await.id() })
        });
        let mut made: Vec<String> =
            join_all(creates).await.into_iter().map(Result::unwrap).collect();
        let list = caller.get("/partyInteraction?limit=1000").await.is(200);
        made.sort();
        let mut listed: Vec<String> =
            list.ids().into_iter().filter(|id| made.contains(id)).collect();
        listed.sort();
        assert_eq!(listed, made);
    }
    server.stop().await;
}

/// Agents that add a note to one interaction at once.
const AGENTS: usize = 64;

/// Adds a note the way a client without JSON Patch must: read, append, write under the ETag, and
/// again from the start when somebody was faster.
async fn add_note(caller: &Caller, id: &str, note: Value) {
    // Each failure is somebody else's success, so this many tries are enough for everybody.
    for _ in 0..AGENTS {
        let read = caller.read(id).await.is(200);
        let mut notes = read.member("/note");
        notes.as_array_mut().unwrap().push(note.clone());
        let answer = patch_if(caller, id, read.header("etag"), json!({ "note": notes })).await;
        match answer.status {
            412 => {}
            _ => return drop(answer.is(200)),
        }
    }
    panic!("never first: {note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_agents_with_tags_none_loses_a_note() {
    let server = TestServer::start().await;
    let mut callers = Vec::new();
    for api in APIS {
        callers.push(server.through(api).await);
    }
    let mut body = callers[0].api.sample("call");
    body["note"] = json!([]);
    let id = callers[0].create(&body).await.id();
    let agents = (0..AGENTS).map(|number| {
        let (caller, id) = (callers[number % callers.len()].clone(), id.clone());
        let note = caller.api.note(&number.to_string(), "seen");
        tokio::spawn(async move { add_note(&caller, &id, note).await })
    });
    join_all(agents).await.into_iter().for_each(Result::unwrap);
    let notes = callers[0].read(&id).await.is(200).member("/note");
    let ids = notes.as_array().unwrap().iter().map(|note| note["id"].as_str().unwrap());
    let mut numbers: Vec<usize> = ids.map(|id| id.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..AGENTS).collect::<Vec<_>>());
    server.stop().await;
}
