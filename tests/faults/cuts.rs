//! A connection that is cut in the middle of a transaction, before its commit or after it: nothing is
//! half done, and who repeats what was not answered has it done once.

use crate::proxy::{Moment, Proxy};
use crate::scene::{cluster, creates_told, is_installed, is_unavailable, reasons, server, through};
use harness::{Answer, Caller, shows};
use reqwest::Method;
use serde_json::json;

const MOMENTS: [Moment; 3] = [Moment::Within, Moment::BeforeCommit, Moment::AfterCommit];

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_made_once_wherever_it_was_cut() {
    if !is_installed() {
        return;
    }
    shows!(["database.once"]);
    let cluster = cluster(&[]);
    let proxy = Proxy::to(&cluster).await;
    let server = server(&proxy.url()).await;
    let caller = through(&server).await;
    let mut expected = Vec::new();
    for (moment, round) in MOMENTS.into_iter().zip(1..) {
        for count in [1, 2] {
            let word = format!("cut-{moment:?}-{count}");
            proxy.cut(&word, moment);
            is_unavailable(create(&caller, &word, count).await, "cannot be reached");
            assert!(proxy.has_cut());
            // All of it or nothing.
            let found = reasons(&caller).await.into_iter().filter(|(reason, _)| *reason == word);
            let found: Vec<_> = found.collect();
            let made = create(&caller, &word, count).await;
            assert!([200, 201].contains(&made.status), "{made}");
            let ids = if count == 1 { vec![made.id()] } else { made.ids() };
            assert_eq!(ids.len(), count);
            let is_done = moment == Moment::AfterCommit;
            assert_eq!(found.len(), if is_done { count } else { 0 }, "{word}: {found:?}");
            expected.extend(ids.into_iter().map(|id| (word.clone(), id)));
        }
        assert_eq!(expected.len(), round * 3);
    }
    expected.sort();
    assert_eq!(reasons(&caller).await, expected);
    let told = creates_told(&caller).await;
    assert_eq!(told, expected.into_iter().map(|(_, id)| id).collect());
    server.stop().await;
}

/// Creates one or several, with a key.
async fn create(caller: &Caller, reason: &str, count: usize) -> Answer {
    let sample = caller.api.sample(reason);
    let (method, media_type, body) = if count == 1 {
        (Method::POST, "application/json", sample)
    } else {
        let add = json!({"op": "add", "path": "/", "value": sample});
        (Method::PATCH, "application/json-patch+json", json!(vec![add; count]))
    };
    let call = caller.call(method, "/partyInteraction").header("idempotency-key", reason);
    call.body(media_type, body.to_string()).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_made_once_wherever_it_was_cut() {
    if !is_installed() {
        return;
    }
    shows!(["database.once"]);
    let cluster = cluster(&[]);
    let proxy = Proxy::to(&cluster).await;
    let server = server(&proxy.url()).await;
    let caller = through(&server).await;
    for moment in MOMENTS {
        let made = caller.create_sample("before").await;
        let word = format!("cut-{moment:?}");
        let (path, tag) = (format!("/partyInteraction/{}", made.id()), made.header("etag"));
        let change = async || {
            let call = caller.call(Method::PATCH, &path).header("if-match", tag);
            let patch = json!({ "reason": word }).to_string();
            call.body("application/merge-patch+json", patch).send().await
        };
        proxy.cut(&word, moment);
        is_unavailable(change().await, "cannot be reached");
        assert!(proxy.has_cut());
        let is_done = moment == Moment::AfterCommit;
        let found = caller.read(&made.id()).await.is(200).text_at("/reason");
        assert_eq!(found, if is_done { &word } else { "before" });
        // Whoever is told that the tag is no longer good finds the change there.
        change().await.is(if is_done { 412 } else { 200 });
        let now = caller.read(&made.id()).await.is(200);
        assert_eq!(now.text_at("/reason"), word);
        let deleted = caller.call(Method::DELETE, &path).header("if-match", now.header("etag"));
        deleted.send().await.is(204);
    }
    // Created, changed, deleted: each once.
    let events = caller.get("/events?since=0").await.is(200);
    assert_eq!(events.json().as_array().unwrap().len(), MOMENTS.len() * 3, "{events}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_were_cut_are_made_again() {
    if !is_installed() {
        return;
    }
    shows!(["database.back"]);
    let cluster = cluster(&[]);
    let proxy = Proxy::to(&cluster).await;
    let server = server(&proxy.url()).await;
    let caller = through(&server).await;
    let id = caller.create_sample("call").await.id();
    for _ in 0..5 {
        proxy.cut_all();
        crate::scene::recovers(&caller).await;
        caller.read(&id).await.is(200);
    }
    server.stop().await;
}
