//! Requests refused whatever their body says: what is not there, methods, media types, sizes, query
//! parameters, tokens. (RFC 9110, DESIGN D6, D10)

use harness::{APIS, Answer, Caller, TestServer, Version, shows};
use reqwest::Method;
use serde_json::json;

const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_404() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["method.no-such-resource"]);
        let caller = server.through(api).await;
        for id in ["no-such-id", "0", "%20", "a%2Fb", "%00", "x%27%20OR%201=1", "01a2%C3%A9"] {
            for (method, path, resource) in [
                (Method::GET, "partyInteraction", "PartyInteraction"),
                (Method::PATCH, "partyInteraction", "PartyInteraction"),
                (Method::DELETE, "partyInteraction", "PartyInteraction"),
                (Method::DELETE, "hub", "hub"),
            ] {
                let call = caller.call(method, &format!("/{path}/{id}"));
                let call = call.body("application/json", "{}");
                call.send().await.refuses(404, resource);
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undeclared_methods_are_405_with_allow() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["method.undeclared"]);
        let caller = server.through(api).await;
        // Paths of the document: the judge compares `Allow` with it.
        for path in ["/partyInteraction", "/partyInteraction/some-id", "/hub", "/hub/some-id"] {
            let declared = caller.document.methods(path);
            assert!(!declared.is_empty(), "{api}{path}");
            for method in METHODS.iter().filter(|m| !declared.contains(&m.to_string())) {
                caller.call(method.clone(), path).send().await.is(405);
            }
        }
        let mut own = vec![format!("{}/openapi.json", caller.root())];
        if api.version == Version::V4 {
            own.push(format!("{}/swagger.json", caller.root()));
        }
        own.extend(["live", "ready"].map(|name| format!("{}/health/{name}", caller.origin())));
        for url in own {
            caller.get_url(&url).await.is(200);
            for method in METHODS.into_iter().filter(|method| *method != Method::GET) {
                let answer = caller.call_url(method, &url).send().await.is(405);
                assert_eq!(answer.header("allow"), "GET", "{answer}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_nobody_serves_are_404() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["method.unknown-path"]);
        let caller = server.through(api).await;
        // The listener operations are the receiving side's.
        let listeners = caller.document.operations().iter().filter(|op| op.is_listener());
        let listeners: Vec<_> = listeners.map(|operation| operation.path.clone()).collect();
        assert_eq!(listeners.len(), 4, "{api}");
        let others = ["", "/", "/partyInteractions", "/partyInteraction/a/b", "/hub/a/b"];
        for path in listeners.iter().map(String::as_str).chain(others) {
            let call = caller.call(Method::POST, path).body("application/json", "{}");
            call.send().await.is(404);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_json_gets_a_406() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["media.json", "media.accept"]);
        let caller = server.through(api).await;
        for (accept, status) in [
            ("application/json", 200),
            ("application/json;charset=utf-8", 200),
            ("*/*", 200),
            ("application/*;q=0.1, text/html", 200),
            ("text/html", 406),
            ("application/xml, text/*", 406),
            ("application/json;q=0, text/html", 406),
        ] {
            let call = caller.call(Method::GET, "/partyInteraction").header("accept", accept);
            call.send().await.is(status);
        }
        let call = caller.call(Method::POST, "/partyInteraction").header("accept", "text/html");
        let call = call.body("application/json", api.sample("call").to_string());
        call.send().await.is(406);
        // Refused before it was carried out.
        assert_eq!(caller.get("/partyInteraction").await.header("x-total-count"), "0");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_another_media_type_are_415() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["media.type", "media.bare-body"]);
        let caller = server.through(api).await;
        let body = api.sample("call").to_string();
        for (media_type, status) in [
            ("application/json", 201),
            ("application/json;charset=utf-8", 201),
            ("Application/JSON", 201),
            ("text/json", 415),
            ("application/xml", 415),
            ("application/merge-patch+json", 415),
            ("application/x-www-form-urlencoded", 415),
            ("json", 415),
        ] {
            let call = caller.call(Method::POST, "/partyInteraction");
            let answer = call.body(media_type, body.clone()).send().await.is(status);
            if status == 415 {
                answer.refuses(415, "application/json");
            }
        }
        // A body that says nothing of itself is taken for JSON.
        let call = caller.call(Method::POST, "/partyInteraction").bare_body(body);
        let id = call.send().await.is(201).id();
        caller.call(Method::POST, "/hub").body("text/plain", "{}").send().await.is(415);
        let call = caller.call(Method::PATCH, &format!("/partyInteraction/{id}"));
        let answer = call.body("application/xml", "<x/>").send().await.is(415);
        for taken in ["application/json", "application/merge-patch+json"] {
            assert!(answer.header("accept-patch").contains(taken), "{answer}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_not_read() {
    let server = TestServer::with("[limits]\nbody_bytes = 2000\nurl_bytes = 300").await;
    for api in APIS {
        shows!(api, ["media.large-body", "media.long-url"]);
        let caller = server.through(api).await;
        let body = |bytes: usize| {
            let mut body = api.sample("");
            let rest = bytes - body.to_string().len();
            body["reason"] = json!("x".repeat(rest));
            body.to_string()
        };
        let id = caller.post_text("/partyInteraction", body(2000)).await.is(201).id();
        let path = format!("/partyInteraction/{id}");
        let posts =
            [(Method::POST, "/partyInteraction"), (Method::POST, "/hub"), (Method::PATCH, &path)];
        for (method, path) in posts {
            let call = caller.call(method.clone(), path).body("application/json", body(2001));
            call.send().await.refuses(413, "2000");
            // Without a length announced, the bound holds while reading.
            let chunks = [Ok::<_, std::io::Error>(body(1500)), Ok(body(1500))];
            let stream = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
            let call = caller.call(method, path).body("application/json", stream);
            call.send().await.refuses(413, "2000");
        }
        let query = |bytes: usize| {
            let target = format!("{}/partyInteraction?reason=", api.base);
            format!("/partyInteraction?reason={}", "x".repeat(bytes - target.len()))
        };
        caller.get(&query(300)).await.is(200);
        caller.get(&query(301)).await.refuses(414, "300");
        caller.call(Method::PUT, &query(301)).send().await.refuses(414, "300");
    }
    server.stop().await;
}

/// Queries that cannot be honoured, and what the refusal must name. Never an empty list.
const DISHONOURED: [(&str, &str); 35] = [
    ("filter=%24%5B%3F(%40.status%3D%27open%27)%5D", "character 13: ='open')]"),
    ("filter=[?@.note[?@.author=='%C3%A9' %26%26 @.a b]]", "character 32: b]]"),
    ("filter=$[0]", "character 2: each interaction"),
    ("filter=[?length(@..a)>1]", "filter: length()"),
    ("filter=[?@.reason]&filter=status", "filter: not JSONPath (RFC 9535) at character 1: status"),
    ("cursor", "cursor"),
    ("cursor=", "cursor"),
    ("cursor=AQAAAAAAAAAAAAAAAAAAAAAA", "cursor"),
    ("sort", "sort"),
    ("sort=", "sort"),
    ("sort=status,,reason", "sort"),
    ("sort=-colour", "colour"),
    ("sort=relatedParty", "relatedParty"),
    ("sort=status,-status", "status"),
    ("sort=status&sort=reason", "sort"),
    ("colour=red", "colour"),
    ("relatedParty.colour=red", "relatedParty.colour"),
    ("status.colour=red", "status.colour"),
    ("colour.ne=red", "colour"),
    ("creationDate.gt=soon", "creationDate"),
    ("creationDate%3Esoon", "creationDate"),
    ("colour%3C%3D1", "colour"),
    ("status*=%28", "status"),
    ("status%3D~%28", "status"),
    ("status", "status"),
    ("relatedParty=x", "relatedParty"),
    ("interactionDate=x", "interactionDate"),
    ("creationDate=soon", "creationDate"),
    ("interactionDate.startDateTime=2020", "interactionDate.startDateTime"),
    ("attachment.size.amount=big", "attachment.size.amount"),
    ("status=%FF", "status"),
    ("%FF=1", "UTF-8"),
    ("=1", "attribute"),
    ("status..x=1", "status..x"),
    ("offset=0&colour=red&limit=1", "colour"),
];

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_cannot_be_honoured_are_named() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(
            api,
            [
                "error.culprit",
                "sort.unknown",
                "filter.unknown",
                "filter.misfit",
                "filter.bounds",
                "filter.one-resource",
                "filter.encoding"
            ]
        );
        let caller = server.through(api).await;
        let id = caller.create_sample("call").await.id();
        for (query, culprit) in DISHONOURED {
            caller.get(&format!("/partyInteraction?{query}")).await.refuses(400, culprit);
        }
        let many = format!("/partyInteraction?status={}", vec!["x"; 65].join(","));
        caller.get(&many).await.refuses(400, "64");
        // On one resource only `fields` means something.
        let path = format!("/partyInteraction/{id}");
        for (query, culprit) in [
            ("status=x", "status"),
            ("limit=1", "limit"),
            ("sort=id", "sort"),
            ("cursor=x", "cursor"),
        ] {
            for method in [Method::GET, Method::PATCH, Method::DELETE] {
                let call = caller.call(method, &format!("{path}?{query}"));
                call.body("application/json", "{}").send().await.refuses(400, culprit);
            }
            let answer =
                caller.post(&format!("/partyInteraction?{query}"), &api.sample("call")).await;
            answer.refuses(400, culprit);
        }
        let list = caller.get("/partyInteraction").await.is(200);
        assert_eq!(list.ids(), [id.as_str()], "nothing was changed: {list}");
        caller.delete(&path).await.is(204);
    }
    server.stop().await;
}

const TOKEN: &str = "care-desk-0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_and_is_never_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("# care desk\n{TOKEN}\n")).unwrap();
    let settings = format!("[auth]\ntoken_file = {:?}", file.path());
    let server = TestServer::with(&settings).await;
    for api in APIS {
        shows!(api, ["error.no-secrets", "server.tokens"]);
        let caller = server.through(api).await;
        for (credentials, status) in [
            (None, 401),
            (Some("Bearer wrong-token-0123456789".to_owned()), 401),
            (Some(format!("Basic {TOKEN}")), 401),
            (Some(TOKEN.to_owned()), 401),
            (Some(format!("Bearer {TOKEN}x")), 401),
            (Some(format!("Bearer {TOKEN}")), 200),
            (Some(format!("bearer {TOKEN}")), 200),
        ] {
            let answer = authorized(&caller, Method::GET, "/partyInteraction", &credentials).await;
            let answer = answer.is(status);
            assert!(!format!("{answer}").contains(TOKEN), "{answer}");
        }
        assert_eq!(every_operation_refuses_strangers(&caller).await, 9, "{api}");
        caller.get_url(&format!("{}/health/ready", caller.origin())).await.is(200);
        caller.get("/openapi.json").await.is(200);
    }
    server.stop().await;
}

/// Calls every operation we serve, and every path with a method it lacks, without a token.
async fn every_operation_refuses_strangers(caller: &Caller) -> usize {
    let served = caller.document.operations().iter().filter(|op| !op.is_listener());
    let mut count = 0;
    for operation in served {
        let path = operation.path.replace("{id}", "some-id");
        let answer = authorized(caller, operation.method.clone(), &path, &None).await.is(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
        authorized(caller, Method::PUT, &path, &None).await.is(401);
        count += 1;
    }
    count
}

async fn authorized(
    caller: &Caller,
    method: Method,
    path: &str,
    credentials: &Option<String>,
) -> Answer {
    let call = caller.call(method, path);
    match credentials {
        Some(credentials) => call.header("authorization", credentials).send().await,
        None => call.send().await,
    }
}
