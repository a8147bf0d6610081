//! The order of a list: `sort`, by any attribute, both ways, nested, by its kind. (TMF630 "Sorting")

use harness::{APIS, TestServer, Version, shows};
use serde_json::json;

/// Orders, and the reasons as they then come. `b`, `c` and `a` were made in this order.
const ORDERS: [(&str, &str); 15] = [
    ("", "b c a"),
    ("sort=reason", "a b c"),
    ("sort=-reason", "c b a"),
    ("sort=+reason", "a b c"),
    ("sort=%2Breason", "a b c"),
    ("sort=-direction,reason", "a c b"),
    ("sort=direction,-reason", "b c a"),
    ("sort=interactionDate.startDateTime", "a b c"),
    ("sort=-interactionDate.startDateTime", "c b a"),
    ("sort=creationDate,id", "b c a"),
    ("sort=score.points", "c b a"),
    ("sort=-score.points,reason", "a b c"),
    ("sort=-note.text", "a b c"),
    ("sort=note.text,-reason", "c b a"),
    ("sort=-reason&reason=a,c&limit=1&offset=1", "a"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_the_one_asked_for() {
    for api in APIS {
        shows!(api, ["sort.order", "sort.nested", "sort.stable"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        for (reason, direction, start, points) in [
            ("b", "in", "2020-10-02T11:00:00+02:00", json!(9)),
            ("c", "out", "2020-10-02T10:00:00Z", json!(null)),
            ("a", "out", "2020-10-02T00:00:00-01:00", json!(10)),
        ] {
            let mut body = api.sample(reason);
            body["direction"] = json!(direction);
            body["interactionDate"] = json!({"startDateTime": start});
            body["score"] = json!({"points": points});
            // Of several texts the smallest counts, descending the largest.
            let other = match reason {
                "a" => "z",
                "b" => "y",
                _ => "a",
            };
            body["note"] = json!([api.note("1", "m"), api.note("2", other)]);
            if api.version == Version::V5 {
                body["interactionDate"]["@type"] = json!("TimePeriod");
            }
            caller.create(&body).await.is(201);
        }
        for (query, expected) in ORDERS {
            let list = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
            let expected = expected.split(' ').collect::<Vec<_>>();
            let found = list.each("reason");
            assert_eq!(found, expected, "{api} {query}");
        }
        for order in ["sort=status", "sort=-status"] {
            let ids = caller.get(&format!("/partyInteraction?{order}")).await.is(200).ids();
            assert!(ids.is_sorted(), "{api} {order}: all have one status, so the id decides");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attribute_is_sorted_by_as_each_version_calls_it() {
    let server = TestServer::start().await;
    let v5 = server.through(APIS[2]).await;
    for name in ["Zoe", "Ada", "Max"] {
        let mut body = v5.api.sample(name);
        body["relatedParty"] = json!([v5.api.party(name, name, "customer")]);
        body["relatedChannel"] = json!([v5.api.channel(name, name)]);
        v5.create(&body).await.is(201);
    }
    for api in APIS {
        let caller = server.through(api).await;
        let names = match api.version {
            Version::V4 => ["relatedParty.name", "channel.id"],
            Version::V5 => ["relatedParty.partyOrPartyRole.name", "relatedChannel.channel.id"],
        };
        for name in names {
            let list = caller.get(&format!("/partyInteraction?sort={name}")).await.is(200);
            assert_eq!(list.each("reason"), ["Ada", "Max", "Zoe"], "{api} {name}");
        }
    }
    server.stop().await;
}
