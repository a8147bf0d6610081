//! The flow a reference vendor certifies, as a table of our own: create two, list, read both, select
//! members, filter, and ask for what is not there. (TMF630 "fields", "Filtering")

use harness::{APIS, Caller, TestServer, shows};
use serde_json::{Value, json};

const REASONS: [&str; 2] = ["Wants a TV plan", "Invoice too high"];

/// What the certification selects and filters by.
const MEMBERS: [&str; 4] = ["direction", "href", "id", "reason"];

/// Two interactions that differ in every one of [`MEMBERS`].
async fn two(caller: &Caller) -> [Value; 2] {
    let mut made = [Value::Null, Value::Null];
    for (made, (reason, direction)) in
        made.iter_mut().zip(REASONS.iter().zip(["inbound", "out bound"]))
    {
        let mut body = caller.api.sample(reason);
        body["direction"] = json!(direction);
        *made = caller.create(&body).await.json();
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn created_interactions_are_listed_and_read() {
    for api in APIS {
        shows!(api, ["create.listed"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let made = two(&caller).await;
        let list = caller.get("/partyInteraction").await.is(200);
        assert_eq!(list.json(), json!(made), "{api}");
        for made in &made {
            let read = caller.read(made["id"].as_str().unwrap()).await.is(200);
            assert_eq!(read.json(), *made, "{api}");
        }
        caller.read("no-such-id").await.is(404);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_selects_members() {
    for api in APIS {
        shows!(api, ["fields.list", "fields.always"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let made = two(&caller).await;
        for name in MEMBERS {
            let mut kept = vec!["id", "href"];
            if api.version == harness::Version::V5 {
                kept.push("@type");
            }
            kept.push(name);
            let part = |whole: &Value| -> Value {
                kept.iter().map(|name| ((*name).to_owned(), whole[name].clone())).collect()
            };
            let list = caller.get(&format!("/partyInteraction?fields={name}")).await.is(200);
            assert_eq!(list.json(), made.iter().map(part).collect::<Value>(), "{list}");
            let id = made[0]["id"].as_str().unwrap();
            let one = caller.get(&format!("/partyInteraction/{id}?fields={name}")).await.is(200);
            assert_eq!(one.json(), part(&made[0]), "{one}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_one_of_two() {
    for api in APIS {
        shows!(api, ["filter.equal", "filter.encoding", "filter.href"]);
        let server = TestServer::start().await;
        let caller = server.through(api).await;
        let made = two(&caller).await;
        for name in MEMBERS {
            for wanted in &made {
                let value = wanted[name].as_str().unwrap();
                // As kits send it: `href` bare, spaces as `%20` or `+`.
                for written in [value.replace(' ', "%20"), value.replace(' ', "+")] {
                    let list = caller.get(&format!("/partyInteraction?{name}={written}")).await;
                    let list = list.is(200);
                    assert_eq!(list.json(), json!([wanted]), "{list}");
                    assert_eq!(list.header("x-total-count"), "1", "{list}");
                }
            }
            let none = caller.get(&format!("/partyInteraction?{name}=something%20else")).await;
            assert_eq!(none.is(200).json(), json!([]), "{api} {name}");
        }
        server.stop().await;
    }
}
