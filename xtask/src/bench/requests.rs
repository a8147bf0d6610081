//! What single requests cost, and what each trick earns: against the plain server, a commit for each
//! request, and a server that only judges.

use super::Bench;
use super::contest::{Cost, Turn, contest, table};
use super::datasets::store_of;
use super::generate::Size;
use super::loads::{Loads, V4, V5};
use super::report::{Shown, Table};
use super::server::Server;
use super::targets::{Found, Target};
use super::wrk::Load;

/// Measures.
pub(super) fn measure(bench: &Bench, found: &mut Found) -> anyhow::Result<Shown> {
    let documents = bench.middling();
    let loads = Loads { documents };
    let start = |name: &str, settings: &[(&str, &str)]| {
        let file = bench.datasets.own(documents, name)?;
        Server::ours(&bench.binary, &store_of(&file), settings)
    };
    let mut ours = start("requests", &[])?;
    let mut one_commit = start("one-commit", &[("TMF683_LIMITS__WRITE_BATCH", "1")])?;
    let mut judging = start("judging", &[("TMF683_LIMITS__WRITE_QUEUE", "0")])?;
    let mut plain = Server::plain(&bench.plain, &bench.datasets.plain(documents)?)?;
    let live = Load::get("GET /health/live, 32 connections", 32, vec!["/health/live".into()]);
    let get = loads.get(V5);
    let post = |connections| loads.post(connections, Size::Small);
    let large = loads.post(64, Size::Large);
    let named = |load: &Load, whose: &str| load.called(&format!("{}: {whose}", load.name));
    let turns = [
        Turn::new(&ours, live),
        Turn::new(&ours, get.clone()),
        Turn::new(&ours, loads.get(V4).called("GET by id through v4, 32 connections")),
        Turn::new(&plain, named(&get, "plain server")),
        Turn::new(&ours, post(1)),
        Turn::new(&plain, named(&post(1), "plain server")),
        Turn::new(&ours, post(64)),
        Turn::new(&judging, named(&post(64), "only judged").refused()),
        Turn::new(&one_commit, named(&post(64), "a commit each")),
        Turn::new(&plain, named(&post(64), "plain server")),
        Turn::new(&ours, large.clone()),
        Turn::new(&plain, named(&large, "plain server")),
    ];
    let costs = contest(&bench.wrk, bench.pace, &turns)?;
    let [
        live,
        get,
        get_v4,
        plain_get,
        one,
        plain_one,
        many,
        judged,
        each,
        plain_many,
        large,
        plain_large,
    ] = costs.as_slice()
    else {
        anyhow::bail!("a turn has no cost");
    };
    found.insert(Target::GetToLive, get.faster_than(live));
    found.insert(Target::GroupCommit, many.faster_than(each));
    found.insert(Target::DurableToJudged, many.faster_than(judged));
    let mut earned = Table::new(["compared", "requests/s", "CPU"]);
    let mut compare = |what: &str, a: &Cost, b: &Cost| {
        earned.row([
            what.to_owned(),
            format!("{:.2}×", a.faster_than(b)),
            format!("{:.2}×", a.dearer_than(b)),
        ]);
    };
    compare("GET by id to the plain server", get, plain_get);
    compare("GET by id through v4 to v5: the lens", get_v4, get);
    compare("POST, 1 connection, to the plain server", one, plain_one);
    compare("POST, 64 connections, to the plain server", many, plain_many);
    compare("POST of 3.5 KB, 64 connections, to the plain server", large, plain_large);
    compare("group commit: POST, 64 connections, to a commit each", many, each);
    compare("writing it down: POST, 64 connections, to only judged", many, judged);
    for server in [&mut ours, &mut one_commit, &mut judging, &mut plain] {
        server.stop(&bench.root)?;
    }
    Ok(Shown {
        title: "Requests, and what each trick earns".into(),
        text: format!(
            "Over {documents} interactions, of random ids and with thousands of different bodies of 650 bytes. The \
             plain server (`server/examples/plain.rs`) is the one to beat: typed bodies, a transaction for \
             each create with the same durability, index entries and event, a pool of connections on blocking \
             threads. It has one version, no schema and no listeners. \"Only judged\" is ours without a write \
             queue: each request is parsed, judged and made ready to be written, then refused."
        ),
        tables: vec![table("load", &costs), earned],
    })
}
