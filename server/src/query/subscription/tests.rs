//! The filter of a subscription, against what its listener would see.

use super::*;
use crate::domain::interaction::Interaction;
use crate::domain::json::reread;
use crate::domain::notification::{self, tests::DOCUMENT, tests::event};
use crate::query::filter::Filter;
use crate::query::vocabulary::Vocabulary;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

const PREFIX: &str = "https://h/partyInteraction/";

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let schemas = include_str!("../../../../generated/src/v5/schemas.json");
    Vocabulary::from_schema(schemas, "PartyInteraction").unwrap()
});

fn parsed(query: &str, shape: Shape) -> Result<EventFilter, QueryError> {
    let context = QueryContext {
        vocabulary: &VOCABULARY,
        canonical_paths: &|path| shape.canonical_paths(path),
        knows_extension: &|path| matches!(path, "score" | "score.value"),
        href_prefix: PREFIX,
        limits: QueryLimits {
            comparisons: 8,
            items: Some(1),
            regex_bytes: 100,
            jsonpath_bytes: 100,
        },
        shape,
    };
    EventFilter::parse(query, &context)
}

#[track_caller]
fn check(shape: Shape, query: &str, kind: EventKind, expected: bool) {
    let filter = parsed(query, shape).unwrap_or_else(|error| panic!("{query}: {error}"));
    let event = event(kind, DOCUMENT);
    let members = reread(&event.document).unwrap();
    assert_eq!(filter.matches(&event, &members, PREFIX), expected, "{shape:?} {query}");
    let may = filter.kinds().is_none_or(|kinds| kinds.contains(&kind));
    let has_key =
        filter.keys().is_none_or(|keys| index::keys(&members).iter().any(|k| keys.contains(k)));
    assert!(!expected || may && has_key, "{shape:?} {query}");
}

#[test]
fn the_envelope() {
    use EventKind::{AttributeValueChange, Create, Delete, StatusChange};
    for shape in [Shape::V4, Shape::V5] {
        check(shape, "", Create, true);
        check(shape, "?", Create, true);
        check(shape, "?eventType=PartyInteractionCreateEvent", Create, true);
        check(shape, "eventType=PartyInteractionCreateEvent", Delete, false);
        let either = "eventType=PartyInteractionCreateEvent,PartyInteractionDeleteEvent";
        check(shape, either, Delete, true);
        check(shape, either, StatusChange, false);
        check(shape, "eventType.ne=PartyInteractionDeleteEvent", Create, true);
        check(shape, "eventType.ne=PartyInteractionDeleteEvent", Delete, false);
        check(shape, "eventType.regex=(Create|Delete)Event$", Delete, true);
        check(shape, "eventType*=(Create|Delete)Event$", StatusChange, false);
        check(shape, "eventTime>=2026-01-01", Create, true);
        check(shape, "timeOcurred<2026-01-01", Create, false);
        check(shape, "correlationId=c-1&priority=3&domain=PartyInteraction", Create, true);
        check(shape, "eventId=e-1&description.regex=interaction 7", Create, true);
        check(shape, "title=nothing;event.partyInteraction.status=open", Create, true);
    }
    check(Shape::V4, "fieldPath.regex=channel", AttributeValueChange, true);
    check(Shape::V4, "fieldPath.regex=channel", StatusChange, false);
    check(Shape::V5, "timeOccurred=2026-01-01&@baseType=Event", Create, true);
    check(Shape::V5, "@type=PartyInteractionStatusChange", StatusChange, true);
    check(Shape::V5, "@type=PartyInteractionStatusChange", Create, false);
}

#[test]
fn the_interaction_by_the_paths_of_its_version() {
    let create = EventKind::Create;
    for shape in [Shape::V4, Shape::V5] {
        check(shape, "event.partyInteraction.status=open", create, true);
        check(shape, "event.partyInteraction.status.ne=open", create, false);
        check(shape, "event.partyInteraction.id=7", create, true);
        check(shape, "event.partyInteraction.href=https://h/partyInteraction/7", create, true);
        check(shape, "event.partyInteraction.creationDate%3E2025-12-31", create, true);
        check(shape, "event.partyInteraction.score.value=1000.0", create, true);
        check(shape, "event.partyInteraction.note.text=t&eventId=e-2", create, false);
        check(shape, "event.partyInteraction.relatedParty.role=a,customer", create, true);
    }
    check(Shape::V4, "event.partyInteraction.relatedParty.id=42", create, true);
    check(Shape::V4, "event.partyInteraction.channel.name=web", create, true);
    check(Shape::V5, "event.partyInteraction.relatedParty.partyOrPartyRole.id=42", create, true);
    check(Shape::V5, "event.partyInteraction.relatedChannel.channel.id=2", create, false);
}

