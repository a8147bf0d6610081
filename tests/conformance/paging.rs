//! Lists in pages: `offset`, `limit`, counts, `Link`, order, and `fields`. (TMF630 "Paging", "fields")

use harness::{APIS, Answer, Caller, TestServer, Version, shows};
use serde_json::json;

/// How many interactions there are to turn pages in.
const TOTAL: usize = 7;

async fn filled(caller: &Caller) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..TOTAL {
        ids.push(caller.create_sample(&format!("call {number}")).await.id());
    }
    ids
}

#[track_caller]
fn counts(answer: &Answer) -> (usize, usize) {
    let count = |name: &str| answer.header(name).parse().unwrap();
    (count("x-total-count"), count("x-result-count"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_the_list() {
    for api in APIS {
        shows!(
            api,
            [
                "paging.window",
                "paging.total",
                "paging.result",
                "paging.count-only",
                "paging.past-the-end",
                "paging.all",
                "sort.default"
            ]
        );
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let ids = filled(&caller).await;
        for (query, expected) in [
            ("", 0..7),
            ("?offset=0", 0..7),
            ("?limit=3", 0..3),
            ("?offset=2&limit=3", 2..5),
            ("?limit=3&offset=5", 5..7),
            ("?offset=5", 5..7),
            ("?limit=0", 0..0),
            ("?limit=100", 0..7),
            ("?offset=7", 0..0),
            ("?offset=7&limit=2", 0..0),
            ("?offset=18446744073709551615&limit=18446744073709551615", 0..0),
        ] {
            let page = caller.get(&format!("/partyInteraction{query}")).await.is(200);
            // Creation order: the newest is last.
            assert_eq!(page.ids(), ids[expected.clone()], "{page}");
            assert_eq!(counts(&page), (TOTAL, expected.len()), "{page}");
            let this = format!("{}/partyInteraction{query}", caller.root());
            assert_eq!(page.link("self"), Some(this), "{page}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_through_all_pages_and_back() {
    for api in APIS {
        shows!(api, ["paging.links", "paging.links-keep"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let ids = filled(&caller).await;
        let first =
            caller.get("/partyInteraction?limit=3&reason=call%200,call+1,call%202,call%203");
        let first = first.await.is(200);
        assert_eq!(first.link("prev"), None, "{first}");
        assert_eq!(first.ids(), ids[..3], "{first}");
        // The filter is carried along: four match, so the second page is the last.
        let last = caller.get_url(&first.link("next").unwrap()).await.is(200);
        assert_eq!(last.ids(), ids[3..4], "{last}");
        assert_eq!(last.link("next"), None, "{last}");
        let jump = caller.get_url(&first.link("last").unwrap()).await.is(200);
        assert_eq!(jump.text, last.text, "{first}");
        for relation in ["prev", "first"] {
            let back = caller.get_url(&last.link(relation).unwrap()).await.is(200);
            assert_eq!(back.text, first.text, "{relation}: {back}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_pages_shows_each_once_and_no_page_too_many() {
    let server = TestServer::start().await;
    let caller = server.through(APIS[0]).await;
    let ids = filled(&caller).await;
    for api in APIS {
        shows!(api, ["paging.each-once"]);
        let caller = server.through(api).await;
        for limit in 1..=TOTAL + 1 {
            let (mut seen, mut pages) = (Vec::new(), 0);
            let mut next = Some(format!("{}/partyInteraction?limit={limit}", caller.root()));
            while let Some(url) = next {
                let page = caller.get_url(&url).await.is(200);
                seen.extend(page.ids());
                pages += 1;
                assert_eq!(page.link("next").is_none(), pages == TOTAL.div_ceil(limit), "{page}");
                next = page.link("next");
            }
            assert_eq!(seen, ids, "{api}, {limit} a page");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_numbers_are_refused() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["paging.numbers"]);
        let caller = server.through(api).await;
        for name in ["offset", "limit"] {
            for value in ["-1", "x", "1.5", "", "0x1", "+1", "1e1", "99999999999999999999"] {
                let list = caller.get(&format!("/partyInteraction?{name}={value}")).await;
                list.refuses(400, name);
            }
            caller.get(&format!("/partyInteraction?{name}=1&{name}=1")).await.refuses(400, name);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maximum_is_never_a_silent_clamp() {
    let server = TestServer::with("[limits]\npage_items = 5").await;
    for api in APIS {
        shows!(api, ["paging.maximum"]);
        let caller = server.through(api).await;
        caller.get("/partyInteraction?limit=5").await.is(200);
        caller.get("/partyInteraction?limit=6").await.refuses(400, "limit");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_a_206_for_who_expects_it() {
    for api in APIS {
        shows!(api, ["paging.partial"]);
        let server = TestServer::with("[paging]\npartial_status = 206").await;
        let caller = server.through(api).await;
        let ids = filled(&caller).await;
        for (query, status, expected) in [
            ("", 200, 0..7),
            ("?limit=7", 200, 0..7),
            ("?limit=100", 200, 0..7),
            ("?limit=3", 206, 0..3),
            ("?limit=3&offset=6", 206, 6..7),
            // Only who names a limit knows what a part is.
            ("?offset=3", 200, 3..7),
            ("?limit=3&reason=call%201", 200, 1..2),
        ] {
            let page = caller.get(&format!("/partyInteraction{query}")).await.is(status);
            assert_eq!(page.ids(), ids[expected], "{page}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_shows_what_it_names() {
    for api in APIS {
        shows!(
            api,
            [
                "fields.list",
                "fields.always",
                "fields.none",
                "fields.nested",
                "fields.unknown",
                "fields.malformed"
            ]
        );
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let mut body = api.sample("call");
        body["note"] = json!([api.note("1", "first"), api.note("2", "second")]);
        body["vip"] = json!({"level": 1});
        let id = caller.create(&body).await.id();
        let always = match api.version {
            Version::V4 => 2,
            Version::V5 => {
                shows!(api, ["fields.always-type"]);
                let none = caller.get(&format!("/partyInteraction/{id}?fields=none")).await.is(200);
                assert_eq!(none.text_at("/@type"), "PartyInteraction");
                3
            }
        };
        for (fields, pointers) in [
            ("none", &[][..]),
            ("no-such-member", &[]),
            ("reason", &["/reason"]),
            ("reason,status,id", &["/reason", "/status"]),
            ("reason,%20status", &["/reason", "/status"]),
            ("vip", &["/vip/level"]),
            ("vip.level", &["/vip/level"]),
            ("note.text", &["/note/0/text", "/note/1/text"]),
            ("interactionDate.startDateTime", &["/interactionDate/startDateTime"]),
        ] {
            let one = caller.get(&format!("/partyInteraction/{id}?fields={fields}")).await.is(200);
            let list = caller.get(&format!("/partyInteraction?fields={fields}")).await.is(200);
            assert_eq!(list.json(), json!([one.json()]), "{list}");
            for pointer in pointers.iter().chain(&["/id", "/href"]) {
                assert!(one.json().pointer(pointer).is_some(), "{pointer}: {one}");
            }
            let mut roots: Vec<_> = pointers.iter().map(|p| p.split('/').nth(1)).collect();
            roots.dedup();
            assert_eq!(one.json().as_object().unwrap().len(), always + roots.len(), "{one}");
        }
        let one = caller.get(&format!("/partyInteraction/{id}?fields=note.text")).await.is(200);
        assert_eq!(one.member("/note"), json!([{"text": "first"}, {"text": "second"}]));
        for fields in ["", ",", "reason,", ",reason", "a,,b", ".a", "a..b", "a.", "id&fields=id"] {
            for path in ["/partyInteraction".to_owned(), format!("/partyInteraction/{id}")] {
                caller.get(&format!("{path}?fields={fields}")).await.refuses(400, "fields");
            }
        }
        server.stop().await;
    }
}
