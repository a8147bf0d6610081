//! Bodies that are JSON by another name, against canned servers: what they say they are, and what
//! they say. Both versions write them alike.

use crate::canned::{Server, answer};
use serde_json::{Value, json};

const JSON_PATCH: &str = "application/json-patch+json";
const JSON_PATCH_QUERY: &str = "application/json-patch-query+json";

macro_rules! notations {
    ($version:ident, $create:ident) => {
        mod $version {
            use super::*;
            use tmf683_client::$version::{Client, types};

            #[tokio::test]
            async fn patches_say_which_they_are() {
                let shown = || answer(200, &[], r#"{"id": "1"}"#);
                let server = Server::start([shown(), shown()]).await;
                let client = Client::connect(&server.base()).unwrap();
                let operations: types::JsonPatchOperations =
                    serde_json::from_value(json!([{"op": "remove", "path": "/note/0"}])).unwrap();
                client.json_patch("1", &operations).await.unwrap();
                client.json_patch_query("1", &operations).await.unwrap();
                let expected = [JSON_PATCH, JSON_PATCH_QUERY];
                for (request, media_type) in server.received().iter().zip(expected) {
                    assert_eq!(request.line, "PATCH /v5/partyInteraction/1");
                    assert_eq!(request.header("content-type"), Some(media_type));
                    assert_eq!(request.body, r#"[{"op":"remove","path":"/note/0"}]"#);
                }
            }

            #[tokio::test]
            async fn several_are_created_by_one_patch_of_the_collection() {
                let made = answer(200, &[], r#"[{"id": "1"}, {"id": "2"}]"#);
                // Without a key it may not be sent twice, with one it may.
                let answers = [answer(503, &[], ""), answer(503, &[], ""), made];
                let server = Server::start(answers).await;
                let client = Client::connect(&server.base()).unwrap();
                let calls: [types::$create; 2] = ["a", "b"]
                    .map(|reason| serde_json::from_value(json!({"reason": reason, "n": 1})).unwrap());
                client.create_all(&calls).await.unwrap_err();
                let made = client.create_all(&calls).fields("id").idempotency_key("k").await.unwrap();
                let ids: Vec<_> = made.iter().map(|one| one.id.as_deref()).collect();
                assert_eq!(ids, [Some("1"), Some("2")]);

                let requests = server.received();
                assert_eq!(requests.len(), 3);
                assert_eq!(requests[2].line, "PATCH /v5/partyInteraction?fields=id");
                assert_eq!(requests[2].header("content-type"), Some(JSON_PATCH));
                assert_eq!(requests[2].header("idempotency-key"), Some("k"));
                let body: Value = serde_json::from_str(&requests[2].body).unwrap();
                let creation = |reason: &str| {
                    json!({"op": "add", "path": "/", "value": {"reason": reason, "n": 1}})
                };
                assert_eq!(body, json!([creation("a"), creation("b")]));
            }
        }
    };
}

notations!(v4, PartyInteractionCreate);
notations!(v5, PartyInteractionFvo);
