//! Bodies that are not what the document describes, and bodies that are though they look odd: a
//! refusal names the member by JSON Pointer, an extension is kept whole. (D5, RFC 6901, RFC 8259)

use harness::{APIS, Api, Caller, TestServer, Version, shows};
use reqwest::Method;
use serde_json::{Value, json};

/// The members a create must have.
fn mandatory(version: Version) -> &'static [&'static str] {
    match version {
        Version::V4 => &["channel", "direction", "interactionDate", "reason", "status"],
        Version::V5 => &["@type", "direction", "reason", "relatedChannel"],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_mandatory_members_are_named() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["create.mandatory", "error.pointer"]);
        let caller = server.through(api).await;
        for name in mandatory(api.version) {
            for without in [true, false] {
                let mut body = api.sample("call");
                match without {
                    true => drop(body.as_object_mut().unwrap().remove(*name)),
                    false => body[*name] = Value::Null,
                }
                let answer = caller.post("/partyInteraction", &body).await;
                answer.refuses(400, &format!("/{name}"));
            }
        }
        let all = caller.post("/partyInteraction", &json!({})).await;
        mandatory(api.version).iter().fold(all, |all, name| all.refuses(400, &format!("/{name}")));
        assert_eq!(count(&caller).await, "0");
    }
    server.stop().await;
}

async fn count(caller: &Caller) -> String {
    caller.get("/partyInteraction").await.is(200).header("x-total-count").to_owned()
}

/// A member with a value that does not fit, and the pointer a refusal must name.
struct Misfit {
    name: &'static str,
    value: Value,
    pointer: String,
    /// The document minds it in a patch too.
    in_patch: bool,
}

fn misfit(name: &'static str, value: Value, pointer: &str) -> Misfit {
    Misfit { name, value, pointer: pointer.to_owned(), in_patch: true }
}

fn only_in_create(misfit: Misfit) -> Misfit {
    Misfit { in_patch: false, ..misfit }
}

/// Misfits of members both versions have.
fn common_misfits(api: Api) -> Vec<Misfit> {
    let channels = api.channels();
    let mut dated_note = api.note("2", "x");
    dated_note["date"] = json!("2020-10-02 11:36");
    let item = |mut rest: Value| {
        if api.version == Version::V5 {
            rest["@type"] = json!("InteractionItem");
        }
        json!([rest])
    };
    let period = |member: &str, value: Value| json!({ member: value });
    vec![
        misfit("reason", json!(1), "/reason"),
        // A patch cannot touch it at all, which is said first.
        only_in_create(misfit("direction", json!(["inbound"]), "/direction")),
        misfit("status", json!(true), "/status"),
        misfit("description", json!({}), "/description"),
        misfit("note", json!({"text": "x"}), "/note"),
        misfit("note", json!([api.note("1", "x"), dated_note]), "/note/1/date"),
        misfit("relatedParty", json!("Ada"), "/relatedParty"),
        misfit("relatedParty", json!([1]), "/relatedParty/0"),
        misfit("interactionDate", json!("today"), "/interactionDate"),
        misfit(
            "interactionDate",
            period("startDateTime", json!("yesterday")),
            "/interactionDate/startDateTime",
        ),
        misfit(
            "interactionDate",
            period("endDateTime", json!("2020-13-02T11:36:18Z")),
            "/interactionDate/endDateTime",
        ),
        misfit(channels, json!({}), &format!("/{channels}")),
        misfit(channels, json!([null]), &format!("/{channels}/0")),
        misfit(
            "interactionItem",
            item(json!({"itemDate": period("endDateTime", json!(1))})),
            "/interactionItem/0/itemDate/endDateTime",
        ),
        misfit("interactionItem", item(json!({"resolution": 1})), "/interactionItem/0/resolution"),
    ]
}

