//! Answers of other vendors' servers, which leave out and add.

use super::*;

#[tokio::test]
async fn missing_and_unknown_members_are_read() {
    let body = json!({
        "id": "1",
        "vendorScore": {"value": 7},
        "relatedParty": [
            {"role": "customer", "partyOrPartyRole": {"id": "42", "vip": true}},
            {"role": "agent", "partyOrPartyRole": {"@type": "Robot", "model": "R2"}},
        ],
        "relatedChannel": [{"channel": {"name": "shop"}}],
        "attachment": [{"name": "photo"}],
        "note": null,
        "creationDate": "yesterday",
    });
    let server = Server::start([answer(200, &[], &body.to_string())]).await;
    let client = quick(&server).build().unwrap();
    let read = client.retrieve("1").await.unwrap();
    assert_eq!((read.type_.as_deref(), read.etag.as_deref()), (None, None));
    assert_eq!(read.extra["vendorScore"], json!({"value": 7}));
    let mut expected = body;
    expected.as_object_mut().unwrap().remove("note");
    assert_eq!(serde_json::to_value(&read.body).unwrap(), expected);
}

#[cfg(feature = "exact-numbers")]
#[tokio::test]
async fn numbers_keep_their_spelling() {
    let body = r#"{"id":"1","price":0.10,"serial":36893488147419103232}"#;
    let server = Server::start([answer(200, &[], body)]).await;
    let read = quick(&server).build().unwrap().retrieve("1").await.unwrap();
    assert_eq!(serde_json::to_string(&read.body).unwrap(), body);
}

#[tokio::test]
async fn any_2xx_is_a_success() {
    let partial = answer(206, &["X-Total-Count: 1"], &page(&["1"]));
    let answers = [
        answer(200, &[r#"ETag: "1""#], &interaction("1")),
        answer(201, &[], &interaction("1")),
        answer(200, &[], &interaction("1")),
        partial,
    ];
    let server = Server::start(answers).await;
    let client = quick(&server).build().unwrap();
    let created = client.create(&new_interaction()).await.unwrap();
    assert_eq!(created.etag.as_deref(), Some(r#""1""#));
    client.patch("1", &json!({})).await.unwrap();
    client.delete("1").await.unwrap();
    assert_eq!(ids(&client, ListQuery::new()).await.unwrap(), ["1"]);
}
