//! Bearer tokens.

use super::*;

#[tokio::test]
async fn are_asked_for_before_every_attempt() {
    let again = answer(503, &[], "");
    let server = Server::start([again, answer(200, &[], &interaction("1"))]).await;
    let calls = AtomicUsize::new(0);
    let token = move || format!("t{}", calls.fetch_add(1, Ordering::Relaxed));
    let client = quick(&server).bearer_token_with(token).build().unwrap();
    client.retrieve("1").await.unwrap();
    let sent: Vec<_> = server.received();
    let sent: Vec<_> = sent.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(sent, [Some("Bearer t0"), Some("Bearer t1")]);
}

#[tokio::test]
async fn are_never_shown_and_never_broken() {
    let server = Server::start([]).await;
    let builder = quick(&server).bearer_token("s3cret");
    assert!(!format!("{builder:?}").contains("s3cret"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("s3cret"));
    let failed = quick(&server).bearer_token("s3\ncret").build().unwrap_err();
    assert!(matches!(failed, Error::InvalidToken) && !format!("{failed:?}").contains("s3"));
    let client = quick(&server).bearer_token_with(|| "s3\ncret".to_owned()).build().unwrap();
    assert!(matches!(client.retrieve("1").await.unwrap_err(), Error::InvalidToken));
    assert_eq!(server.lines().len(), 0);
}