#[test]
fn an_imported_interaction_keeps_its_href() {
    let mut event = event(EventKind::Create, DOCUMENT);
    event.foreign_href = Some("http://old/7".to_owned());
    let filter = parsed("event.partyInteraction.href=http://old/7", Shape::V4).unwrap();
    assert!(filter.matches(&event, &reread(DOCUMENT).unwrap(), PREFIX));
}

#[test]
fn what_cannot_be_honoured_is_named() {
    for (shape, query, expected) in [
        (Shape::V5, "fields=id", "fields: not supported in a subscription"),
        (Shape::V5, "limit=1", "limit: not supported in a subscription"),
        (Shape::V5, "?offset=1", "offset: not supported in a subscription"),
        (Shape::V5, "sort=eventTime", "sort: not supported in a subscription"),
        (Shape::V5, "expand=x", "expand: not supported in a subscription"),
        (Shape::V5, "status=open", "status: no such attribute"),
        (Shape::V5, "id=7", "id: no such attribute"),
        (Shape::V5, "fieldPath=reason", "fieldPath: no such attribute"),
        (Shape::V5, "reportingSystem.id=1", "reportingSystem.id: no such attribute"),
        (Shape::V4, "timeOccurred=2026-01-01", "timeOccurred: no such attribute"),
        (Shape::V4, "@type=Event", "@type: no such attribute"),
        (Shape::V5, "event=1", "event: has members of its own; name one of them"),
        (
            Shape::V5,
            "event.partyInteraction=1",
            "event.partyInteraction: has members of its own; name one of them",
        ),
        (Shape::V5, "event.other=1", "event.other: no such attribute"),
        (Shape::V5, "event.eventType=1", "event.eventType: no such attribute"),
        (Shape::V5, "eventType.eq.eq=1", "eventType.eq.eq: no such attribute"),
        (
            Shape::V5,
            "event.partyInteraction.colour=red",
            "event.partyInteraction.colour: no such attribute",
        ),
        (
            Shape::V5,
            "event.partyInteraction.channel.id=1",
            "event.partyInteraction.channel.id: no such attribute",
        ),
        (
            Shape::V4,
            "event.partyInteraction.relatedChannel.role=x",
            "event.partyInteraction.relatedChannel.role: no such attribute",
        ),
        (Shape::V5, "eventType=Created", "eventType: no event is called Created"),
        (
            Shape::V4,
            "eventType.ne=PartyInteractionCreateEvent,Created",
            "eventType: no event is called Created",
        ),
        (
            Shape::V5,
            "@type=PartyInteractionStatusChangeEvent",
            "@type: no event is called PartyInteractionStatusChangeEvent",
        ),
        (Shape::V5, "eventTime=soon", "eventTime: a date or an RFC 3339 date-time expected"),
        (Shape::V5, "eventType", "eventType: expected a value"),
        (Shape::V5, "eventType.regex=(", "eventType: unclosed group at character 1"),
        (Shape::V5, "eventId=1,2,3,4,5,6,7,8,9", "more than 8 comparisons"),
        (Shape::V5, "eventId=%FF", "eventId: not UTF-8"),
    ] {
        assert_eq!(parsed(query, shape).unwrap_err().to_string(), expected, "{query}");
    }
}

#[test]
fn what_an_index_of_filters_needs() {
    let kinds = |query: &str| parsed(query, Shape::V5).unwrap().kinds();
    assert_eq!(kinds(""), None);
    assert_eq!(kinds("event.partyInteraction.status=open"), None);
    assert_eq!(kinds("eventType.regex=Event$"), None);
    assert_eq!(kinds("eventType=PartyInteractionCreateEvent;eventId=1"), None);
    assert_eq!(kinds("eventType=PartyInteractionCreateEvent"), Some(vec![EventKind::Create]));
    assert_eq!(kinds("@type=PartyInteractionStatusChange"), Some(vec![EventKind::StatusChange]));
    assert_eq!(kinds("title.regex=ed$&eventType.ne=PartyInteractionDeleteEvent").unwrap().len(), 3);
    assert_eq!(kinds("domain=other"), Some(Vec::new()));

    let keys = |query: &str| {
        let keys = parsed(query, Shape::V4).unwrap().keys();
        keys.map(|keys| keys.iter().map(|key| key.path).collect::<Vec<_>>())
    };
    assert_eq!(keys("eventId=1"), None);
    assert_eq!(keys("event.partyInteraction.relatedParty.id=42x"), Some(vec![11]));
    assert_eq!(
        keys("event.partyInteraction.status=a,b&event.partyInteraction.reason=c"),
        Some(vec![5])
    );
    assert_eq!(
        keys("event.partyInteraction.status=a;event.partyInteraction.reason=c"),
        Some(vec![3, 5])
    );
    assert_eq!(keys("event.partyInteraction.status=a;eventId=1"), None);
    assert_eq!(keys("event.partyInteraction.status.ne=a"), None);
    assert_eq!(keys("event.partyInteraction.creationDate.gt=2026-01-01"), None);
    assert_eq!(keys("event.partyInteraction.note.text=a"), None);
}

