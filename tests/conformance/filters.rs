//! What filters find, over three interactions; each row shows a rule. (TMF630 "Filtering")

use harness::{APIS, Api, Caller, TestServer, Version, shows};
use serde_json::{Value, json};

/// A rule, a query, and the reasons of what it finds, in the order of their making.
type Row = (&'static str, &'static str, &'static [&'static str]);

const CALL: &str = "call";
const VISIT: &str = "visit";
const CHAT: &str = "chat,mail";

const FOUND: [Row; 53] = [
    ("filter.equal", "reason=call", &[CALL]),
    ("filter.equal", "reason=cal", &[]),
    ("filter.equal", "reason=Call", &[]),
    ("filter.and", "direction=inbound&reason=call", &[CALL]),
    ("filter.and", "direction=outbound&reason=call", &[]),
    ("filter.or.repeat", "reason=call&reason=visit", &[CALL, VISIT]),
    ("filter.or.comma", "reason=call,visit", &[CALL, VISIT]),
    ("filter.or.comma", "reason=chat%2Cmail", &[CHAT]),
    ("filter.or.comma", "reason=chat,mail", &[]),
    ("filter.or.semicolon", "reason=call;reason=visit", &[CALL, VISIT]),
    ("filter.or.semicolon", "reason=call;direction=outbound", &[CALL, CHAT]),
    ("filter.or.semicolon-value", "reason=call;visit", &[CALL, VISIT]),
    ("filter.path", "note.text=second", &[CALL]),
    ("filter.path", "note.text=third", &[VISIT]),
    ("filter.path", "attachment.size.units=MB", &[CALL, VISIT, CHAT]),
    ("filter.any-element", "note.id=1&note.text=second", &[CALL]),
    ("filter.any-element", "note.id=1&note.text=third", &[]),
    ("filter.eq", "reason.eq=call", &[CALL]),
    ("filter.eq", "reason%3D%3Dcall", &[CALL]),
    ("filter.ne", "reason.ne=call", &[VISIT, CHAT]),
    ("filter.ne", "reason.ne=call,visit", &[CHAT]),
    ("filter.ne", "note.text.ne=second", &[VISIT, CHAT]),
    ("filter.gt", "interactionDate.startDateTime.gt=2020-10-02T11:00:00Z", &[VISIT, CHAT]),
    ("filter.gt", "interactionDate.startDateTime%3E2020-10-02T12:00:00Z", &[CHAT]),
    ("filter.gte", "interactionDate.startDateTime.gte=2020-10-02T12:00:00Z", &[VISIT, CHAT]),
    ("filter.gte", "interactionDate.startDateTime%3E%3D2020-10-02T13:00:00Z", &[CHAT]),
    ("filter.lt", "interactionDate.startDateTime.lt=2020-10-02T12:00:00Z", &[CALL]),
    ("filter.lt", "interactionDate.startDateTime%3C2020-10-02T13:00:00Z", &[CALL, VISIT]),
    ("filter.lte", "interactionDate.startDateTime.lte=2020-10-02T12:00:00Z", &[CALL, VISIT]),
    ("filter.lte", "interactionDate.startDateTime%3C%3D2020-10-02T11:00:00Z", &[CALL]),
    (
        "filter.and",
        "interactionDate.startDateTime.gt=2020-10-02T11:00:00Z\
         &interactionDate.startDateTime.lt=2020-10-02T13:00:00Z",
        &[VISIT],
    ),
    ("filter.regex", "reason.regex=%5Ec.l", &[CALL]),
    ("filter.regex", "reason*=is", &[VISIT]),
    ("filter.regex", "reason%3D~isi%7Call", &[CALL, VISIT]),
    ("filter.regex", "note.text.regex=%5E(first,?%7Cthird)$", &[CALL, VISIT]),
    ("filter.dates", "interactionDate.startDateTime=2020-10-02T11:00:00Z", &[CALL]),
    ("filter.dates", "interactionDate.startDateTime=2020-10-02T13:00:00%2B02:00", &[CALL]),
    ("filter.dates", "interactionDate.startDateTime.lt=2020-10-02T13:00:00.001%2B02:00", &[CALL]),
    ("filter.dates", "interactionDate.startDateTime.ne=2020-10-02T11:00:00.0Z", &[VISIT, CHAT]),
    ("filter.numbers", "attachment.size.amount=1e0", &[CALL]),
    ("filter.numbers", "attachment.size.amount=1.000", &[CALL]),
    ("filter.numbers", "attachment.size.amount.gt=2", &[CHAT]),
    ("filter.numbers", "attachment.size.amount.lte=2.0", &[CALL, VISIT]),
    ("filter.encoding", "description=The+customer%20called", &[CALL, VISIT, CHAT]),
    ("filter.encoding", "description=The%2Bcustomer%20called", &[]),
    ("filter.extension", "vip.level=3", &[VISIT]),
    ("filter.extension", "vip.level.gt=0", &[VISIT]),
    ("type.filter", "@type=StoreVisit", &[VISIT]),
    ("type.filter", "%40type=PartyInteraction", &[CALL, CHAT]),
    ("fields.depth-expand", "depth=1", &[CALL, VISIT, CHAT]),
    ("fields.depth-expand", "depth=0&expand=relatedParty&reason=call", &[CALL]),
    ("filter.equal", "status=opened&limit=2&offset=1", &[VISIT, CHAT]),
    ("paging.total", "status=opened&limit=1", &[CALL]),
];

