//! One interaction from create to delete: what the server sets, what a merge patch may change, what
//! stays. (DESIGN §5, TMF630 "Create", "PATCH", "DELETE", RFC 7396)

use harness::{APIS, Answer, Api, Caller, TestServer, Version, shows};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_sets_its_members() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(
            api,
            ["create.created", "create.location", "create.own-id", "create.id", "create.dates"]
        );
        let caller = server.through(api).await;
        let mut body = api.sample("call");
        body["id"] = json!("mine");
        body["href"] = json!("https://elsewhere.example/mine");
        let made = caller.create(&body).await;

        let id = Uuid::parse_str(&made.id()).unwrap();
        assert_eq!(id.get_version_num(), 7, "{made}");
        assert_eq!(id.to_string(), made.id(), "{made}");
        let href = format!("{}/partyInteraction/{id}", caller.root());
        assert_eq!(made.text_at("/href"), href, "{made}");
        assert_eq!(made.header("location"), href, "{made}");
        let date = made.text_at("/creationDate");
        assert!(is_utc_date_time(&date), "{made}");
        assert_eq!(made.text_at("/statusChangeDate"), date, "{made}");
        assert_eq!(made.text_at("/lastUpdate"), date, "{made}");

        let read = caller.get_url(&href).await.is(200);
        assert_eq!(read.text, made.text, "a read shows what the create answered");
        assert_eq!(read.header("etag"), made.header("etag"));
        caller.read("mine").await.is(404);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn href_follows_the_address_the_caller_used() {
    let server = TestServer::start().await;
    let fixed = TestServer::with("public_url = \"https://care.example/crm/\"").await;
    for api in APIS {
        shows!(api, ["create.href"]);
        let caller = server.through(api).await;
        let path = format!("/partyInteraction/{}", caller.create_sample("call").await.id());
        let read = caller.call(Method::GET, &path).header("host", "care.example:81").send().await;
        let expected = format!("http://care.example:81{}{path}", api.base);
        assert_eq!(read.is(200).text_at("/href"), expected);

        let made = fixed.through(api).await.create_sample("call").await;
        let root = format!("https://care.example/crm{}/partyInteraction/", api.base);
        assert_eq!(made.text_at("/href"), format!("{root}{}", made.id()));
        assert_eq!(made.header("location"), made.text_at("/href"));
    }
    server.stop().await;
    fixed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_opened_where_v5_leaves_it_out() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let mut body = api.sample("call");
        body.as_object_mut().unwrap().remove("status");
        let answer = caller.post("/partyInteraction", &body).await;
        match api.version {
            Version::V4 => {
                shows!(api, ["create.status-mandatory"]);
                answer.refuses(400, "/status");
            }
            Version::V5 => {
                shows!(api, ["create.status-default"]);
                assert_eq!(answer.is(201).text_at("/status"), "opened");
            }
        }
    }
    server.stop().await;
}

