//! The event log as the client reads it, against a server that gives canned answers.

use std::time::Duration;

use futures::TryStreamExt;
use tmf683_client::{EventQuery, v4, v5};

use super::canned::{Server, answer};

const EVENT: &str = r#"[{"eventId": "e", "eventType": "PartyInteractionCreateEvent", "title": "x",
    "event": {"partyInteraction": {"id": "1"}}}]"#;

#[tokio::test]
async fn pages_follow_the_link_and_wait_at_the_end() {
    let page = |next: &str, body: &str| {
        let link = format!("Link: </elsewhere?eventType=x&since={next}>; rel=\"next\"");
        answer(200, &[&link], body)
    };
    let server = Server::start([
        page("a%2B1", EVENT),
        page("a%2B2", "[]"),
        page("a%2B2", "[]"),
        page("a%2B3", EVENT),
        answer(410, &[], ""),
    ])
    .await;
    let client = v5::Client::connect(&server.base()).unwrap();
    let query = EventQuery::new().filter("eventType", "x").page_size(1);
    let mut pages = client.events(query.poll_every(Duration::ZERO)).stream();
    let mut found = Vec::new();
    let error = loop {
        match pages.try_next().await {
            Ok(page) => found.push(page.unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.status(), Some(410));
    assert!(pages.try_next().await.unwrap().is_none());
    let cursors: Vec<_> = found.iter().map(|page| page.cursor.as_deref().unwrap()).collect();
    assert_eq!(cursors, ["a+1", "a+2", "a+3"]);
    let event = &found[2].events[0];
    let interaction = event.event.as_ref().unwrap().party_interaction.as_ref().unwrap();
    assert_eq!((event.event_id.as_deref(), interaction.id.as_deref()), (Some("e"), Some("1")));
    assert_eq!(
        server.lines(),
        [
            "GET /v5/events?eventType=x&limit=1",
            "GET /v5/events?eventType=x&since=a%2B1&limit=1",
            "GET /v5/events?eventType=x&since=a%2B2&limit=1",
            "GET /v5/events?eventType=x&since=a%2B2&limit=1",
            "GET /v5/events?eventType=x&since=a%2B3&limit=1",
        ]
    );
}

#[tokio::test]
async fn a_server_that_does_not_say_how_to_go_on_is_read_once() {
    let server = Server::start([answer(200, &[], EVENT), answer(200, &[], EVENT)]).await;
    let client = v4::Client::connect(&server.base()).unwrap();
    let pages = client.events(EventQuery::new().since("7")).stream();
    assert_eq!(pages.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let page = client.events(EventQuery::new()).page().await.unwrap();
    assert_eq!((page.events.len(), page.cursor), (1, None));
    assert_eq!(server.lines(), ["GET /v5/events?since=7", "GET /v5/events"]);
}