/// What one of the three is like.
fn body(api: Api, reason: &str) -> Value {
    let mut body = api.sample(reason);
    body["@type"] = json!("PartyInteraction");
    let (hour, amount) = match reason {
        CALL => {
            body["note"] = json!([api.note("1", "first"), api.note("2", "second")]);
            (11, 1)
        }
        VISIT => {
            body["note"] = json!([api.note("3", "third")]);
            body["@type"] = json!("StoreVisit");
            body["@baseType"] = json!("PartyInteraction");
            body["vip"] = json!({"level": 3});
            (12, 2)
        }
        _ => {
            body["direction"] = json!("outbound");
            (13, 10)
        }
    };
    body["interactionDate"] = json!({"startDateTime": format!("2020-10-02T{hour}:00:00.000Z")});
    body["attachment"] = json!([{"@type": "Attachment", "attachmentType": "scan",
        "mimeType": "image/png", "size": {"amount": amount, "units": "MB"}}]);
    body
}

async fn filled(caller: &Caller) {
    for reason in [CALL, VISIT, CHAT] {
        caller.create(&body(caller.api, reason)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_finds_what_it_says() {
    for api in APIS {
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        filled(&caller).await;
        for (rule, query, expected) in FOUND {
            shows!(api, [rule]);
            let list = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
            assert_eq!(list.each("reason"), expected, "{list}");
            if !query.contains("limit") {
                assert_eq!(list.header("x-total-count"), expected.len().to_string(), "{list}");
            }
        }
        server.stop().await;
    }
}

/// An engine that tries every way to match these would not come to an end in time.
#[tokio::test(flavor = "multi_thread")]
async fn patterns_are_bounded() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["filter.regex-bounds"]);
        let caller = server.through(api).await;
        let mut body = api.sample(&"a".repeat(50_000));
        body["status"] = json!("long");
        caller.create(&body).await;
        for pattern in ["(a*)*b", "(a%7Ca)*b", "(.*a)%7B20%7D%24x"] {
            let query = format!("/partyInteraction?status=long&reason.regex={pattern}");
            assert_eq!(caller.get(&query).await.is(200).json(), json!([]), "{pattern}");
        }
        for pattern in ["(", "[z-a]", "a%7B9999%7D%7B9999%7D", "(?%3Dx)", &"a".repeat(513)] {
            let query = format!("/partyInteraction?reason.regex={pattern}");
            caller.get(&query).await.refuses(400, "reason");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_have_the_names_of_the_version() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["fields.version"]);
        let caller = server.through(api).await;
        let id = caller.create_sample("call").await.id();
        let (own, nested, others) = match api.version {
            Version::V4 => ("channel", "channel.name", "relatedChannel"),
            Version::V5 => ("relatedChannel", "relatedChannel.channel.name", "channel"),
        };
        let shown = async |fields: &str| {
            let one = caller.get(&format!("/partyInteraction/{id}?fields={fields}")).await.is(200);
            one.member(&format!("/{}", api.channels()))
        };
        assert_eq!(shown(own).await, api.sample("call")[own]);
        let name = match api.version {
            Version::V4 => json!([{"name": "Call centre"}]),
            Version::V5 => json!([{"channel": {"name": "Call centre"}}]),
        };
        assert_eq!(shown(nested).await, name);
        assert_eq!(shown(others).await, Value::Null);
    }
    server.stop().await;
}
