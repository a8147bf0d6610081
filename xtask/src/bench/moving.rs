//! A store that moves from SQLite to PostgreSQL, and what it is there: bytes, starts, first lists, and the
//! same loads as ever at that size.

use super::Bench;
use super::contest::{Turn, contest, table};
use super::curves::{FIRST_LISTS, first_lists};
use super::datasets::{MOST_KEPT, store_of};
use super::generate::Size;
use super::loads::{Loads, V5};
use super::report::{Shown, Table};
use super::server::{Server, ended_children_seconds, family_seconds};
use crate::tools::{output, program};
use anyhow::Context;
use std::time::Instant;
use test_postgres::Cluster;

/// Bytes of tables with all that belongs to them.
const INTERACTIONS: &str = "SELECT pg_total_relation_size('interaction')";
const INDEX: &str =
    "SELECT pg_total_relation_size('attribute_text') + pg_total_relation_size('attribute_instant')";
const EVENTS: &str = "SELECT pg_total_relation_size('outbox')";
const EVENTS_KEPT: &str = "SELECT count(*) FROM outbox";
/// How much the database has written ahead since it was made, in bytes.
const LOG: &str = "SELECT pg_current_wal_lsn() - '0/0'";

/// Measures.
pub(super) fn measure(bench: &Bench) -> anyhow::Result<Shown> {
    let documents = bench.sizes.iter().copied().filter(|size| *size <= MOST_KEPT).max();
    let documents = documents.unwrap_or_else(|| bench.middling());
    let original = store_of(&bench.datasets.ours(documents)?.file);
    let cluster = Cluster::start(&["fsync=on"])?;
    let database = cluster.process_id()?;
    let number = |sql: &str| -> anyhow::Result<f64> { Ok(cluster.sql(&[sql])?.trim().parse()?) };
    let mut moved = Table::new(["`tmf683-server migrate`", "s", "its CPU, s", "database's CPU, s"]);
    for (what, argument) in [
        ("the first run: copied, and read again", None),
        ("another run, of which nothing is new", None),
        ("`--verify-only`", Some("--verify-only")),
        ("`--finish`, nothing being new", Some("--finish")),
    ] {
        let mut migrate = program(&bench.folder, &bench.binary, &["migrate", "--from"]);
        migrate.arg(&original).arg("--to").arg(cluster.url()).args(argument);
        let (own, its) = (ended_children_seconds()?, family_seconds(database)?);
        let began = Instant::now();
        output(&mut migrate).context("migrate")?;
        let seconds = began.elapsed().as_secs_f64();
        let (own, its) = (ended_children_seconds()? - own, family_seconds(database)? - its);
        println!("migrate, {what}: {seconds:.1} s");
        let cells = [seconds, own, its].map(|seconds| format!("{seconds:.1}"));
        moved.row([what.to_owned()].into_iter().chain(cells));
    }
    let each = |sql: &str, of: f64| anyhow::Ok(format!("{:.0}", number(sql)? / of));
    let (interaction, index) =
        (each(INTERACTIONS, documents as f64)?, each(INDEX, documents as f64)?);
    let began = Instant::now();
    let mut server = Server::ours(&bench.binary, &cluster.url(), &[])?.with_database(database);
    server.wait_until_ready()?;
    let ready = began.elapsed().as_secs_f64();
    let mut there = Table::new(["there", ""]);
    there.say("start to ready", format!("{ready:.2} s"));
    for (what, seconds) in FIRST_LISTS.iter().zip(first_lists(&server)?) {
        there.say(*what, format!("{seconds:.3}"));
    }
    let loads = Loads { documents };
    let all = [loads.get(V5)].into_iter().chain(loads.lists());
    let turns: Vec<_> = all.map(|load| Turn::new(&server, load)).collect();
    let mut costs = contest(&bench.wrk, bench.pace, &turns)?;
    let (log, events) = (number(LOG)?, number(EVENTS_KEPT)?);
    let turns = [Turn::new(&server, loads.post(64, Size::Small))];
    costs.extend(contest(&bench.wrk, bench.pace, &turns)?);
    let (log, events) = (number(LOG)? - log, number(EVENTS_KEPT)? - events);
    server.stop(&bench.root)?;
    there.say("bytes of an interaction and its keys", interaction);
    there.say("bytes of its index entries", index);
    there.say("bytes of an event", each(EVENTS, events)?);
    there.say(
        "bytes of write-ahead log for a POST, images of whole pages included",
        format!("{:.0}", log / events),
    );
    Ok(Shown {
        title: "Moving to PostgreSQL".into(),
        text: format!(
            "{documents} interactions of 650 bytes (890 as they are stored) move from SQLite to a PostgreSQL of \
             this machine, with `fsync=on` and its own defaults. Each run compares all rows of both sides. \
             Then what they are there. The first lists after a start walk the index, as on SQLite."
        ),
        tables: vec![moved, there, table("load there", &costs)],
    })
}