/// Misfits of members as one version has them.
fn own_misfits(version: Version) -> Vec<Misfit> {
    let party = |party: Value| json!([{"@type": "RelatedPartyOrPartyRole", "role": "x", "partyOrPartyRole": party}]);
    let channel = json!([{"@type": "RelatedChannel"}]);
    match version {
        Version::V4 => vec![
            only_in_create(misfit("channel", json!([]), "/channel")),
            misfit("channel", json!([{"id": "7"}]), "/channel/0/href"),
            only_in_create(misfit("creationDate", json!("2020"), "/creationDate")),
            misfit(
                "relatedParty",
                json!([{"id": "1", "href": "https://x.example"}]),
                "/relatedParty/0/@referredType",
            ),
            misfit("attachment", json!([{"mimeType": 1}]), "/attachment/0/mimeType"),
        ],
        Version::V5 => vec![
            only_in_create(misfit("relatedChannel", channel, "/relatedChannel/0/channel")),
            misfit("note", json!([{"text": "x"}]), "/note/0/@type"),
            misfit(
                "relatedParty",
                party(json!({"@type": "PartyRef", "name": "no id"})),
                "/relatedParty/0/partyOrPartyRole/id",
            ),
            misfit(
                "relatedParty",
                party(json!({"id": "1"})),
                "/relatedParty/0/partyOrPartyRole/@type",
            ),
            misfit(
                "attachment",
                json!([{"@type": "Attachment", "mimeType": 1}]),
                "/attachment/0/mimeType",
            ),
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_do_not_fit_are_named_on_create_and_patch() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["create.typed", "patch.typed", "error.pointer"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        for misfit in common_misfits(api).into_iter().chain(own_misfits(api.version)) {
            let mut body = api.sample("call");
            body[misfit.name] = misfit.value.clone();
            caller.post("/partyInteraction", &body).await.refuses(400, &misfit.pointer);
            if misfit.in_patch {
                let patch = json!({ misfit.name: misfit.value });
                caller.patch(&made.id(), &patch).await.refuses(400, &misfit.pointer);
            }
        }
        assert_eq!(caller.read(&made.id()).await.text, made.text);
        caller.delete(&format!("/partyInteraction/{}", made.id())).await.is(204);
        assert_eq!(count(&caller).await, "0", "{api}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_types_extend_or_are_refused() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["type.root"]);
        let caller = server.through(api).await;
        for (type_, base_type, taken) in [
            ("PartyInteraction", None, true),
            ("PartyInteraction", Some("Entity"), true),
            ("StoreVisit", Some("PartyInteraction"), true),
            ("StoreVisit", None, false),
            ("StoreVisit", Some("Visit"), false),
            ("partyInteraction", None, false),
        ] {
            let mut body = api.sample("call");
            body["@type"] = json!(type_);
            if let Some(base_type) = base_type {
                body["@baseType"] = json!(base_type);
            }
            let answer = caller.post("/partyInteraction", &body).await;
            match taken {
                true => assert_eq!(answer.is(201).text_at("/@type"), type_),
                false => drop(answer.refuses(400, type_).refuses(400, "@baseType")),
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_nested_types_are_kept_whole() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["type.nested"]);
        let caller = server.through(api).await;
        let party = json!({"id": "1", "href": "https://x.example", "@type": "Robot",
            "@referredType": "Robot", "serial": {"n": [1, null, {"deep": true}]}});
        let mut attachment = json!({"@type": "HoloScan", "layers": [[1], [2]], "url": 7});
        if api.version == Version::V4 {
            // v4 has no discriminator: its types hold whatever the `@type`.
            attachment["url"] = json!("https://x.example");
        }
        let mut body = api.sample("call");
        body["attachment"] = json!([attachment]);
        body["relatedParty"] = match api.version {
            Version::V4 => json!([party]),
            Version::V5 => json!([{"@type": "RelatedPartyOrPartyRole", "role": "bot",
                "partyOrPartyRole": party}]),
        };
        let made = caller.create(&body).await;
        assert_eq!(made.member("/attachment"), body["attachment"], "{made}");
        assert_eq!(made.member("/relatedParty"), body["relatedParty"], "{made}");
    }
    server.stop().await;
}

/// Texts that are not a JSON object, and what the refusal must say.
fn unreadable() -> Vec<(Vec<u8>, &'static str)> {
    let deep = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    vec![
        (b"".to_vec(), "EOF"),
        (b"   ".to_vec(), "EOF"),
        (b"{".to_vec(), "EOF"),
        (b"{\"reason\": }".to_vec(), "line 1"),
        (b"{'reason': 1}".to_vec(), "line 1"),
        (b"{} {}".to_vec(), "trailing"),
        (b"{\"a\": 01}".to_vec(), "number"),
        (b"{\"a\": NaN}".to_vec(), "line 1"),
        (b"{\"a\": \"\n\"}".to_vec(), "control character"),
        (b"[]".to_vec(), "object"),
        (b"null".to_vec(), "object"),
        (b"\"text\"".to_vec(), "object"),
        (b"7".to_vec(), "object"),
        (br#"{"reason": "a", "reason": "b"}"#.to_vec(), "`/reason`"),
        (br#"{"reason": "a", "\u0072eason": "b"}"#.to_vec(), "`/reason`"),
        (br#"{"note": [{"text": "a", "text": "a"}]}"#.to_vec(), "`/note/0/text`"),
        (br#"{"x": {"a/b": 1, "a/b": 1}}"#.to_vec(), "`/x/a~1b`"),
        (deep(64).into_bytes(), "deeper"),
        (deep(100_000).into_bytes(), "deeper"),
        (b"{\"reason\": \"\xff\"}".to_vec(), "UTF-8"),
        (b"{\"reason\": \"\xc0\xaf\"}".to_vec(), "UTF-8"),
        (b"\xef\xbb\xbf{}".to_vec(), "line 1"),
        (br#"{"reason": "\ud800"}"#.to_vec(), "line 1"),
        (br#"{"reason": "\udc00x"}"#.to_vec(), "line 1"),
        (br#"{"$serde_json::private::Number": "1"}"#.to_vec(), "reserved"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_bodies_are_refused_everywhere() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["create.strict-json"]);
        let caller = server.through(api).await;
        let made = caller.create_sample("call").await;
        let path = format!("/partyInteraction/{}", made.id());
        for (body, told) in unreadable() {
            let calls = [
                (Method::POST, "/partyInteraction"),
                (Method::POST, "/hub"),
                (Method::PATCH, &path),
            ];
            for (method, path) in calls {
                let call = caller.call(method, path).body("application/json", body.clone());
                call.send().await.refuses(400, told);
            }
        }
        assert_eq!(caller.read(&made.id()).await.text, made.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_but_valid_texts_survive() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["type.odd-text"]);
        let caller = server.through(api).await;
        for text in [
            r#""\u0000""#,
            r#""a\u0000b""#,
            r#""\ud83d\ude00""#,
            r#""😀""#,
            r#""\/\b\f\n\r\t\"\\""#,
            r#""\u2028\ufeff""#,
            r#""' OR 1=1; --""#,
            r#""<script>""#,
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            let mut body = api.sample("call");
            body["description"] = expected.clone();
            body["odd"] = json!({ expected.as_str().unwrap(): expected });
            let made = caller.create(&body).await;
            for answer in [caller.read(&made.id()).await.is(200), made] {
                assert_eq!(answer.member("/description"), expected, "{answer}");
                assert_eq!(answer.member("/odd"), body["odd"], "{answer}");
            }
        }
    }
    server.stop().await;
}
