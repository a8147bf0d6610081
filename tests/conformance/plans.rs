//! How lists are found: told on demand, and refused where the operator has set a bound. (DESIGN D6)

use harness::{APIS, TestServer, Version};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_told_only_on_demand() {
    let server = TestServer::start().await;
    for api in APIS {
        let list = server.through(api).await.get("/partyInteraction").await.is(200);
        assert_eq!(list.maybe_header("x-query-plan"), None, "{list}");
    }
    server.stop().await;
    let server = TestServer::with("explain = true").await;
    for api in APIS {
        let caller = server.through(api).await;
        let mut body = api.sample("call");
        body["größe"] = serde_json::json!(3);
        caller.create(&body).await.is(201);
        let party = match api.version {
            Version::V4 => "relatedParty.id",
            Version::V5 => "relatedParty.partyOrPartyRole.id",
        };
        for (query, expected) in [
            ("", "index none; documents none; order creation;"),
            (
                "description=x&status=opened",
                "index status.eq; documents description.eq; order creation;",
            ),
            ("sort=-reason", "index none; documents none; order -reason by documents;"),
            ("gr%C3%B6%C3%9Fe=4", "index none; documents gr\\u{f6}\\u{df}e.eq; order creation;"),
        ] {
            let list = caller.get(&format!("/partyInteraction?{query}")).await.is(200);
            let plan = list.header("x-query-plan");
            assert!(plan.starts_with(expected), "{list}");
        }
        let list = caller.get(&format!("/partyInteraction?{party}=42&sort=creationDate")).await;
        let plan = list.is(200).header("x-query-plan").to_owned();
        let expected = format!("index {party}.eq; documents none; order creationDate by index;");
        assert!(plan.starts_with(&expected), "{plan}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_read_too_much_is_refused() {
    let server = TestServer::with("[limits]\nscan_documents = 3").await;
    for api in APIS {
        let caller = server.through(api).await;
        let status = format!("{api}");
        for _ in 0..4 {
            let mut body = api.sample("call");
            body["status"] = status.as_str().into();
            caller.create(&body).await.is(201);
        }
        for (query, culprit) in [
            ("description=x", "description.eq"),
            ("status.regex=x", "status.regex"),
            (&*format!("status={status}&description.ne=x"), "description.ne"),
            ("sort=reason", "sort=reason"),
        ] {
            let list = caller.get(&format!("/partyInteraction?{query}")).await;
            list.clone().refuses(400, culprit);
            list.clone().refuses(400, "scan_documents");
            list.refuses(400, "interactionDate.startDateTime");
        }
        for query in [
            &*format!("status={status}"),
            "status=other&description=x",
            "status=other&sort=reason",
            "sort=-creationDate&limit=2",
            "offset=2",
        ] {
            caller.get(&format!("/partyInteraction?{query}")).await.is(200);
        }
    }
    server.stop().await;
}
