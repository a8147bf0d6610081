//! The operators of a filter in each spelling, over two interactions. (TMF630 "Filtering")

use harness::{APIS, TestServer};
use serde_json::{Value, json};

/// Queries, and the reasons of what they find. Both began in 2020, `call` an hour before `visit`.
const FOUND: [(&str, &[&str]); 16] = [
    ("reason=call", &["call"]),
    ("reason.eq=call", &["call"]),
    ("reason%3D%3Dcall", &["call"]),
    ("reason.ne=call", &["visit"]),
    ("reason.ne=call,visit", &[]),
    ("reason=call,visit", &["call", "visit"]),
    ("reason=call;reason=visit", &["call", "visit"]),
    ("reason.regex=%5Ec.l", &["call"]),
    ("reason*=is", &["visit"]),
    ("reason%3D~isi%7Call", &["call", "visit"]),
    ("interactionDate.startDateTime.gt=2020-10-02T11:00:00Z", &["visit"]),
    ("interactionDate.startDateTime.gte=2020-10-02T13:00:00%2B02:00", &["call", "visit"]),
    ("interactionDate.startDateTime%3E2020-10-02T11:00:00Z", &["visit"]),
    ("interactionDate.startDateTime%3C%3D2020-10-02T11:00:00Z", &["call"]),
    ("interactionDate.startDateTime.lt=2020-10-02T11:30:00Z", &["call"]),
    ("reason.ne=visit&interactionDate.startDateTime.lt=2021-01-01T00:00:00Z", &["call"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_operator_finds_what_it_says() {
    for api in APIS {
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        for (reason, hour) in [("call", 11), ("visit", 12)] {
            let mut body = api.sample(reason);
            body["interactionDate"] =
                json!({"startDateTime": format!("2020-10-02T{hour}:00:00.000Z")});
            caller.create(&body).await.is(201);
        }
        for (query, expected) in FOUND {
            let list = caller.get(&format!("/partyInteraction?{query}")).await.is(200).json();
            let found: Vec<&Value> =
                list.as_array().into_iter().flatten().map(|found| &found["reason"]).collect();
            assert_eq!(found, expected, "{api} {query}");
        }
        server.stop().await;
    }
}
