//! Random interactions, random questions about them, and the answer without any index: for tests of
//! lists on every store.

use crate::domain::interaction::Interaction;
use crate::query::filter::{self, Filter};
use crate::query::sort::tests::naively;
use crate::query::sort::{Sort, SortKey};
use crate::query::vocabulary::Kind;
use crate::store::contract::{PageQuery, Start};
use proptest::collection::vec;
use proptest::prelude::*;

/// Collection address of who asks.
const HREF_PREFIX: &str = "http://h/";

/// The answer without any index.
pub fn plainly(stored: &[Interaction], query: &PageQuery) -> (u64, Vec<Interaction>) {
    let matches = |i: &&Interaction| query.filter.matches(i, &i.members().unwrap());
    let mut all: Vec<_> = stored.iter().filter(matches).cloned().collect();
    if let Some(sort) = &query.sort {
        all.sort_by(|one, other| naively(sort, one, other));
    }
    let Start::Offset(offset) = query.start else { panic!("an offset is asked for") };
    let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
    (all.len() as u64, all.into_iter().skip(offset as usize).take(limit).collect())
}

/// `creationDate` tells zones and parts of microseconds, `lastUpdate` is often not there or odd.
pub fn text(status: u8, direction: u8, parties: &[u8], date: u8, note: u8) -> String {
    let parties = parties
        .iter()
        .map(|id| format!(r#"{{"role":"r{}","partyOrPartyRole":{{"id":"p{id}"}}}}"#, id % 2));
    let update = match (date, note) {
        (0, _) => "",
        (1, 0) => r#""lastUpdate":"2024-01-01T00:00:00.0000005Z","#,
        (1, 1) => r#""lastUpdate":"2024-01-01T00:00:00.0000001Z","#,
        (2, 2) if parties.len() == 2 => r#""lastUpdate":["2024-01-01","2024-01-02"],"#,
        (2, 1) if parties.len() == 2 && direction == 1 => r#""lastUpdate":"soon","#,
        (_, _) => r#""lastUpdate":"2024-01-01T12:00:00Z","#,
    };
    format!(
        r#"{{"status":"s{status}","direction":"d{direction}","relatedParty":[{}],
            "creationDate":"2024-01-01T0{date}:00:00.000000{note}+0{date}:00",{update}
            "note":[{{"text":"n{note}"}}]}}"#,
        parties.collect::<Vec<_>>().join(",")
    )
}

/// What an interaction is about: `href` and text, without regard to which one it is.
pub fn contents() -> impl Strategy<Value = (Option<String>, String)> {
    let one = (0..3u8, 0..2u8, vec(0..4u8, 0..3), 0..3u8, 0..3u8, prop::option::of(0..5u8));
    one.prop_map(|(status, direction, parties, date, note, foreign)| {
        let href = foreign.map(|n| format!("http://old/i{n}"));
        (href, text(status, direction, &parties, date, note))
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let many = |operand: &'static str, n: u8| {
        vec(0..n, 1..4).prop_map(move |all| {
            all.iter().map(|n| format!("{operand}{n}")).collect::<Vec<_>>().join("|")
        })
    };
    let equality = prop_oneof![
        many("s", 4).prop_map(|any| ("status", any)),
        many("d", 2).prop_map(|any| ("direction", any)),
        many("p", 5).prop_map(|any| ("relatedParty.partyOrPartyRole.id", any)),
        many("r", 2).prop_map(|any| ("relatedParty.role", any)),
        many("n", 3).prop_map(|any| ("note.text", any)),
        many("i", 9).prop_map(|any| ("id", any)),
        many("http://h/i", 9).prop_map(|any| ("href", any)),
        many("http://old/i", 9).prop_map(|any| ("href", any)),
        (0..2u8).prop_map(|n| ("creationDate", format!("2024-01-01T00:00:00.000000{n}Z"))),
    ];
    let equality = (equality, any::<bool>())
        .prop_map(|((path, any), not)| format!("{path}{}{any}", if not { "!=" } else { "=" }));
    let order = prop_oneof![Just(">"), Just(">="), Just("<"), Just("<=")];
    let instants = prop_oneof![
        (0..3u8).prop_map(|n| format!("2024-01-01T00:00:00.000000{n}Z")),
        (0..3u8).prop_map(|n| format!("2024-01-01T00:00:00.00000{n}Z")),
        Just("2024-01-01".to_owned()),
        Just("2023-12-31".to_owned()),
    ];
    let texts = prop_oneof![
        (0..4u8).prop_map(|n| ("status", format!("s{n}"))),
        (0..5u8).prop_map(|n| ("relatedParty.partyOrPartyRole.id", format!("p{n}"))),
        (0..9u8).prop_map(|n| ("id", format!("i{n}"))),
    ];
    let dates = prop_oneof![Just("creationDate"), Just("lastUpdate")];
    let compared = prop_oneof![(dates, instants), texts];
    let ordered =
        (compared, order).prop_map(|((path, operand), order)| format!("{path}{order}{operand}"));
    let pattern = (0..3u8).prop_map(|n| format!("note.text~[^{n}]$"));
    let condition = prop_oneof![4 => equality, 3 => ordered, 1 => pattern];
    vec(condition, 0..4)
        .prop_map(|conditions| filter::tests::filter(&conditions.join("&"), HREF_PREFIX))
}

fn sorts() -> impl Strategy<Value = Option<Sort>> {
    let name = prop_oneof![
        3 => Just("creationDate"),
        1 => Just("lastUpdate"),
        1 => Just("status"),
        1 => Just("note.text"),
        1 => Just("relatedParty.partyOrPartyRole.id"),
        1 => Just("id"),
        1 => Just("href"),
    ];
    let keys = vec((name, any::<bool>()), 0..3).prop_map(|keys| {
        let key = |(name, descending): &(&str, bool)| SortKey {
            name: (*name).to_owned(),
            places: vec![(
                name.split('.').map(str::to_owned).collect(),
                if name.ends_with("Date") || *name == "lastUpdate" {
                    Kind::Instant
                } else {
                    Kind::Text
                },
            )],
            descending: *descending,
        };
        keys.iter().map(key).collect::<Vec<_>>()
    });
    keys.prop_map(|keys| {
        let href_prefix = HREF_PREFIX.to_owned();
        (!keys.is_empty()).then_some(Sort { keys, href_prefix })
    })
}

/// A list from an offset on.
pub fn question() -> impl Strategy<Value = PageQuery> {
    let parts = (filters(), sorts(), 0..5u64, prop::option::of(0..10u64));
    parts.prop_map(|(filter, sort, offset, limit)| PageQuery {
        filter,
        sort,
        start: Start::Offset(offset),
        limit,
    })
}
