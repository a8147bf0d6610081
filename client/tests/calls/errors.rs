//! What went wrong, as the caller sees it.

use super::*;

async fn error(status: u16, headers: &[&str], body: &str) -> Error {
    let server = Server::start([answer(status, headers, body)]).await;
    quick(&server).attempts(1).build().unwrap().retrieve("1").await.unwrap_err()
}

#[tokio::test]
async fn show_the_tmf_error() {
    let body = r#"{"code": "60", "reason": "Not known", "message": "/id: 1", "more": true}"#;
    let failed = error(404, &[], body).await;
    assert!(failed.is_not_found());
    assert_eq!(failed.to_string(), "404 Not Found: code 60: Not known: /id: 1");
    let tmf = failed.tmf_error().unwrap();
    assert_eq!(tmf.code.as_deref(), Some("60"));
    assert_eq!(tmf.members["more"], true);
}

#[tokio::test]
async fn keep_status_and_text_of_other_bodies() {
    let failed = error(502, &[], "<html>no backend</html>").await;
    assert_eq!(failed.to_string(), "502 Bad Gateway: <html>no backend</html>");
    let failed = error(412, &[], "").await;
    assert!(failed.is_precondition_failed());
    let failed = error(409, &[], r#"{"code": 17, "status": 409}"#).await;
    assert_eq!((failed.is_conflict(), failed.to_string()), (true, "409 Conflict: code 17".into()));
    let failed = error(500, &[], &"x".repeat(100_000)).await;
    assert!(failed.to_string().len() < 3000);
}

#[tokio::test]
async fn redirects_are_errors() {
    let failed = error(302, &["Location: http://elsewhere/"], "").await;
    assert_eq!(failed.to_string(), "302 Found");
}

#[tokio::test]
async fn answers_that_cannot_be_read() {
    let failed = error(200, &[], "[1]").await;
    assert!(matches!(&failed, Error::Decode { status: 200, body, .. } if body == "[1]"));
    let failed = error(204, &[], "").await;
    assert!(matches!(failed, Error::Decode { status: 204, .. }));
}

#[tokio::test]
async fn broken_connections_do_not_show_filters() {
    let server = Server::start([Canned::Break]).await;
    let client = quick(&server).attempts(1).build().unwrap();
    let query = ListQuery::new().filter("relatedParty.name", "Ada");
    let failed = client.list(query).page(0, 1).await.unwrap_err();
    assert!(matches!(failed, Error::Transport(_)) && !format!("{failed:?}").contains("Ada"));
}
