//! Pages, and streams of them.

use super::*;

#[tokio::test]
async fn one_page() {
    let headers = ["X-Total-Count: 7", "X-Result-Count: 2", r#"Link: <?offset=4>; rel="next""#];
    let server = Server::start([answer(200, &headers, &page(&["3", "4"]))]).await;
    let client = quick(&server).build().unwrap();
    let query = ListQuery::new()
        .filter("relatedParty.name", "Ada & Bob")
        .filters([("customMember", "x"), ("customMember", "y")])
        .sort("-creationDate")
        .fields("reason");
    let page = client.list(query).page(2, 2).await.unwrap();
    assert_eq!((page.items.len(), page.total, page.count), (2, Some(7), 2));
    assert_eq!(page.next, Some(format!("{}/partyInteraction?offset=4", server.base())));
    assert_eq!(
        server.lines(),
        ["GET /v5/partyInteraction?relatedParty.name=Ada+%26+Bob&customMember=x\
          &customMember=y&sort=-creationDate&fields=reason&offset=2&limit=2"]
    );
}

#[tokio::test]
async fn links_are_followed_to_the_last() {
    let next = r#"Link: </rewritten?cursor=a%2Bb&status=x>; rel="next""#;
    let first = answer(200, &[next], &page(&["1", "2"]));
    let server = Server::start([first, answer(200, &[], &page(&["3"]))]).await;
    let client = quick(&server).build().unwrap();
    let query = ListQuery::new().filter("status", "x").page_size(2);
    assert_eq!(ids(&client, query).await.unwrap(), ["1", "2", "3"]);
    assert_eq!(
        server.lines(),
        [
            "GET /v5/partyInteraction?status=x&limit=2",
            "GET /v5/partyInteraction?cursor=a%2Bb&status=x",
        ]
    );
}

#[tokio::test]
async fn links_to_other_origins_are_not_followed() {
    let elsewhere = Server::start([]).await;
    let link = format!(r#"Link: <{}/partyInteraction?offset=1>; rel="next""#, elsewhere.base());
    let first = answer(200, &[&link, "X-Total-Count: 2"], &page(&["1"]));
    let second = answer(200, &["X-Total-Count: 2"], &page(&["2"]));
    let server = Server::start([first, second]).await;
    let client = quick(&server).bearer_token("s3cret").build().unwrap();
    assert_eq!(ids(&client, ListQuery::new().page_size(1)).await.unwrap(), ["1", "2"]);
    assert_eq!(server.lines()[1], "GET /v5/partyInteraction?offset=1&limit=1");
    assert_eq!(elsewhere.lines().len(), 0);
}

#[tokio::test]
async fn without_links_offsets_count_on_to_an_empty_page() {
    let pages = [page(&["1", "2"]), page(&["3"]), page(&[])];
    let server = Server::start(pages.map(|body| answer(200, &[], &body))).await;
    let client = quick(&server).build().unwrap();
    let query = ListQuery::new().page_size(5);
    assert_eq!(ids(&client, query).await.unwrap(), ["1", "2", "3"]);
    let lines = server.lines();
    let offsets: Vec<_> = lines.iter().filter_map(|line| line.split('?').nth(1)).collect();
    assert_eq!(offsets, ["limit=5", "offset=2&limit=5", "offset=3&limit=5"]);
}

#[tokio::test]
async fn an_empty_page_ends_it_whatever_the_link_says() {
    let next = r#"Link: <?offset=9>; rel="next""#;
    let server = Server::start([answer(200, &[next], "[]")]).await;
    let client = quick(&server).build().unwrap();
    assert_eq!(ids(&client, ListQuery::new()).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn servers_that_ignore_offset_are_found_out() {
    let same = || answer(200, &[], &page(&["1", "2"]));
    let server = Server::start([same(), same(), same()]).await;
    let client = quick(&server).build().unwrap();
    let failed = ids(&client, ListQuery::new()).await.unwrap_err();
    assert!(matches!(failed, Error::RepeatedPage { offset: 2 }), "{failed}");

    let circle = r#"Link: <?cursor=1>; rel="next""#;
    let of = |id| answer(200, &[circle], &page(&[id]));
    let server = Server::start([of("1"), of("2"), answer(200, &[], "[]")]).await;
    let client = quick(&server).build().unwrap();
    assert_eq!(ids(&client, ListQuery::new()).await.unwrap(), ["1", "2"]);
}

#[tokio::test]
async fn a_failing_page_ends_the_stream() {
    let first = answer(200, &["X-Total-Count: 2"], &page(&["1"]));
    let refused = answer(400, &[], r#"{"code": "20", "reason": "no such offset"}"#);
    let server = Server::start([first, refused]).await;
    let client = quick(&server).build().unwrap();
    let mut stream = client.list(ListQuery::new()).stream();
    assert!(stream.try_next().await.unwrap().is_some());
    assert_eq!(stream.try_next().await.unwrap_err().status(), Some(400));
    assert!(stream.try_next().await.unwrap().is_none());
}