/// Patches `description`, `status`, notes and extensions; `None` in the second column: removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_patch_changes_what_it_names() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.modified", "patch.merge", "etag.strong"]);
        let caller = server.through(api).await;
        let (one, two) = (api.note("1", "first"), api.note("2", "second"));
        let table = [
            (json!({"description": "d"}), "/description", Some(json!("d"))),
            (json!({"description": null}), "/description", None),
            (json!({"note": [one, two]}), "/note", Some(json!([one, two]))),
            (json!({"note": [two]}), "/note", Some(json!([two]))),
            (json!({"note": []}), "/note", Some(json!([]))),
            (json!({"note": null}), "/note", None),
            (json!({"vip": {"level": 1, "since": "x"}}), "/vip/level", Some(json!(1))),
            (json!({"vip": {"since": null}}), "/vip", Some(json!({"level": 1}))),
            (json!({"vip": [1]}), "/vip", Some(json!([1]))),
            (json!({"status": "completed"}), "/status", Some(json!("completed"))),
        ];
        for media_type in ["application/json", "application/merge-patch+json"] {
            let mut before = caller.create_sample("call").await;
            let path = format!("/partyInteraction/{}", before.id());
            for (patch, pointer, expected) in &table {
                let call = caller.call(Method::PATCH, &path);
                let after = call.body(media_type, patch.to_string()).send().await.is(200);
                assert_eq!(after.json().pointer(pointer), expected.as_ref(), "{patch}: {after}");
                let touched = patch.as_object().unwrap().keys().map(String::as_str);
                let server_set = ["lastUpdate", "statusChangeDate"];
                let aside: Vec<&str> = touched.chain(server_set).collect();
                assert_eq!(without(&after, &aside), without(&before, &aside), "{patch}");
                assert_ne!(after.header("etag"), before.header("etag"), "{patch}");
                assert!(after.header("etag").starts_with('"'), "a strong tag: {after}");
                assert_eq!(caller.get(&path).await.is(200).text, after.text, "{patch}");
                before = after;
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_change_of_status_has_a_date() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.dates"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let date = |answer: &Answer| answer.text_at("/statusChangeDate");
        let noted = caller.patch(&made.id(), &json!({"description": "d"})).await.is(200);
        assert_eq!(date(&noted), date(&made));
        // The clock has steps; after some changes it has gone on.
        for number in 0..10_000 {
            assert_ne!(number, 9_999, "lastUpdate stands still: {noted}");
            let patch = json!({"description": format!("change {number}")});
            let again = caller.patch(&made.id(), &patch).await.is(200);
            assert_eq!(date(&again), date(&made));
            if again.text_at("/lastUpdate") > noted.text_at("/lastUpdate") {
                break;
            }
        }
        let done = caller.patch(&made.id(), &json!({"status": "completed"})).await.is(200);
        assert!(date(&done) >= date(&made), "{done}");
        assert_eq!(date(&done), done.text_at("/lastUpdate"), "{done}");
        assert_eq!(done.text_at("/creationDate"), made.text_at("/creationDate"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_changes_nothing_changes_nothing() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.no-change"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let own = |name: &str| json!({ name: made.member(&format!("/{name}")) });
        for patch in [json!({}), own("reason"), own("id"), own("href"), own("creationDate")] {
            let after = caller.patch(&made.id(), &patch).await.is(200);
            assert_eq!(after.text, made.text, "{patch}");
            assert_eq!(after.header("etag"), made.header("etag"), "{patch}");
        }
        // The whole representation sent back is no change either.
        let after = caller.patch(&made.id(), &made.json()).await.is(200);
        assert_eq!(after.text, made.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn immutable_members_are_refused_by_name() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.immutable", "patch.type"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let table = [
            (json!({"id": "x"}), &["id"][..]),
            (json!({"id": null}), &["id"]),
            (json!({"href": "https://x.example"}), &["href"]),
            (json!({"creationDate": "2001-01-01T00:00:00Z"}), &["creationDate"]),
            (json!({"creationDate": null}), &["creationDate"]),
            (json!({"direction": "outbound"}), &["direction"]),
            (json!({"direction": null}), &["direction"]),
            (json!({"@type": "Other"}), &["@type"]),
            (json!({"id": "x", "href": "y", "description": "d"}), &["id", "href"]),
            (
                json!({"creationDate": "2001-01-01T00:00:00Z", "direction": "outbound"}),
                &["creationDate", "direction"],
            ),
            (
                json!({"id": "x", "href": "y", "direction": "outbound",
                    "creationDate": "2001-01-01T00:00:00Z"}),
                &["id", "href", "creationDate", "direction"],
            ),
        ];
        for (patch, names) in table {
            let answer = caller.patch(&made.id(), &patch).await;
            names.iter().fold(answer, |answer, name| answer.refuses(400, name));
        }
        assert_eq!(caller.read(&made.id()).await.text, made.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mandatory_members_cannot_be_removed() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["patch.mandatory"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let mut mandatory = vec!["reason", api.channels()];
        if api.version == Version::V4 {
            mandatory.extend(["status", "interactionDate"]);
        }
        for name in mandatory {
            let patch = json!({ name: null });
            caller.patch(&made.id(), &patch).await.refuses(400, &format!("/{name}"));
        }
        assert_eq!(caller.read(&made.id()).await.text, made.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_writes_select_fields_too() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["fields.writes"]);
        let caller = server.through(api).await;
        let names = |answer: &Answer| -> Vec<String> {
            answer.json().as_object().unwrap().keys().cloned().collect()
        };
        let always: &[&str] = match api.version {
            Version::V4 => &["id", "href"],
            Version::V5 => &["id", "href", "@type"],
        };
        let made = caller.post("/partyInteraction?fields=none", &api.sample("call")).await.is(201);
        assert_eq!(names(&made), always, "{made}");
        let path = format!("/partyInteraction/{}?fields=status", made.id());
        let call = caller.call(Method::PATCH, &path);
        let call = call.body("application/json", json!({"status": "done"}).to_string());
        let after = call.send().await.is(200);
        assert_eq!(after.text_at("/status"), "done");
        assert_eq!(names(&after).len(), always.len() + 1, "{after}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["delete.gone"]);
        let caller = server.through(api).await;
        let id = caller.create_sample("call").await.id();
        let path = format!("/partyInteraction/{id}");
        caller.delete(&path).await.is(204);
        caller.delete(&path).await.refuses(404, &id);
        caller.read(&id).await.refuses(404, &id);
        caller.patch(&id, &json!({"status": "x"})).await.refuses(404, &id);
        assert_eq!(listed(&caller).await, Vec::<String>::new());
    }
    server.stop().await;
}

async fn listed(caller: &Caller) -> Vec<String> {
    caller.get("/partyInteraction").await.is(200).ids()
}

/// The members of an answer but some.
fn without(answer: &Answer, names: &[&str]) -> Value {
    let mut body = answer.json();
    names.iter().for_each(|name| drop(body.as_object_mut().unwrap().remove(*name)));
    body
}

/// As TM Forum's documents show it: `2020-10-02T11:36:18.758Z`.
fn is_utc_date_time(text: &str) -> bool {
    let shape = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c });
    shape.collect::<String>() == "0000-00-00T00:00:00.000Z"
}

/// `Location` and `href` are built from it, so it must be one.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_none_is_refused() {
    shows!(["method.host"]);
    let server = TestServer::start().await;
    let caller = server.through(Api::V5).await;
    for host in ["a b", "user@evil.example", "x/y"] {
        let call = caller.call(Method::GET, "/partyInteraction").header("host", host);
        call.send().await.refuses(400, "Host");
    }
    server.stop().await;
}
