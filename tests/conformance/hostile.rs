//! Input nobody sends by mistake: each attack is answered by a 4xx in TMF shape that names what is
//! wrong, or by a closed connection where HTTP itself is broken. Nothing is lost, memory stays flat.

mod attack;
mod bodies;
mod connections;
mod patches;
mod queries;

use attack::{Attack, Expected, HOST};
use harness::{APIS, Api, Database, ServerProcess, TestServer, exchange};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

/// How often the whole table is sent.
const ROUNDS: usize = 5;
/// After so many rounds every thread has met most attacks, and its allocator has what it needs. How much
/// of that it has given back at the end of a round is chance, so the highest of several is compared.
const WARM: usize = 3;
/// What all later rounds together may add. The largest attacks are of 1 MiB, and there are dozens.
const MOST_GROWTH_KIB: u64 = 32 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_and_nothing_is_lost() {
    let database = Database::empty();
    let server = ServerProcess::start_on(&database, &[]).await;
    let mut attacks = connections::attacks();
    for api in [Api::V4, Api::V5] {
        let caller = server.through(api).await;
        let id = caller.create(&odd(api)).await.id();
        caller.create_sample("call").await;
        attacks.extend(queries::attacks(api, &id));
        attacks.extend(bodies::attacks(api));
        attacks.extend(patches::attacks(api, &id));
    }
    let before = everything(&server).await;
    let mut resident_kib = Vec::new();
    for _ in 0..ROUNDS {
        for attack in &attacks {
            attack.judge(&exchange(server.address(), &attack.bytes).await);
        }
        resident_kib.push(server.resident_kib());
    }
    assert_eq!(everything(&server).await, before);
    let [warm, later] =
        [&resident_kib[..WARM], &resident_kib[WARM..]].map(|some| some.iter().max());
    let grown = later.unwrap().saturating_sub(*warm.unwrap());
    assert!(grown <= MOST_GROWTH_KIB, "memory grows: {resident_kib:?} KiB");
}

/// All that is stored, to the letter, as both versions show it.
async fn everything(server: &ServerProcess) -> Vec<String> {
    let mut views = Vec::new();
    for api in [Api::V4, Api::V5] {
        let list = Attack::get(api, "", "the list").expecting(Expected::Answered(200));
        let reply = exchange(server.address(), &list.bytes).await;
        list.judge(&reply);
        assert!(reply.body.contains(HOST) && reply.body.matches("\"href\":\"http").count() >= 4);
        views.push(reply.body);
    }
    views
}

/// Names that mean something elsewhere, or nothing anywhere.
const ODD_NAMES: [&str; 10] = [
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "$ref",
    "a\"b",
    "\0",
    "\u{1f600}",
    "",
    "a.b",
];

/// Every control character, and some that look like none.
fn controls() -> String {
    let others = [0x7f, 0x80, 0x9f, 0x2028, 0xfeff, 0xffff, 0x1_f600];
    (0..0x20).chain(others).filter_map(char::from_u32).collect()
}

/// What a client may send, however odd.
fn odd(api: Api) -> Value {
    let mut body = api.sample(&controls());
    for name in ODD_NAMES {
        body[name] = json!({ name: [name, { "x": controls() }] });
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_is_kept_and_found_again() {
    let server = TestServer::start().await;
    for api in APIS {
        let caller = server.through(api).await;
        let body = odd(api);
        // serde_json, which builds the sample, would spell these its own way.
        let numbers = "[1e400,-0,1E999999999,-1e-999999999,0.10,18446744073709551616]";
        let text = body.to_string();
        let text = format!("{},\"numbers\":{numbers}}}", text.strip_suffix('}').unwrap());
        let id = caller.post_text("/partyInteraction", text).await.is(201).id();
        caller.patch(&id, &json!({ "status": "changed" })).await.is(200);
        for reading in APIS {
            let read = server.through(reading).await.read(&id).await.is(200);
            assert!(read.text.contains(numbers), "{read}");
            for name in ODD_NAMES.into_iter().chain(["reason"]) {
                assert_eq!(read.json()[name], body[name], "{name:?} through {reading}: {read}");
            }
        }
        for name in ODD_NAMES {
            let coded: String = byte_serialize(name.as_bytes()).collect();
            let query = format!("/partyInteraction?{coded}.{coded}={coded}&id={id}&fields=none");
            let answer = caller.get(&query).await;
            match name {
                // A path cannot say these: its names are between dots.
                "" | "a.b" => drop(answer.refuses(400, "no such attribute")),
                _ => assert_eq!(answer.is(200).ids(), [id.as_str()], "{name:?}"),
            }
        }
        let coded: String = byte_serialize(controls().as_bytes()).collect();
        let query = format!("/partyInteraction?reason={coded}&id={id}");
        assert_eq!(caller.get(&query).await.is(200).ids(), [id.as_str()]);
    }
    server.stop().await;
}

/// PostgreSQL keeps no U+0000 in texts, SQLite does: an import refuses it where it would not be kept by
/// both, naming the line, and takes all other lines.
#[tokio::test(flavor = "multi_thread")]
async fn zeros_are_kept_or_refused_by_name() {
    let database = Database::empty();
    let with = |member: &str, value: &str| {
        let mut line = Api::V5.sample("\0 in a text");
        line[member] = json!(value);
        line.to_string()
    };
    let lines = [
        with("id", "kept"),
        with("id", "a\0b"),
        with("href", "http://elsewhere/\0"),
        with("id", "last"),
    ];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines.ndjson"), lines.join("\n")).unwrap();
    let command =
        ["import", "--store", database.store(), "--errors", "refused.ndjson", "lines.ndjson"];
    let ended = ServerProcess::run(&command, &[], folder.path()).await;
    let refused = std::fs::read_to_string(folder.path().join("refused.ndjson")).unwrap();
    let refused: Vec<&str> = refused.lines().collect();
    assert!(refused.len() == 2, "{refused:?} {ended:?}");
    assert!(refused[0].contains("/id") && refused[1].contains("/href"), "{refused:?}");
    let server = ServerProcess::start_on(&database, &[]).await;
    let caller = server.through(Api::V5).await;
    for id in ["kept", "last"] {
        assert_eq!(caller.read(id).await.is(200).text_at("/reason"), "\0 in a text");
    }
    let all = caller.get("/partyInteraction?reason=%00%20in%20a%20text").await.is(200);
    assert_eq!(all.ids(), ["kept", "last"]);
}
