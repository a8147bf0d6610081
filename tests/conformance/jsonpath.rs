//! JSONPath in a list, in the shape of the version asked, and lookups by the names others gave.
//! (TMF630 "Filtering", RFC 9535)

use harness::{APIS, TestServer, Version, shows};
use serde_json::json;

/// JSONPaths, and the reasons of what they keep; `§` is where v5 has the entity of a wrapper.
const SELECTED: [(&str, &[&str]); 14] = [
    ("filter=$[?(@.reason=='call')]", &["call"]),
    ("filter=%5B%3F%40.reason%3D%3D%22visit%22%5D", &["visit"]),
    ("filter=[?@.reason!='call']&status=opened", &["visit", "walk"]),
    ("filter=[?@.reason=='call']&status=completed", &[]),
    ("filter=[?@.reason>'call']&filter=[?@.reason<'walk']", &["visit"]),
    ("filter=[?@.score>=1e3 %26%26 @.score<1001]", &["visit"]),
    ("filter=[?@.score==1000]", &["visit"]),
    ("filter=[?@.score>9007199254740991]", &["walk"]),
    ("filter=[?@.id %26%26 search(@.href,'/partyInteraction/')]", &["call", "visit", "walk"]),
    ("filter=[?@.relatedParty[?@§.name=='Ada' %26%26 @.role=='customer']]", &["call", "visit"]),
    ("filter=[?count(@.relatedParty[?@§.id=='42'])==2]", &["visit"]),
    ("filter=$..[?@.name=='Bob']&reason=call,walk", &["walk"]),
    ("filter=[?!@.score]&fields=reason", &["call"]),
    ("filter=[?match(@['reason'],'c.*%7Cw.*')]", &["call", "walk"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_jsonpath_selects_in_the_shape_of_its_version() {
    for api in APIS {
        shows!(api, ["jsonpath.filter", "jsonpath.root", "jsonpath.element", "jsonpath.and"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let party = |name| api.party("42", name, "customer");
        for (reason, parties, score) in [
            ("call", vec![party("Ada")], ""),
            ("visit", vec![party("Bob"), party("Ada")], r#","score":1e3"#),
            ("walk", vec![party("Bob")], r#","score":9007199254740992.5"#),
        ] {
            let mut body = api.sample(reason);
            body["relatedParty"] = json!(parties);
            let text = body.to_string();
            let text = format!("{}{score}}}", text.strip_suffix('}').unwrap_or(&text));
            caller.post_text("/partyInteraction", text).await.is(201);
        }
        let entity = if api.version == Version::V4 { "" } else { ".partyOrPartyRole" };
        for (query, expected) in SELECTED {
            let query = query.replace('§', entity);
            let list = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
            assert_eq!(list.each("reason"), expected, "{api} {query}");
            assert_eq!(list.header("x-total-count"), expected.len().to_string(), "{api} {query}");
        }
        let pages = "/partyInteraction?filter=$[?@.reason=='visit' || @.reason=='walk']&limit=1";
        let page = caller.get(pages).await.is(200);
        assert_eq!(
            (page.each("reason"), page.header("x-total-count")),
            (vec!["visit".into()], "2")
        );
        let next = caller.get_url(&page.link("next").unwrap_or_default()).await.is(200);
        assert_eq!(next.each("reason"), ["walk"]);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_jsonpath_is_refused() {
    let server = TestServer::with("[limits]\njsonpath_bytes = 7000").await;
    for api in APIS {
        shows!(api, ["jsonpath.invalid"]);
        let caller = server.through(api).await;
        caller.create_sample("call").await;
        for (open, culprit) in [
            ("[?", "nested deeper than 12 at character 25"),
            ("(", "nested deeper than 12 at character 13"),
            ("[?count(@", "nested deeper than 12"),
            ("..*", "a descent (..) within another"),
            ("x", "character 1"),
        ] {
            let path = open.repeat(6999 / open.len());
            let answer = caller.get(&format!("/partyInteraction?filter={path}")).await;
            answer.refuses(400, culprit);
        }
        let long = format!("/partyInteraction?filter=[*]&filter={}", "x".repeat(7000 - 2));
        caller.get(&long).await.refuses(400, "longer than 6997 bytes");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_is_found_by_its_identifier_elsewhere_and_by_its_href() {
    for api in APIS {
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        for (owner, kind) in [("crm", "ticket"), ("crm", "call"), ("billing", "ticket")] {
            let mut body = api.sample(&format!("{owner} {kind}"));
            body["externalIdentifier"] = json!([{"@type": "ExternalIdentifier", "id": "4711",
                "owner": owner, "externalIdentifierType": kind}]);
            caller.create(&body).await.is(201);
        }
        let of = |rest: &str| format!("/partyInteraction?externalIdentifier.id={rest}");
        let found = caller
            .get(&of(
                "4711&externalIdentifier.owner=crm&externalIdentifier.externalIdentifierType=call",
            ))
            .await
            .is(200);
        assert_eq!(found.each("reason"), ["crm call"], "{api}");
        assert_eq!(caller.get(&of("4711")).await.is(200).ids().len(), 3, "{api}");
        assert_eq!(caller.get(&of("4712")).await.is(200).ids().len(), 0, "{api}");
        let href = &found.each("href")[0];
        let by_href = caller.get(&format!("/partyInteraction?href={href}")).await.is(200);
        assert_eq!(by_href.ids(), found.ids(), "{api}");
        server.stop().await;
    }
}
