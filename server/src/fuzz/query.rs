//! The queries of a list, and `fields`: parsed through both versions, and held against documents.

use super::Target;
use crate::domain::interaction::{Interaction, Members};
use crate::domain::lens::paths_to_canonical;
use crate::domain::shape::Shape;
use crate::query::fields::Fields;
use crate::query::filter::Path;
use crate::query::page::{self, Place};
use crate::query::parse::{self, ListQuery, QueryContext, QueryLimits};
use crate::query::vocabulary::Vocabulary;
use serde_json::Value;
use std::sync::LazyLock;

/// A version: from its paths to canonical ones, and what it shows.
type Version = (fn(&[String]) -> Vec<Path>, Shape);

const WORDS: &[&str] = &[
    "filter=",
    "$[?(@.",
    "[?@.note[?@.author=='",
    "search(@.text,'",
    "count(@.*)",
    "sort=-",
    "cursor=",
    "&",
    "=",
    ";",
    ",",
    ".",
    "%",
    "%3E",
    "%3D",
    "%26",
    "%2C",
    "%00",
    "%FF",
    "%C0%AF",
    "+",
    "*=",
    "%3D~",
    "==",
    ">",
    "<=",
    ".eq=",
    ".ne=",
    ".gt=",
    ".gte=",
    ".lt=",
    ".lte=",
    ".regex=",
    "status",
    "reason=",
    "note.text",
    "x",
    "x.y=",
    "a>b",
    "relatedParty.id",
    "relatedParty.partyOrPartyRole.",
    "channel.name",
    "creationDate",
    "2024-01-01",
    "2024-01-01T00:00:00%2B02:00",
    "attachment.size.amount",
    "1e400",
    "-0",
    "true",
    "offset=",
    "limit=",
    "fields=",
    "none",
    "depth=1",
    "expand=",
    "18446744073709551615",
    "(a+)+$",
    "[",
    "(",
    "{999}",
    "\\",
    "id=7",
    "href",
    "@type",
    "'",
    "é",
];

pub const QUERY: Target = Target { name: "query", words: WORDS, judge: judge_query };
pub const FIELDS: Target = Target { name: "fields", words: WORDS, judge: judge_fields };

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let schemas = tmf683_generated::v5::operations::SCHEMAS;
    Vocabulary::from_schema(schemas, "PartyInteraction").unwrap()
});

/// What filters are held against.
static DOCUMENTS: LazyLock<Vec<(Interaction, Members)>> = LazyLock::new(|| {
    let texts = [
        "{}",
        r#"{"status":"opened","reason":"x","n":1e400,"x":{"y":[1,"2",null,[true]]},"a>b":"","creationDate":"2024-01-01T00:00:00+02:00"}"#,
        r#"{"status":"","note":[{"text":"a,b;c"},{"text":"é","x":{}}],"relatedParty":[{"role":"r","partyOrPartyRole":{"id":"7","@type":"PartyRef"}}],"attachment":[{"size":{"amount":-0}},{"size":{"amount":1e999999}}],"creationDate":"2024-02-30"}"#,
    ];
    let interaction = |text: &str| Interaction {
        id: "7".to_owned(),
        version: 1,
        foreign_href: None,
        text: text.to_owned(),
    };
    let read = |text| {
        let interaction = interaction(text);
        let members = interaction.members().unwrap();
        (interaction, members)
    };
    texts.into_iter().map(read).collect()
});

fn parsed(raw_query: &str, (paths, shape): Version) -> Option<ListQuery> {
    let limits =
        QueryLimits { comparisons: 16, items: Some(1_000), regex_bytes: 64, jsonpath_bytes: 128 };
    let context = QueryContext {
        vocabulary: &VOCABULARY,
        canonical_paths: &paths,
        knows_extension: &|path| matches!(path, "x" | "x.y" | "a>b" | "n"),
        shape,
        href_prefix: "http://h/",
        limits,
    };
    match parse::parse(raw_query, &context) {
        Ok(query) => {
            let comparisons = query.filter.conditions.iter().map(|c| c.any_of.len()).sum::<usize>();
            assert!(comparisons <= limits.comparisons && query.limit <= limits.items);
            assert!(query.filter.conditions.iter().all(|c| !c.any_of.is_empty()));
            Some(query)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

fn judge_query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (parse::fields_only(&text), parse::nothing(&text));
    let versions: [Version; 2] =
        [(paths_to_canonical, Shape::V4), (|path| vec![path.to_vec()], Shape::V5)];
    for version in versions {
        let Some(query) = parsed(&text, version) else { continue };
        for (interaction, members) in DOCUMENTS.iter() {
            let matches = query.filter.matches(interaction, members);
            if let Some(sort) = &query.sort {
                let key = sort.key(interaction, members);
                assert_eq!(sort.key(interaction, members), key, "a place is a place");
            }
            // A condition and its negation divide the world.
            for condition in 0..query.filter.conditions.len() {
                let mut one = query.filter.clone();
                one.conditions = vec![one.conditions.swap_remove(condition)];
                one.paths.clear();
                let mut other = one.clone();
                other.conditions[0].negated ^= true;
                let holds = one.matches(interaction, members);
                assert_ne!(holds, other.matches(interaction, members));
                assert!(holds || !matches);
            }
        }
        pages_ask_the_same(&text, &query, version);
    }
}

/// The pages that `Link` leads to have the same filter, order and fields.
fn pages_ask_the_same(text: &str, query: &ListQuery, version: Version) {
    // Such letters are in no URL, and would end one in a header.
    if text.contains(['<', '>', '"', ' ']) {
        return;
    }
    let (offset, limit) = (query.offset, query.limit);
    let place = Place { offset, limit, total: 5_000, has_next: true, cursor: None };
    let links = page::links("http://h", text, place);
    for link in links.split(", <").skip(1) {
        let (url, _) = link.split_once('>').unwrap();
        let (_, raw_query) = url.split_once('?').unwrap();
        let turned = parsed(raw_query, version).unwrap_or_else(|| panic!("{raw_query}"));
        assert_eq!((&turned.filter, &turned.fields), (&query.filter, &query.fields), "{link}");
        assert_eq!(turned.sort, query.sort, "{link}");
        assert_eq!(turned.limit, query.limit, "{link}");
    }
}

fn judge_fields(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(fields) = Fields::parse(&text) else { return };
    for (interaction, _) in DOCUMENTS.iter() {
        let whole = interaction.to_text("http://h/");
        let Ok(Value::Object(whole)) = serde_json::from_str(&whole) else { panic!("{whole}") };
        let shown = fields.apply(whole.clone(), true);
        assert!(shown.contains_key("id") && shown.contains_key("href"));
        assert!(shown.keys().all(|name| whole.contains_key(name)));
        assert_eq!(fields.apply(shown.clone(), true), shown, "twice is once");
    }
}
