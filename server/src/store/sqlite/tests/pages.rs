//! Lists: whatever the plan, the answer is that of looking at every document.

use super::*;
use crate::query::sort::tests::naively;
use crate::query::sort::{Sort, SortKey};
use crate::query::vocabulary::Kind;
use proptest::collection::vec;
use proptest::prelude::*;

/// The answer without any index.
fn plainly(stored: &[Interaction], query: &PageQuery) -> (u64, Vec<Interaction>) {
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
fn text(status: u8, direction: u8, parties: &[u8], date: u8, note: u8) -> String {
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

fn interactions() -> impl Strategy<Value = Vec<Interaction>> {
    let one = (0..3u8, 0..2u8, vec(0..4u8, 0..3), 0..3u8, 0..3u8, any::<bool>());
    type One = (u8, u8, Vec<u8>, u8, u8, bool);
    let interaction =
        |(n, (status, direction, parties, date, note, foreign)): (usize, One)| Interaction {
            id: format!("i{n}"),
            version: 1,
            foreign_href: bool::then(foreign, || format!("http://old/i{}", n % 5)),
            text: text(status, direction, &parties, date, note),
        };
    vec(one, 0..40).prop_map(move |all| all.into_iter().enumerate().map(interaction).collect())
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
    let compared = prop_oneof![instants.prop_map(|instant| ("creationDate", instant)), texts];
    let ordered =
        (compared, order).prop_map(|((path, operand), order)| format!("{path}{order}{operand}"));
    let pattern = (0..3u8).prop_map(|n| format!("note.text~[^{n}]$"));
    let condition = prop_oneof![4 => equality, 3 => ordered, 1 => pattern];
    vec(condition, 0..4).prop_map(|conditions| filter(&conditions.join("&")))
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

fn questions() -> impl Strategy<Value = Vec<PageQuery>> {
    let one = (filters(), sorts(), 0..5u64, proptest::option::of(0..10u64));
    vec(one, 30).prop_map(|all| {
        let query = |(filter, sort, offset, limit)| PageQuery {
            filter,
            sort,
            start: Start::Offset(offset),
            limit,
        };
        all.into_iter().map(query).collect()
    })
}

/// The same as `page`, turning pages by the places that come with them.
async fn turning(f: &Fixture, query: &PageQuery, page: u64) -> Vec<Interaction> {
    let mut query = PageQuery { limit: Some(page), ..query.clone() };
    let mut all = Vec::new();
    loop {
        let page = f.store.page(query.clone()).await.unwrap();
        let count = page.count;
        let items = collected(page.items).await.unwrap();
        assert_eq!(items.len() as u64, count);
        all.extend(items);
        if !page.has_next {
            return all;
        }
        query.start = Start::After(page.last.unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_page_is_what_looking_at_every_document_gives(
        stored in interactions(), questions in questions(), small in any::<bool>()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // A few keys at a time, or all.
            let sort_bytes = if small { 500 } else { 1 << 20 };
            let f = Fixture::with(SqliteOptions { sort_bytes, ..SqliteOptions::default() });
            for interaction in &stored {
                f.store.create(record_of(interaction.clone()), vec![]).await.unwrap();
            }
            for query in questions {
                let listed = f.asked(&query).await;
                assert_eq!(listed, plainly(&stored, &query), "{query:?}");
                let rest = PageQuery { limit: None, ..query.clone() };
                // One or two of the keys fit at least.
                let turned = turning(&f, &query, 1 + u64::from(!small) * 2).await;
                assert_eq!(turned, plainly(&stored, &rest).1, "{query:?}");
            }
        });
    }
}

#[tokio::test]
async fn windows_of_any_size() {
    let f = Fixture::new();
    for n in 0..5 {
        let text = text(n % 2, 0, &[], 0, 0);
        f.store.create(record(&format!("i{n}"), 1, &text), vec![]).await.unwrap();
    }
    for query in ["", "direction=d0", "note.text=n0"] {
        let window = async |offset, limit| {
            let (total, items) = f.listed(&filter(query), offset, limit).await;
            assert_eq!(total, 5, "{query}");
            items.into_iter().map(|i| i.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(window(0, None).await, "i0 i1 i2 i3 i4");
        assert_eq!(window(1, Some(2)).await, "i1 i2");
        assert_eq!(window(4, Some(2)).await, "i4");
        assert_eq!(window(5, None).await, "");
        assert_eq!(window(0, Some(0)).await, "");
        assert_eq!(window(u64::MAX, Some(u64::MAX)).await, "");
        assert_eq!(window(1, Some(u64::MAX)).await, "i1 i2 i3 i4");
    }
}

#[tokio::test]
async fn a_deleted_interaction_leaves_the_list() {
    let f = Fixture::new();
    for id in ["a", "b", "c"] {
        f.store.create(record(id, 1, &text(1, 1, &[1], 1, 1)), vec![]).await.unwrap();
    }
    f.store.delete("b".to_owned(), 1, vec![]).await.unwrap();
    f.store.create(record("b", 1, &text(1, 1, &[1], 1, 1)), vec![]).await.unwrap();
    for query in ["", "status=s1", "note.text=n1", "status=s1|s2&relatedParty.role=r1"] {
        let (total, items) = f.listed(&filter(query), 0, None).await;
        let ids: Vec<_> = items.iter().map(|i| i.id.as_str()).collect();
        assert_eq!((total, ids), (3, vec!["a", "c", "b"]), "{query}");
    }
}

#[tokio::test]
async fn a_stored_text_that_is_no_json_is_an_error_not_a_gap() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    f.sql().execute_batch("UPDATE interaction SET document = 'oops'").unwrap();
    assert!(f.store.page(asking("note.text=x")).await.is_err());
}

#[tokio::test]
async fn an_abandoned_list_gives_its_turn_back() {
    let options = SqliteOptions { list_connections: 1, ..SqliteOptions::default() };
    let f = Fixture::with(options);
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    for _ in 0..10 {
        let mut page = f.store.page(asking("note.text=x"));
        let _ = futures::poll!(&mut page);
    }
    assert_eq!(f.store.page(asking("")).await.unwrap().total, 1);
}
