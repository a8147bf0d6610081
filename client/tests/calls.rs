//! The client against canned servers: what it sends, what it repeats, how it reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod canned;
mod events;
mod notations;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canned::{Canned, Server, answer};
use futures::TryStreamExt;
use serde_json::{Value, json};
use tmf683_client::v5::{Client, types};
use tmf683_client::{Builder, Error, ListQuery, v4};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn quick(server: &Server) -> Builder<Client> {
    Client::builder(&server.base()).longest_wait(MS(20))
}

fn interaction(id: &str) -> String {
    json!({"id": id, "@type": "PartyInteraction", "reason": "bill"}).to_string()
}

fn page(ids: &[&str]) -> String {
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    Value::Array(items).to_string()
}

fn new_interaction() -> types::PartyInteractionFvo {
    serde_json::from_value(json!({"@type": "PartyInteraction", "reason": "bill"})).unwrap()
}

async fn ids(client: &Client, query: ListQuery) -> Result<Vec<String>, Error> {
    let ids = client.list(query).stream().map_ok(|one| one.id.unwrap_or_default());
    ids.try_collect().await
}

mod calls {
    use super::*;

    #[tokio::test]
    async fn bodies_media_types_and_preconditions() {
        let etag = r#"ETag: "7""#;
        let shown = || answer(200, &[etag], &interaction("1"));
        let empty = || answer(204, &[], "");
        let created = answer(201, &[etag], &interaction("1"));
        let server = Server::start([created, shown(), shown(), shown(), shown(), empty()]).await;
        let client = Client::connect(&format!("{}/", server.base())).unwrap();

        let created = client.create(&new_interaction()).await.unwrap();
        assert_eq!((created.id.as_deref(), created.etag.as_deref()), (Some("1"), Some(r#""7""#)));
        client.retrieve("a/b").fields("id,reason").await.unwrap();
        client.patch("1", &json!({"status": null})).if_match(r#""7""#).await.unwrap();
        let operations: types::JsonPatchOperations =
            serde_json::from_value(json!([{"op": "remove", "path": "/note/0"}])).unwrap();
        client.json_patch("1", &operations).fields("note").await.unwrap();
        client.json_patch_query("1", &operations).if_match(r#""7""#).await.unwrap();
        client.delete("1").if_match(r#""7""#).await.unwrap();

        assert_eq!(
            server.lines(),
            [
                "POST /v5/partyInteraction",
                "GET /v5/partyInteraction/a%2Fb?fields=id%2Creason",
                "PATCH /v5/partyInteraction/1",
                "PATCH /v5/partyInteraction/1?fields=note",
                "PATCH /v5/partyInteraction/1",
                "DELETE /v5/partyInteraction/1",
            ]
        );
        let received = server.received();
        let of = |name| {
            received.iter().map(|request| request.header(name).unwrap_or("-")).collect::<Vec<_>>()
        };
        assert_eq!(
            of("content-type"),
            [
                "application/json",
                "-",
                "application/merge-patch+json",
                "application/json-patch+json",
                "application/json-patch-query+json",
                "-",
            ]
        );
        assert_eq!(of("if-match"), ["-", "-", r#""7""#, "-", r#""7""#, r#""7""#]);
        assert!(of("user-agent").iter().all(|agent| agent.starts_with("tmf683-client/")));
        assert_eq!(received[2].body, r#"{"status":null}"#);
    }

    #[tokio::test]
    async fn an_unchanged_record_is_none() {
        let changed = answer(200, &[r#"ETag: "8""#], &interaction("1"));
        let server = Server::start([answer(304, &[], ""), changed]).await;
        let client = quick(&server).build().unwrap();
        assert_eq!(client.retrieve_if_changed("1", r#""7""#).await.unwrap(), None);
        let changed = client.retrieve_if_changed("1", r#""7""#).await.unwrap().unwrap();
        assert_eq!(changed.etag.as_deref(), Some(r#""8""#));
        assert_eq!(server.received()[0].header("if-none-match"), Some(r#""7""#));
    }

    #[tokio::test]
    async fn subscriptions_and_notifications_of_both_versions() {
        let subscription = || answer(201, &[], r#"{"id": "s", "callback": "http://me"}"#);
        let empty = |status| answer(status, &[], "");
        let answers = [subscription(), empty(204), empty(204), empty(201), empty(200), empty(200)];
        let server = Server::start(answers).await;
        let client = quick(&server).build().unwrap();
        let hub = json!({"@type": "Hub", "callback": "http://me"});
        let made = client.subscribe(&serde_json::from_value(hub.clone()).unwrap()).await.unwrap();
        client.unsubscribe(made.id.as_deref().unwrap()).await.unwrap();
        let event = json!({"eventId": "e", "event": {"partyInteraction": {"id": "1"}}});
        let of = || event.clone();
        client.notify_created(&serde_json::from_value(of()).unwrap()).await.unwrap();
        client.notify_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
        client.notify_status_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
        client.notify_deleted(&serde_json::from_value(of()).unwrap()).await.unwrap();

        let answers = [subscription(), empty(204), empty(204), empty(201), empty(200), empty(200)];
        let older = Server::start(answers).await;
        let client = v4::Client::connect(&older.base()).unwrap();
        client.subscribe(&serde_json::from_value(hub).unwrap()).await.unwrap();
        client.unsubscribe("s").await.unwrap();
        client.notify_created(&serde_json::from_value(of()).unwrap()).await.unwrap();
        client.notify_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
        client.notify_status_changed(&serde_json::from_value(of()).unwrap()).await.unwrap();
        client.notify_deleted(&serde_json::from_value(of()).unwrap()).await.unwrap();

        let expected = [
            "POST /v5/hub",
            "DELETE /v5/hub/s",
            "POST /v5/listener/partyInteractionCreateEvent",
            "POST /v5/listener/partyInteractionAttributeValueChangeEvent",
            "POST /v5/listener/partyInteractionStatusChangeEvent",
            "POST /v5/listener/partyInteractionDeleteEvent",
        ];
        assert_eq!(server.lines(), expected);
        assert_eq!(older.lines(), expected);
    }

    #[tokio::test]
    async fn identifiers_that_address_something_else_are_not_sent() {
        let server = Server::start([]).await;
        let client = quick(&server).build().unwrap();
        for id in ["", ".", "..", "..\\hub"] {
            let failed = client.delete(id).await.unwrap_err();
            assert!(matches!(failed, Error::InvalidRequest(_)), "{id}: {failed}");
        }
        let failed = client.delete("1").if_match("a\nb").await.unwrap_err();
        assert!(matches!(failed, Error::InvalidRequest(_)), "{failed}");
        assert_eq!(server.lines().len(), 0);
    }
}

mod tokens {
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
}

mod repeats {
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
}

mod errors {
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
        assert_eq!(
            (failed.is_conflict(), failed.to_string()),
            (true, "409 Conflict: code 17".into())
        );
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
}

mod lists {
    use super::*;

    #[tokio::test]
    async fn one_page() {
        let headers = ["X-Total-Count: 7", "X-Result-Count: 2", r#"Link: <?offset=4>; rel="next""#];
        let server = Server::start([answer(200, &headers, &page(&["3", "4"]))]).await;
        let client = quick(&server).build().unwrap();
        let query = ListQuery::new()
            .filter("relatedParty.name", "Ada & Bob")
            .filters([("customMember", "x"), ("customMember", "y")])
            .sort("-creationDate")
            .fields("reason");
        let page = client.list(query).page(2, 2).await.unwrap();
        assert_eq!((page.items.len(), page.total, page.count), (2, Some(7), 2));
        assert_eq!(page.next, Some(format!("{}/partyInteraction?offset=4", server.base())));
        assert_eq!(
            server.lines(),
            ["GET /v5/partyInteraction?relatedParty.name=Ada+%26+Bob&customMember=x\
              &customMember=y&sort=-creationDate&fields=reason&offset=2&limit=2"]
        );
    }

    #[tokio::test]
    async fn links_are_followed_to_the_last() {
        let next = r#"Link: </rewritten?cursor=a%2Bb&status=x>; rel="next""#;
        let first = answer(200, &[next], &page(&["1", "2"]));
        let server = Server::start([first, answer(200, &[], &page(&["3"]))]).await;
        let client = quick(&server).build().unwrap();
        let query = ListQuery::new().filter("status", "x").page_size(2);
        assert_eq!(ids(&client, query).await.unwrap(), ["1", "2", "3"]);
        assert_eq!(
            server.lines(),
            [
                "GET /v5/partyInteraction?status=x&limit=2",
                "GET /v5/partyInteraction?cursor=a%2Bb&status=x",
            ]
        );
    }

    #[tokio::test]
    async fn links_to_other_origins_are_not_followed() {
        let elsewhere = Server::start([]).await;
        let link = format!(r#"Link: <{}/partyInteraction?offset=1>; rel="next""#, elsewhere.base());
        let first = answer(200, &[&link, "X-Total-Count: 2"], &page(&["1"]));
        let second = answer(200, &["X-Total-Count: 2"], &page(&["2"]));
        let server = Server::start([first, second]).await;
        let client = quick(&server).bearer_token("s3cret").build().unwrap();
        assert_eq!(ids(&client, ListQuery::new().page_size(1)).await.unwrap(), ["1", "2"]);
        assert_eq!(server.lines()[1], "GET /v5/partyInteraction?offset=1&limit=1");
        assert_eq!(elsewhere.lines().len(), 0);
    }

    #[tokio::test]
    async fn without_links_offsets_count_on_to_an_empty_page() {
        let pages = [page(&["1", "2"]), page(&["3"]), page(&[])];
        let server = Server::start(pages.map(|body| answer(200, &[], &body))).await;
        let client = quick(&server).build().unwrap();
        let query = ListQuery::new().page_size(5);
        assert_eq!(ids(&client, query).await.unwrap(), ["1", "2", "3"]);
        let lines = server.lines();
        let offsets: Vec<_> = lines.iter().filter_map(|line| line.split('?').nth(1)).collect();
        assert_eq!(offsets, ["limit=5", "offset=2&limit=5", "offset=3&limit=5"]);
    }

    #[tokio::test]
    async fn an_empty_page_ends_it_whatever_the_link_says() {
        let next = r#"Link: <?offset=9>; rel="next""#;
        let server = Server::start([answer(200, &[next], "[]")]).await;
        let client = quick(&server).build().unwrap();
        assert_eq!(ids(&client, ListQuery::new()).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn servers_that_ignore_offset_are_found_out() {
        let same = || answer(200, &[], &page(&["1", "2"]));
        let server = Server::start([same(), same(), same()]).await;
        let client = quick(&server).build().unwrap();
        let failed = ids(&client, ListQuery::new()).await.unwrap_err();
        assert!(matches!(failed, Error::RepeatedPage { offset: 2 }), "{failed}");

        let circle = r#"Link: <?cursor=1>; rel="next""#;
        let of = |id| answer(200, &[circle], &page(&[id]));
        let server = Server::start([of("1"), of("2"), answer(200, &[], "[]")]).await;
        let client = quick(&server).build().unwrap();
        assert_eq!(ids(&client, ListQuery::new()).await.unwrap(), ["1", "2"]);
    }

    #[tokio::test]
    async fn a_failing_page_ends_the_stream() {
        let first = answer(200, &["X-Total-Count: 2"], &page(&["1"]));
        let refused = answer(400, &[], r#"{"code": "20", "reason": "no such offset"}"#);
        let server = Server::start([first, refused]).await;
        let client = quick(&server).build().unwrap();
        let mut stream = client.list(ListQuery::new()).stream();
        assert!(stream.try_next().await.unwrap().is_some());
        assert_eq!(stream.try_next().await.unwrap_err().status(), Some(400));
        assert!(stream.try_next().await.unwrap().is_none());
    }
}

mod other_vendors {
    use super::*;

    #[tokio::test]
    async fn missing_and_unknown_members_are_read() {
        let body = json!({
            "id": "1",
            "vendorScore": {"value": 7},
            "relatedParty": [
                {"role": "customer", "partyOrPartyRole": {"id": "42", "vip": true}},
                {"role": "agent", "partyOrPartyRole": {"@type": "Robot", "model": "R2"}},
            ],
            "relatedChannel": [{"channel": {"name": "shop"}}],
            "attachment": [{"name": "photo"}],
            "note": null,
            "creationDate": "yesterday",
        });
        let server = Server::start([answer(200, &[], &body.to_string())]).await;
        let client = quick(&server).build().unwrap();
        let read = client.retrieve("1").await.unwrap();
        assert_eq!((read.type_.as_deref(), read.etag.as_deref()), (None, None));
        assert_eq!(read.extra["vendorScore"], json!({"value": 7}));
        let mut expected = body;
        expected.as_object_mut().unwrap().remove("note");
        assert_eq!(serde_json::to_value(&read.body).unwrap(), expected);
    }

    #[cfg(feature = "exact-numbers")]
    #[tokio::test]
    async fn numbers_keep_their_spelling() {
        let body = r#"{"id":"1","price":0.10,"serial":36893488147419103232}"#;
        let server = Server::start([answer(200, &[], body)]).await;
        let read = quick(&server).build().unwrap().retrieve("1").await.unwrap();
        assert_eq!(serde_json::to_string(&read.body).unwrap(), body);
    }

    #[tokio::test]
    async fn any_2xx_is_a_success() {
        let partial = answer(206, &["X-Total-Count: 1"], &page(&["1"]));
        let answers = [
            answer(200, &[r#"ETag: "1""#], &interaction("1")),
            answer(201, &[], &interaction("1")),
            answer(200, &[], &interaction("1")),
            partial,
        ];
        let server = Server::start(answers).await;
        let client = quick(&server).build().unwrap();
        let created = client.create(&new_interaction()).await.unwrap();
        assert_eq!(created.etag.as_deref(), Some(r#""1""#));
        client.patch("1", &json!({})).await.unwrap();
        client.delete("1").await.unwrap();
        assert_eq!(ids(&client, ListQuery::new()).await.unwrap(), ["1"]);
    }
}
