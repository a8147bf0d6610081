//! Every example of a query in the README, asked of a server. (TMF630 "Filtering", RFC 9535)

use harness::{APIS, Api, TestServer, Version};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const README: &str = include_str!("../../README.md");

/// What an example finds through a version: reasons in creation order, or nothing but a refusal.
type Found = Option<&'static [&'static str]>;

const ALL: Found = Some(&["refund", "visit", "late"]);
const REFUND: Found = Some(&["refund"]);
const VISIT: Found = Some(&["visit"]);

/// Each example, and what it finds through v4 and v5.
const EXAMPLES: [(&str, Found, Found); 14] = [
    ("status=opened,completed", ALL, ALL),
    ("status.ne=completed", Some(&["refund", "late"]), Some(&["refund", "late"])),
    ("relatedParty.name=Ada&status=opened", REFUND, None),
    ("relatedParty.partyOrPartyRole.name=Ada&status=opened", None, REFUND),
    (
        "status=completed;note.text.regex=refund",
        Some(&["refund", "visit"]),
        Some(&["refund", "visit"]),
    ),
    (
        "interactionDate.startDateTime.gte=2026-01-01&interactionDate.startDateTime.lt=2026-02-01",
        REFUND,
        REFUND,
    ),
    ("interactionDate.startDateTime%3E%3D2026-02-01T09:00:00Z", VISIT, VISIT),
    ("description=late%2C again", Some(&["late"]), Some(&["late"])),
    ("vip.level.gt=2", VISIT, VISIT),
    ("filter=$[?(@.status=='opened')]", Some(&["refund", "late"]), Some(&["refund", "late"])),
    ("filter=[?@.channel[?@.name=='Shop' %26%26 @.role=='creation']]", VISIT, Some(&[])),
    (
        "filter=[?@.relatedChannel[?@.channel.name=='Shop' %26%26 @.role=='creation']]",
        Some(&[]),
        VISIT,
    ),
    ("filter=$..[?search(@.text,'refund')]&status=opened&fields=reason", REFUND, REFUND),
    ("offset=1&limit=1", VISIT, VISIT),
];

/// What is in code in the first column of the section's table.
fn examples() -> BTreeSet<&'static str> {
    let section = README.split("\n## ").find(|section| section.starts_with("Ask, change, repeat"));
    let rows = section.unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

fn interactions(api: Api) -> [Value; 3] {
    let interaction = |reason: &str, start: &str| {
        let mut body = api.sample(reason);
        body["interactionDate"] = json!({"startDateTime": start});
        body
    };
    let mut refund = interaction("refund", "2026-01-31T23:30:00Z");
    refund["note"] = json!([api.note("1", "wants a refund")]);
    let mut visit = interaction("visit", "2026-02-01T10:00:00+01:00");
    visit["status"] = json!("completed");
    visit["vip"] = json!({"level": 10});
    visit[api.channels()] = json!([api.channel("8", "Shop")]);
    let mut late = interaction("late", "2025-12-31T23:59:59Z");
    late["description"] = json!("late, again");
    late["vip"] = json!({"level": 2});
    late["relatedParty"] = json!([api.party("43", "Bob", "customer")]);
    [refund, visit, late]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_readme_find_what_they_say() {
    assert_eq!(examples(), EXAMPLES.map(|(query, ..)| query).into_iter().collect());
    for api in APIS {
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        for body in interactions(api) {
            caller.create(&body).await.is(201);
        }
        for (query, in_v4, in_v5) in EXAMPLES {
            let answer = caller.get(&format!("/partyInteraction?{query}")).await;
            match if api.version == Version::V4 { in_v4 } else { in_v5 } {
                Some(found) => assert_eq!(answer.is(200).each("reason"), found, "{api} {query}"),
                None => drop(answer.refuses(400, "no such attribute")),
            }
        }
        server.stop().await;
    }
}
