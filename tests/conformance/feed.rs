//! Events for those who cannot be called: pages, and streams that go on where others broke off.
//! (D11; Server-Sent Events, HTML Living Standard §9.2)

use harness::shows;
use harness::{APIS, Answer, Api, Caller, DEADLINE, EventStream, Listener, TestServer};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nobody may have to wait for it.
const LONG_GRACE: &str = "[shutdown]\ngrace_seconds = 600\n";

fn bodies(page: &Answer) -> Vec<Value> {
    page.json().as_array().unwrap().clone()
}

/// Where a page leads, as the place in its link.
fn place(page: &Answer) -> String {
    let next = page.link("next").unwrap();
    next.split_once("since=").unwrap().1.to_owned()
}

/// All pages from a place on, until one ends where it began.
async fn read_on(caller: &Caller, mut url: String) -> (Vec<Value>, String) {
    let mut found = Vec::new();
    loop {
        let page = caller.get_url(&url).await.is(200);
        found.extend(bodies(&page));
        let next = page.link("next").unwrap();
        if next == url {
            return (found, url);
        }
        url = next;
    }
}

async fn stream(caller: &Caller, query: &str, last: Option<&str>) -> EventStream {
    let call = caller.call(Method::GET, &format!("/events{query}"));
    let call = call.header("accept", "text/event-stream");
    let call = if let Some(last) = last { call.header("last-event-id", last) } else { call };
    call.stream().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_what_listeners_get() {
    for api in APIS {
        shows!(api, ["feed.page", "feed.next", "feed.filter"]);
        let mut server = TestServer::start().await;
        let caller = server.through(api).await;
        let empty = caller.get("/events").await.is(200);
        assert_eq!(bodies(&empty), [] as [Value; 0]);
        let listener = Listener::good().await;
        caller.post("/hub", &api.subscription(&listener.callback())).await.is(201);
        let id = caller.create_sample("first").await.id();
        caller.patch(&id, &json!({"status": "closed", "reason": "second"})).await.is(200);
        caller.delete(&format!("/partyInteraction/{id}")).await.is(204);
        let posted = listener.acknowledges(4).await;
        posted.iter().for_each(|one| one.is_declared_by(&caller.document));
        let told: Vec<Value> = posted.iter().map(|one| one.body.clone()).collect();

        let whole = caller.get("/events").await.is(200);
        assert_eq!(bodies(&whole), told, "{api}");
        let parts = caller.get("/events?limit=3").await.is(200);
        assert_eq!(bodies(&parts), told[..3]);
        let (rest, end) = read_on(&caller, parts.link("next").unwrap()).await;
        assert_eq!(rest, told[3..]);
        let (all, _) = read_on(&caller, empty.link("next").unwrap()).await;
        assert_eq!(all, told);

        for (query, expected) in [
            ("eventType=PartyInteractionDeleteEvent", vec![3]),
            ("event.partyInteraction.status=opened", vec![0]),
            ("limit=1&event.partyInteraction.reason=second&since=1", vec![1]),
        ] {
            let found = bodies(&caller.get(&format!("/events?{query}")).await.is(200));
            let expected: Vec<_> = expected.into_iter().map(|n: usize| &told[n]).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{api} {query}");
        }
        let last = caller.call(Method::GET, "/events?since=0").header("last-event-id", "3");
        assert_eq!(bodies(&last.send().await.is(200)), told[3..]);

        // The place outlives the server, whose port is another one now.
        let since = end.split_once("since=").unwrap().1.to_owned();
        server.restart().await;
        let caller = server.through(api).await;
        caller.create_sample("later").await;
        let page = caller.get(&format!("/events?since={since}")).await.is(200);
        assert_eq!(bodies(&page).len(), 1);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_honoured_is_refused() {
    let server = TestServer::start().await;
    for api in APIS {
        shows!(api, ["feed.refused"]);
        let caller = server.through(api).await;
        for (query, culprit) in [
            ("since=x", "since"),
            ("since=-1", "since"),
            ("since=", "since"),
            ("since=99999", "since"),
            ("since=0&since=0", "since"),
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("offset=1", "offset"),
            ("fields=eventId", "fields"),
            ("status=opened", "status"),
            ("eventType=Nothing", "Nothing"),
            ("event.partyInteraction.colour=red", "event.partyInteraction.colour"),
        ] {
            for accept in ["application/json", "text/event-stream"] {
                let call = caller.call(Method::GET, &format!("/events?{query}"));
                call.header("accept", accept).send().await.refuses(400, culprit);
            }
        }
        let call = caller.call(Method::GET, "/events").header("last-event-id", "seven");
        call.send().await.refuses(400, "Last-Event-ID");
        let call = caller.call(Method::GET, "/events").header("accept", "text/html");
        call.send().await.refuses(406, "text/event-stream");
        // Who only follows streams has no use for anything else.
        let call = caller.call(Method::GET, "/partyInteraction");
        call.header("accept", "text/event-stream").send().await.is(406);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_late_is_told() {
    let mut server = TestServer::with("[events]\nretention_count = 2").await;
    let caller = server.through(Api::V5).await;
    for n in 0..5 {
        caller.create_sample(&n.to_string()).await;
    }
    let before = caller.get("/events?limit=1").await.is(200);
    // What is too much goes when a server starts.
    server.restart().await;
    for api in APIS {
        shows!(api, ["feed.gone"]);
        let caller = server.through(api).await;
        let query = format!("/events?since={}", place(&before));
        let gone = async {
            loop {
                let answer = caller.get(&query).await;
                if answer.status != 200 {
                    return answer;
                }
            }
        };
        let gone = timeout(DEADLINE, gone).await.expect("old events are removed");
        gone.refuses(410, "since=3");
        let call = caller.call(Method::GET, &query).header("accept", "text/event-stream");
        call.send().await.refuses(410, "since=3");
        let left = caller.get("/events").await.is(200);
        assert_eq!(bodies(&left), bodies(&caller.get("/events?since=3").await.is(200)));
        assert_eq!(bodies(&left).len(), 2);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_another_broke_off() {
    for api in APIS {
        shows!(api, ["feed.stream", "feed.resumes", "feed.filter"]);
        let mut server = TestServer::with(LONG_GRACE).await;
        let caller = server.through(api).await;
        caller.create_sample("before").await;
        let mut live = stream(&caller, "", None).await;
        assert_eq!(live.block().await.unwrap(), "retry: 2000\nid: 1");
        let mut closed = stream(&caller, "?event.partyInteraction.status=closed", None).await;

        let id = caller.create_sample("0").await.id();
        let (first, last) = live.take(1).await;
        caller.patch(&id, &json!({"status": "closed"})).await.is(200);
        assert_eq!(closed.take(1).await.0, live.take(1).await.0);
        drop(live);
        for n in 1..40 {
            caller.patch(&id, &json!({"reason": n.to_string()})).await.is(200);
        }
        let (all, _) = read_on(&caller, format!("{}/events?since=1", caller.root())).await;
        assert_eq!(all.len(), 41);
        assert_eq!(all[..1], first);
        let mut again = stream(&caller, "?since=0", Some(&last)).await;
        let (missed, last) = again.take(40).await;
        assert_eq!(missed, all[1..]);

        timeout(DEADLINE, server.restart()).await.expect("streams hold nobody up");
        assert_eq!(again.next().await, None);
        let caller = server.through(api).await;
        let mut again = stream(&caller, &format!("?since={last}"), None).await;
        caller.create_sample("after").await;
        let (after, _) = again.take(1).await;
        assert_eq!(after[0]["event"]["partyInteraction"]["reason"], "after");
        timeout(DEADLINE, server.stop()).await.expect("streams hold nobody up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_end_with_the_server() {
    shows!(["feed.bounds"]);
    let server = TestServer::with(&format!("{LONG_GRACE}[events]\nstreams = 200")).await;
    let caller = server.through(Api::V5).await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(stream(&caller, "", None).await);
    }
    let another = || caller.call(Method::GET, "/events").header("accept", "text/event-stream");
    let refused = another().send().await.is(503);
    assert_eq!(refused.header("retry-after"), "1");
    // Pages are for everybody.
    caller.get("/events").await.is(200);
    caller.create_sample("for all").await;
    for stream in &mut streams {
        stream.take(1).await;
    }
    timeout(DEADLINE, server.stop()).await.expect("streams hold nobody up");
    for stream in &mut streams {
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_cut() {
    shows!(["feed.bounds"]);
    let settings = "[limits]\nstream_stall_seconds = 0\n[events]\nstreams = 1";
    let server = TestServer::with(settings).await;
    let caller = server.through(Api::V5).await;
    let address = caller.origin().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "GET {}/events?since=0 HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n",
        Api::V5.base
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 16];
    timeout(DEADLINE, connection.read_exact(&mut begin)).await.expect("an answer").unwrap();
    // More than lies between a server and a reader who does not read.
    let mut large = Api::V5.sample("large");
    large["description"] = json!("x".repeat(900_000));
    for _ in 0..24 {
        caller.create(&large).await;
    }
    // The only place is free again.
    let again = async {
        loop {
            let request = request
                .replace("since=0", "limit=1")
                .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
            let mut another = TcpStream::connect(&address).await.unwrap();
            another.write_all(request.as_bytes()).await.unwrap();
            let mut head = [0; 12];
            another.read_exact(&mut head).await.unwrap();
            if head.ends_with(b"200") {
                return;
            }
        }
    };
    timeout(DEADLINE, again).await.expect("a place that is given up");
    drop(connection);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_says_that_it_is_there() {
    let server = TestServer::start().await;
    let caller = server.through(Api::V4).await;
    for _ in 0..3 {
        caller.create_sample("not asked for").await;
    }
    let deleted = "?since=0&eventType=PartyInteractionDeleteEvent";
    let mut stream = stream(&caller, deleted, None).await;
    assert_eq!(stream.block().await.unwrap(), "retry: 2000\nid: 0");
    // It stands where nothing was left out, not where it began.
    assert_eq!(stream.block().await.unwrap(), ": still here\nid: 3");
    server.stop().await;
}
