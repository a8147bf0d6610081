//! Following `next` while others write: nothing twice, nothing left out that was there throughout,
//! whatever the order. (TMF630 "Paging")

use harness::{APIS, Api, Caller, TestServer, shows};
use std::collections::BTreeSet;

/// Interactions that stay, and as many between them that go.
const STAYING: usize = 12;

/// Orders in which what stays has a place for good.
const ORDERS: [&str; 5] =
    ["", "&sort=creationDate", "&sort=-creationDate", "&sort=reason", "&sort=-id"];

/// What follows `next` from `url` on, calling `meanwhile` after each page.
async fn turned(caller: &Caller, url: String, mut meanwhile: impl AsyncFnMut()) -> Vec<String> {
    let (mut seen, mut next) = (Vec::new(), Some(url));
    while let Some(url) = next {
        let page = caller.get_url(&url).await.is(200);
        seen.extend(page.ids());
        next = page.link("next");
        meanwhile().await;
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_is_seen_once_while_others_come_and_go() {
    for api in APIS {
        shows!(api, ["paging.steady"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        for (number, order) in ORDERS.into_iter().enumerate() {
            // Each order has a list of its own.
            let status = format!("s{number}");
            let made = async |reason: &str| {
                let mut body = api.sample(reason);
                body["status"] = status.as_str().into();
                caller.create(&body).await.is(201).id()
            };
            let (mut staying, mut going) = (BTreeSet::new(), Vec::new());
            for number in 0..STAYING {
                going.push(made(&format!("reason {number}")).await);
                staying.insert(made(&format!("reason {number}")).await);
            }
            let url = format!("{}/partyInteraction?status={status}&limit=5{order}", caller.root());
            // The oldest go first, which moves every offset in a rising order; new ones come at the
            // end, which moves every offset in a falling one. Not for ever, or nobody would arrive.
            let mut going = going.into_iter();
            let mut coming = ["a", "reason 5", "z"].repeat(3).into_iter();
            let seen = turned(&caller, url, async || {
                for id in going.by_ref().take(3) {
                    caller.delete(&format!("/partyInteraction/{id}")).await.is(204);
                }
                for reason in coming.by_ref().take(3) {
                    made(reason).await;
                }
            })
            .await;
            let distinct: BTreeSet<_> = seen.iter().cloned().collect();
            assert_eq!(distinct.len(), seen.len(), "{api} {order}: twice");
            let missing: Vec<_> = staying.difference(&distinct).collect();
            assert!(missing.is_empty(), "{api} {order}: {missing:?}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_order_in_every_version() {
    let server = TestServer::start().await;
    let v5 = server.through(Api::V5).await;
    for number in 0..4 {
        v5.create_sample(&format!("reason {number}")).await;
    }
    for api in APIS {
        let caller = server.through(api).await;
        let first = caller.get("/partyInteraction?limit=2&sort=-reason").await.is(200);
        let next = first.link("next").unwrap();
        assert_eq!(caller.get_url(&next).await.is(200).each("reason"), ["reason 1", "reason 0"]);
        let (_, cursor) = next.split_once("cursor=").unwrap();
        for other in ["", "sort=reason&", "sort=-status&", "sort=-reason,status&"] {
            let list = caller.get(&format!("/partyInteraction?{other}cursor={cursor}")).await;
            list.refuses(400, "cursor");
        }
        let (cut, _) = cursor.split_at(cursor.len() - 1);
        let list = caller.get(&format!("/partyInteraction?sort=-reason&cursor={cut}")).await;
        list.refuses(400, "cursor");
        let rest = caller.get(&format!("/partyInteraction?sort=-reason&cursor={cursor}")).await;
        assert_eq!((rest.header("x-total-count"), rest.header("x-result-count")), ("4", "2"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_too_long_for_a_url_are_turned_by_offset() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let long = "x".repeat(2000);
        let mut ids = BTreeSet::new();
        for _ in 0..3 {
            ids.insert(caller.create_sample(&long).await.id());
        }
        let query = format!("limit=1&sort=-reason&reason={long}&relatedParty.role=customer");
        let first = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
        let next = first.link("next").unwrap();
        assert!(!next.contains("cursor"), "{first}");
        let seen = turned(&caller, next, async || ()).await;
        assert_eq!(seen.len(), first.header("x-total-count").parse::<usize>().unwrap() - 1);
        assert!(!seen.contains(&first.ids()[0]));
    }
    server.stop().await;
}
