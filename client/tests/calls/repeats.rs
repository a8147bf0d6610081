//! What is repeated, how often and when; and what never is.

use super::*;

#[tokio::test]
async fn reads_survive_what_passes() {
    let works = answer(200, &[], &interaction("1"));
    let server = Server::start([answer(503, &[], "busy"), Canned::Break, works]).await;
    quick(&server).build().unwrap().retrieve("1").await.unwrap();
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn end_after_the_last_attempt() {
    let busy = || answer(429, &[], r#"{"code": "busy", "reason": "Too many"}"#);
    let server = Server::start([busy(), busy(), busy(), busy()]).await;
    let failed = quick(&server).build().unwrap().retrieve("1").await.unwrap_err();
    assert_eq!((failed.status(), failed.is_retryable()), (Some(429), true));
    assert_eq!(server.lines().len(), 3);

    let server = Server::start([busy(), busy()]).await;
    let client = quick(&server).attempts(1).build().unwrap();
    client.retrieve("1").await.unwrap_err();
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn are_not_for_what_stays_wrong() {
    for status in [400, 404, 409, 412, 500, 501] {
        let server = Server::start([answer(status, &[], "")]).await;
        let failed = quick(&server).build().unwrap().retrieve("1").await.unwrap_err();
        assert_eq!((failed.status(), server.lines().len()), (Some(status), 1));
    }
}

#[tokio::test]
async fn are_not_for_calls_that_do_more_when_repeated() {
    let server = Server::start([answer(503, &[], ""), Canned::Break, Canned::Break]).await;
    let client = quick(&server).build().unwrap();
    client.create(&new_interaction()).await.unwrap_err();
    let failed = client.patch("1", &json!({})).if_match("*").await.unwrap_err();
    assert!(matches!(failed, Error::Transport(_)), "{failed}");
    let nothing = types::JsonPatchOperations(vec![]);
    client.json_patch("1", &nothing).await.unwrap_err();
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn merge_patches_are_repeated_as_they_were() {
    let works = answer(200, &[], &interaction("1"));
    let server = Server::start([Canned::Break, works]).await;
    let client = quick(&server).build().unwrap();
    client.patch("1", &json!({"reason": "line"})).await.unwrap();
    let bodies: Vec<_> = server.received().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [r#"{"reason":"line"}"#; 2]);
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_has_worked() {
    let server = Server::start([Canned::Break, answer(404, &[], "")]).await;
    quick(&server).build().unwrap().delete("1").await.unwrap();
    assert_eq!(server.lines().len(), 2);

    let server = Server::start([answer(404, &[], "")]).await;
    let failed = quick(&server).build().unwrap().delete("1").await.unwrap_err();
    assert!(failed.is_not_found());
}

#[tokio::test]
async fn any_call_is_repeated_where_nobody_listened() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v5", free.local_addr().unwrap());
    drop(free);
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&calls);
    let token = move || counted.fetch_add(1, Ordering::Relaxed).to_string();
    let builder = Client::builder(&base).longest_wait(MS(5)).bearer_token_with(token);
    let failed = builder.build().unwrap().create(&new_interaction()).await.unwrap_err();
    assert!(matches!(failed, Error::Transport(_)), "{failed}");
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn wait_as_long_as_the_server_asks_within_bounds() {
    let busy_body = std::cell::Cell::new(r#"{"code": "503", "reason": "busy"}"#);
    let busy = |wait| answer(503, &[wait], busy_body.get());
    let works = || answer(200, &[], &interaction("1"));
    let timed = async |wait, longest| {
        let server = Server::start([busy(wait), works()]).await;
        let client = Client::builder(&server.base()).longest_wait(longest).build().unwrap();
        let begun = Instant::now();
        client.retrieve("1").await.unwrap();
        begun.elapsed()
    };
    assert!(timed("Retry-After: 1", MS(5000)).await >= MS(1000));
    busy_body.set("");
    assert!(timed("Retry-After: 1", MS(5000)).await >= MS(1000));
    busy_body.set("<html>");
    assert!(timed("Retry-After: 3600", MS(50)).await < MS(5000));
    assert!(timed("Retry-After: soon", MS(50)).await < MS(5000));
}

#[tokio::test]
async fn end_with_the_timeout() {
    let busy = answer(503, &["Retry-After: 60"], r#"{"reason": "busy"}"#);
    let server = Server::start([busy, Canned::Hang]).await;
    let builder = Client::builder(&server.base()).longest_wait(MS(60_000)).timeout(MS(300));
    let client = builder.build().unwrap();
    let begun = Instant::now();
    let failed = client.retrieve("1").await.unwrap_err();
    assert_eq!(failed.status(), Some(503), "a wait that cannot end in time is not begun");
    assert!(begun.elapsed() < MS(300));

    let failed = client.retrieve("1").await.unwrap_err();
    assert!(matches!(failed, Error::Timeout { after } if after == MS(300)), "{failed}");
    assert_eq!(failed.to_string(), "no answer within 300 ms");
    assert_eq!(server.lines().len(), 2);
}