/// Paths in both shapes, and values worth comparing with what is there.
const ATTRIBUTES: [(&str, &str, &[&str]); 8] = [
    ("eventType", "eventType", &["PartyInteractionCreateEvent", "PartyInteractionDeleteEvent"]),
    ("eventTime", "eventTime", &["2026-01-01", "2026-01-02T00:00:00Z"]),
    ("correlationId", "correlationId", &["c-1", "c-2"]),
    ("status", "status", &["open", "closed", "2026-01-01"]),
    ("score", "score", &["1", "1.0", "2e0", "x"]),
    ("relatedParty.id", "relatedParty.partyOrPartyRole.id", &["1", "2", "x"]),
    ("channel.name", "relatedChannel.channel.name", &["web", "shop"]),
    ("id", "id", &["7", "8"]),
];

/// An operator's suffix, and its sign in [`crate::query::filter::tests::filter`].
const OPERATORS: [(&str, &str); 7] = [
    ("", "="),
    (".ne", "!="),
    (".gt", ">"),
    (".gte", ">="),
    (".lt", "<"),
    (".lte", "<="),
    (".regex", "~"),
];

fn document() -> impl Strategy<Value = Members> {
    let status =
        prop::sample::select(vec![json!("open"), json!("2026-01-01T01:00:00+01:00"), json!(5)]);
    let score = prop::sample::select(&["1", "1.0", "2", "1e0", "\"1\"", "true", "[2,[1]]"][..]);
    let party = prop::sample::select(&["1", "2", "x"][..]);
    let channel = prop::sample::select(&["web", "shop"][..]);
    (
        prop::option::of(status),
        prop::option::of(score),
        prop::collection::vec(party, 0..3),
        prop::collection::vec(channel, 0..3),
    )
        .prop_map(|(status, score, parties, channels)| {
            let score = score.unwrap_or("null");
            let mut members = reread(&format!("{{\"score\":{score}}}")).unwrap();
            members.extend(status.map(|status| ("status".to_owned(), status)));
            let party =
                |id| json!({"role": "r", "partyOrPartyRole": {"id": id, "@type": "PartyRef"}});
            let channel =
                |name| json!({"role": "r", "channel": {"name": name, "@type": "ChannelRef"}});
            members.insert("relatedParty".to_owned(), parties.into_iter().map(party).collect());
            members
                .insert("relatedChannel".to_owned(), channels.into_iter().map(channel).collect());
            members
        })
}

/// Which attribute, which operator, which of its values.
fn query() -> impl Strategy<Value = Vec<((usize, usize), usize)>> {
    let name = (0..ATTRIBUTES.len(), 0..OPERATORS.len());
    prop::collection::btree_map(name, 0..4usize, 0..3)
        .prop_map(|conditions| conditions.into_iter().collect())
}

proptest! {
    /// The filter agrees with whoever reads the notification and compares what it says, and its
    /// promises to an index hold.
    #[test]
    fn as_the_listener_sees_it(
        members in document(),
        query in query(),
        kind in prop::sample::select(&EventKind::ALL[..]),
        shape in prop::sample::select(&[Shape::V4, Shape::V5][..]),
    ) {
        let mut event = event(kind, &Value::Object(members.clone()).to_string());
        event.correlation_id = (query.len() > 1).then(|| "c-1".to_owned());
        let (mut asked, mut naive) = (Vec::new(), Vec::new());
        for ((attribute, operator), value) in query {
            let (v4, v5, values) = ATTRIBUTES[attribute];
            let (suffix, sign) = OPERATORS[operator];
            let path = if shape == Shape::V4 { v4 } else { v5 };
            let is_envelope = attribute < 3;
            let path = if is_envelope { path.to_owned() } else { format!("event.partyInteraction.{path}") };
            let value = values[value % values.len()];
            asked.push(format!("{path}{suffix}={value}"));
            naive.push(format!("{path}{sign}{value}"));
        }
        let body = notification::body(&event, members.clone(), shape, PREFIX);
        let seen = Interaction { id: String::new(), version: 1, foreign_href: None, text: body };
        let naive: Filter = crate::query::filter::tests::filter(&naive.join("&"), "");
        let expected = naive.matches(&seen, &seen.members().unwrap());
        let filter = parsed(&asked.join("&"), shape).unwrap();
        prop_assert_eq!(filter.matches(&event, &members, PREFIX), expected, "{:?} {}", asked, seen.text);
        if expected {
            prop_assert!(filter.kinds().is_none_or(|kinds| kinds.contains(&kind)));
            let has = index::keys(&members);
            prop_assert!(filter.keys().is_none_or(|keys| keys.iter().any(|key| has.contains(key))));
        }
    }
}
