//! The queries of a care desk, as README.md shows them: read there, run here against contacts we know,
//! and compared with what we expect of each.

use harness::{Answer, Api, Caller, TestServer, Version, shows};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const README: &str = include_str!("../../README.md");

/// Reasons, in the order of the answer, by the number of the query.
const EXPECTED: [&[&str]; 10] = [
    &["bill", "roaming"],
    &["fault", "roaming", "tariff", "bill", "sim"],
    &["fault", "roaming"],
    &["bill"],
    &["roaming"],
    &["fault", "other"],
    &["bill", "fault"],
    &["bill", "other"],
    &["bill", "tariff", "sim", "move", "fault", "roaming"],
    &[],
];

/// The query that only counts, and its count.
const COUNTING: (usize, &str) = (10, "3");

/// A contact, in v5's words.
struct Contact {
    reason: &'static str,
    customer: &'static str,
    agent: &'static str,
    status: &'static str,
    began: &'static str,
    channel: &'static str,
    /// `note.text`, ids of orders, `externalIdentifier.id`, `interactionItemType`
    more: [&'static [&'static str]; 4],
}

const fn contact(
    [reason, customer, agent, status, began, channel]: [&'static str; 6],
    more: [&'static [&'static str]; 4],
) -> Contact {
    Contact { reason, customer, agent, status, began, channel, more }
}

static CONTACTS: [Contact; 8] = [
    contact(
        ["bill", "42", "7", "opened", "2026-03-03T10:00:00Z", "Call centre"],
        [&["asked for a Refund", "second note"], &["4711"], &[], &["question"]],
    ),
    contact(
        ["tariff", "42", "8", "completed", "2026-03-05T10:00:00Z", "Chat"],
        [&["no reason to refuse"], &["4712"], &[], &["complaint"]],
    ),
    contact(
        ["sim", "42", "7", "inProgress", "2026-02-20T10:00:00Z", "Shop"],
        [&[], &[], &[], &["complaint"]],
    ),
    contact(
        ["move", "42", "8", "completed", "2026-01-10T10:00:00Z", "E-mail"],
        [&[], &[], &["4711"], &[]],
    ),
    contact(
        ["fault", "42", "7", "inProgress", "2026-03-10T10:00:00Z", "Chat"],
        [&["first", "refund agreed"], &[], &[], &["question", "complaint"]],
    ),
    contact(
        ["roaming", "42", "8", "opened", "2026-03-09T01:00:00+01:00", "App"],
        [&[], &[], &["CRM-1001"], &[]],
    ),
    contact(
        ["other", "43", "7", "opened", "2026-03-04T10:00:00Z", "Chat"],
        [&["no re-fund"], &["47110"], &[], &["complaint"]],
    ),
    // Agent 7 is the customer here.
    contact(
        ["own", "7", "8", "completed", "2026-03-06T10:00:00Z", "Call centre"],
        [&[], &[], &["CRM-10010"], &["complaint"]],
    ),
];

impl Contact {
    fn body(&self) -> Value {
        let [notes, orders, identifiers, item_types] = self.more;
        let mut body = Api::V5.sample(self.reason);
        body["status"] = json!(self.status);
        body["interactionDate"] = json!({"startDateTime": self.began});
        body["relatedChannel"] = json!([Api::V5.channel(self.channel, self.channel)]);
        body["relatedParty"] = json!([
            Api::V5.party(self.customer, "Ada", "customer"),
            Api::V5.party(self.agent, "Bob", "agent"),
        ]);
        body["note"] = notes.iter().map(|text| Api::V5.note("1", text)).collect();
        body["externalIdentifier"] = identifiers
            .iter()
            .map(|id| {
                json!({"@type": "ExternalIdentifier", "id": id, "externalIdentifierType": "ticket"})
            })
            .collect();
        let items = item_types
            .iter()
            .map(|item_type| json!({"@type": "InteractionItem", "interactionItemType": item_type}));
        let mut items: Vec<Value> = items.collect();
        for (item, order) in items.iter_mut().zip(orders) {
            item["item"] = json!({"@type": "RelatedEntityRefOrValue", "role": "subject",
                "entity": {"@type": "EntityRef", "id": order, "@referredType": "ProductOrder",
                    "href": format!("https://host.example/productOrder/{order}")}});
        }
        body["interactionItem"] = json!(items);
        body
    }
}

/// The lines `curl … "$v5?…"` under each `# 1. …`, as number, version and query.
fn queries() -> BTreeMap<(usize, &'static str), String> {
    let mut found = BTreeMap::new();
    let mut number = 0;
    for line in README.lines() {
        let numbered = line.strip_prefix("# ").and_then(|line| line.split_once(". "));
        if let Some(next) = numbered.and_then(|(number, _)| number.parse().ok()) {
            number = next;
        }
        for version in ["v4", "v5"] {
            let begins = format!(" \"${version}?");
            let Some((command, rest)) = line.split_once(&begins) else { continue };
            assert!(command.starts_with("curl -"), "{line}");
            let (query, _) = rest.split_once('"').expect("the other quotation mark");
            let query = query.replace("\\$", "$");
            assert_eq!(found.insert((number, version), query), None, "{line}");
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queries_in_the_readme_find_what_they_say() {
    let queries = queries();
    let numbers: BTreeSet<_> = queries.keys().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=EXPECTED.len()).collect());
    let server = TestServer::start().await;
    let writer = server.through(Api::V5).await;
    for contact in &CONTACTS {
        writer.create(&contact.body()).await;
    }
    for api in [Api::V4, Api::V5] {
        shows!([api], ["server.care-desk"]);
        let caller = server.through(api).await.tolerating(&["href", "@referredType"]);
        for (number, expected) in (1..).zip(EXPECTED) {
            let in_v5 = &queries[&(number, "v5")];
            // Where it shows nothing for v4, both versions ask in the same words.
            let query = match api.version {
                Version::V4 => queries.get(&(number, "v4")).unwrap_or(in_v5),
                Version::V5 => in_v5,
            };
            ask(&caller, number, query, expected).await;
        }
    }
    server.stop().await;
}

/// Puts one of the queries, and compares.
async fn ask(caller: &Caller, number: usize, query: &str, expected: &[&str]) {
    let answer = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
    assert_eq!(answer.each("reason"), expected, "{number}: {answer}");
    if number == COUNTING.0 {
        assert_eq!(answer.header("x-total-count"), COUNTING.1, "{answer}");
    }
    if query.contains("fields=") {
        only_what_is_asked(&answer);
    }
}

/// Of the query for an overview: what always comes, and what it names.
fn only_what_is_asked(answer: &Answer) {
    let known = ["id", "href", "@type", "reason", "status"];
    for item in answer.json().as_array().unwrap() {
        let names: Vec<_> = item.as_object().unwrap().keys().collect();
        assert!(names.iter().all(|name| known.contains(&name.as_str())), "{answer}");
        assert!(item["status"].is_string(), "{answer}");
    }
}
