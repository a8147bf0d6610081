//! What the server says about itself: health, and the documents at each base. (DESIGN §4)

use harness::{APIS, Api, Caller, TestServer, Version, shows};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn each_base_publishes_its_own_document() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["server.documents"]);
        let caller = server.through(api).await;
        let answer = caller.get("/openapi.json").await.is(200);
        assert_eq!(answer.header("content-type"), "application/json");
        let document = answer.json();
        assert!(answer.text_at("/openapi").starts_with("3.0."), "{api}");
        assert_eq!(document["servers"], json!([{"url": api.base}]));
        let version = match api.version {
            Version::V4 => "4.0.0",
            Version::V5 => "5.0.0",
        };
        assert_eq!(document["info"]["version"], version);
        assert_eq!(references(&document), BTreeSet::new(), "{api}: they lead nowhere");
    }
    server.stop().await;
}

/// Every local `$ref` that does not lead anywhere, and every one that is not local.
fn references(document: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| collect(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(document, &mut found);
    assert!(found.len() > 10, "a document has references");
    found.retain(|reference| {
        reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none()
    });
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn v4_is_published_as_swagger_too_and_says_the_same() {
    let server = TestServer::start().await;
    for api in [Api::V4, Api::V4_SHORT] {
        shows!(api, ["server.documents"]);
        let caller = server.through(api).await;
        let swagger = caller.get("/swagger.json").await.is(200).json();
        assert_eq!(swagger["swagger"], "2.0");
        assert_eq!(swagger["basePath"], api.base);
        assert_eq!(references(&swagger), BTreeSet::new(), "{api}: they lead nowhere");
        let openapi = caller.get("/openapi.json").await.is(200).json();
        assert_eq!(promises(&swagger), promises(&openapi));
        assert_eq!(patches_of_swagger(&swagger), patches_of_openapi(&openapi));
    }
    let v5 = server.through(Api::V5).await;
    let url = format!("{}/swagger.json", v5.root());
    v5.get_url(&url).await.is(404);
    server.stop().await;
}

/// Each notation of a patch of one interaction with the name of its schema.
type Patches = BTreeSet<(String, String)>;

fn patches_of_openapi(document: &Value) -> Patches {
    let body = &document["paths"]["/partyInteraction/{id}"]["patch"]["requestBody"];
    notations(&body["content"]).collect()
}

/// Swagger 2.0 has one schema for all it consumes; what has another is in an extension.
fn patches_of_swagger(document: &Value) -> Patches {
    let patch = &document["paths"]["/partyInteraction/{id}"]["patch"];
    let parameters = patch["parameters"].as_array().unwrap();
    let body = parameters.iter().find(|parameter| parameter["in"] == "body").unwrap();
    let consumed = patch["consumes"].as_array().unwrap().iter();
    let consumed = consumed.map(|name| (name.as_str().unwrap().to_owned(), schema_name(body)));
    consumed.chain(notations(&patch["x-request-media"])).collect()
}

fn notations(content: &Value) -> impl Iterator<Item = (String, String)> {
    let content = content.as_object().unwrap().iter();
    content.map(|(media_type, media)| (media_type.clone(), schema_name(media)))
}

fn schema_name(holder: &Value) -> String {
    holder["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// Path, method, operation id and status of everything a document promises.
fn promises(document: &Value) -> BTreeSet<(String, String, String, String)> {
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().into_iter().flat_map(|all| all.keys())
            {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                found.insert((path.clone(), method.clone(), id, status.clone()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_parameter_that_is_declared_is_taken() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        caller.create_sample("one").await;
        caller.create_sample("two").await;
        let page = caller.get("/partyInteraction?limit=1").await;
        let next = page.link("next").unwrap();
        let (_, cursor) = next.split_once("cursor=").unwrap();
        let taken = [
            ("cursor", cursor),
            ("fields", "id"),
            ("filter", "[*]"),
            ("limit", "1"),
            ("offset", "1"),
            ("sort", "id"),
        ];
        let declared = list_parameters(&caller);
        assert_eq!(declared, taken.map(|(name, _)| name.to_owned()).into(), "{api}");
        for (name, value) in taken {
            caller.get(&format!("/partyInteraction?{name}={value}")).await.is(200);
        }
    }
    server.stop().await;
}

fn list_parameters(caller: &Caller) -> BTreeSet<String> {
    let document = &caller.document;
    let parameters = &document.root()["paths"]["/partyInteraction"]["get"]["parameters"];
    let parameters = parameters.as_array().unwrap().iter().map(|each| document.resolved(each));
    parameters.map(|each| each["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_for_everybody() {
    shows!(["server.health"]);
    let server = TestServer::start().await;
    let caller = server.through(Api::V5).await;
    for name in ["live", "ready"] {
        let answer = caller.get_url(&format!("{}/health/{name}", caller.origin())).await.is(200);
        assert_eq!(answer.json(), json!({"status": "pass"}), "{answer}");
    }
    // A check that writes leaves nothing behind.
    assert_eq!(caller.get("/partyInteraction").await.header("x-total-count"), "0");
    server.stop().await;
}
