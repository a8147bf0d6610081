//! Which paths are followed and what they select; another implementation judges over random ones.

use super::*;
use crate::domain::json;
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { bytes: 1024, regex_bytes: 512 };

fn interaction() -> Interaction {
    let text = r#"{"status":"opened","n":1e3,"big":9007199254740993,"third":0.1,"none":null,
        "yes":true,"creationDate":"2024-01-01T00:00:00Z","a b":"é\r","tags":["p",["q"],3.0],
        "relatedChannel":[{"role":"r","channel":{"id":"7","name":"web","@type":"ChannelRef"}},
            {"channel":{"id":"8","name":"shop"}}],
        "note":[{"author":"Ada","text":"refund it","@type":"Note"},{"author":"Bob","size":2}]}"#;
    Interaction { id: "i1".into(), version: 1, foreign_href: None, text: text.into() }
}

#[track_caller]
fn selects(path: &str, shape: Shape) -> bool {
    let path = JsonPath::parse(path, shape, BOUNDS).unwrap_or_else(|e| panic!("{path}: {e}"));
    let interaction = interaction();
    path.selects(&interaction, &interaction.members().unwrap(), "http://h/")
}

#[test]
fn what_is_selected() {
    for (path, expected) in [
        ("$[?(@.status=='opened')]", true),
        ("[?(@.status==\"opened\")]", true),
        ("$[?@.status=='closed']", false),
        ("$[?@.status!='closed']", true),
        ("$[*]", true),
        ("$[*].note[?@.author=='Bob'].size", true),
        ("$[*].note[?@.author=='Ada'].size", false),
        ("[*]['a b']", true),
        ("..author", true),
        ("$..editor", false),
        ("$..[?@.name=='shop']", true),
        ("$..['nope','author']", true),
        ("[?@.status=='opened' && (@.n>999 || @.nope)]", true),
        ("[?!@.nope && !(@.yes==false)]", true),
        ("[?@.nope, ?@.yes]", true),
        // Numbers by value, however they are spelled.
        ("[?@.n==1000]", true),
        ("[?@.n==1.0E+3]", true),
        ("[?@.n<1000.5 && @.n>=1000 && @.n<=1000]", true),
        ("[?@.n>1000]", false),
        ("[?@.third==0.1]", true),
        ("[?@.third==0.10000000000000002]", false),
        ("[?@.big==9007199254740991]", false),
        ("[?@.big>9007199254740991]", true),
        ("[?@.big==9.007199254740992e15]", false),
        ("[?@.tags[2]==3]", true),
        ("[?@.n=='1000']", false),
        // Nothing, null, and kinds that have no order.
        ("[?@.nope==null]", false),
        ("[?@.none==null]", true),
        ("[?@.nope==@.neither]", true),
        ("[?@.nope<=@.neither && @.none<=null]", true),
        ("[?@.yes>=true && @.yes<=true]", true),
        ("[?@.yes>false]", false),
        ("[?@.note>@.tags || @.note[0]>@.note[1]]", false),
        ("[?@.nope<'x' || @.nope>'x']", false),
        ("[?@.note[0]==@.note[-2]]", true),
        // Texts by code point, dates too.
        ("[?@.creationDate>'2023-12-31']", true),
        ("[?@.creationDate=='2024-01-01']", false),
        ("[?@.status<'p' && @.status>'O']", true),
        // Functions.
        ("[?length(@.note)==2 && length(@.status)==6 && length(@['a b'])==2]", true),
        ("[?length(@.n)==4]", false),
        ("[?count(@.note[*])==2 && count(@.note[*,0])==3 && count(@.nope)==0]", true),
        ("[?value(@..size)==2]", true),
        ("[?value(@..author)=='Ada']", false),
        ("[?length(value(@..size))==1]", false),
        ("[?match(@.status,'op.*')]", true),
        ("[?match(@.status,'pened|ope')]", false),
        ("[?search(@.status,'pen')]", true),
        ("[?match(@['a b'],'..')]", false),
        ("[?match(@.n,'1.*')]", false),
        ("[?!search(@.nope,'x')]", true),
        // Slices and indices below the list.
        ("$[*].note[1:]", true),
        ("$[*].note[2:]", false),
        ("$[*].note[::-1].size", true),
        ("$[*].note[1:0:-1].size", true),
        ("$[*].note[0:1].size", false),
        ("$[*].note[::0]", false),
        ("$[*].tags[-1:][?@]", false),
        ("$[*].tags[1][?@=='q']", true),
        ("$[*].status[0]", false),
    ] {
        assert_eq!(selects(path, Shape::V5), expected, "{path}");
    }
}

#[test]
fn each_version_in_its_own_shape_with_identity() {
    for (path, v5, v4) in [
        ("[?@.id=='i1' && @.href=='http://h/i1']", true, true),
        ("[?@.relatedChannel[?@.channel.name=='web']]", true, false),
        ("[?@.channel[?@.name=='web' && @.role=='r']]", false, true),
        ("[?@.channel[?@.channel]]", false, false),
    ] {
        let both = (selects(path, Shape::V5), selects(path, Shape::V4));
        assert_eq!(both, (v5, v4), "{path}");
    }
}

#[track_caller]
fn refused(path: &str, expected: &str) {
    let error = JsonPath::parse(path, Shape::V5, BOUNDS).expect_err(path);
    assert_eq!(error.to_string(), expected, "{path}");
}

#[test]
fn what_is_no_jsonpath_is_told_with_its_place() {
    let malformed = |path, at, rest| {
        refused(path, &format!("not JSONPath (RFC 9535) at character {at}: {rest}"))
    };
    malformed("status", 1, "status");
    malformed("$[?@.status=open]", 12, "=open]");
    malformed("[?@.status=open]", 11, "=open]");
    malformed("[?@.note=='é' && @.x==]", 23, "]");
    malformed("[?@.status==open]", 13, "open]");
    malformed("[?@.n==1", 9, "it ends there");
    malformed("[?@.n==01]", 9, "1]");
    malformed("$.[?@.n]", 3, "[?@.n]");
    malformed("[?@.@type=='x']", 5, "@type=='x']");
    malformed("[?@.a in ['x']]", 7, "in ['x']]");
    malformed("[?@.a b]", 7, "b]");
    malformed("[?@.a\u{3000}]", 6, "\u{3000}]");
    malformed("[?foo(@.a)]", 3, "foo(@.a)]");
    malformed("[?@.a=~/x/]", 6, "=~/x/]");
    malformed("[?@.n==9007199254740993]", 8, "9007199254740993]");
    malformed("[?@.n==1 && @.reason=='refund']]", 32, "]");
    malformed("x=12345678901234567890123", 1, "x=123456789012345678…");
    refused("[?@. a]", "not JSONPath (RFC 9535): Invalid json path: Invalid child segment `. a`");
    refused(
        "[?@.n==1.00000000000000000001]",
        "at character 8: a number of so many digits is not compared exactly",
    );
    refused("[?@.n==1e999]", "at character 8: a number of so many digits is not compared exactly");
    for function in ["in", "nin", "none_of", "any_of", "subset_of"] {
        let problem = "gives a value; compare it with another";
        refused(&format!("[?{function}(@.a,@.b)]"), &format!("{function}(): {problem}"));
    }
}

#[test]
fn what_is_badly_typed_is_told() {
    for (path, expected) in [
        ("[?length(@.a)]", "length(): gives a value; compare it with another"),
        ("[?length(@.*)>1]", "length(): takes a value: a literal or a path to a single node"),
        ("[?match(@..a,'x')]", "match(): takes a value: a literal or a path to a single node"),
        ("[?value('a')==1]", "value(): takes a path"),
        ("[?count(value(@.a))==1]", "count(): takes a path"),
        ("[?match(@.a,@.b)]", "match(): takes its pattern from the path, as a text"),
        ("[?search(@.a,'x(')]", "pattern x(: unclosed group at character 2"),
        ("[?match(@.a,'x)|(y')]", "pattern x)|(y: unopened group at character 2"),
    ] {
        refused(path, expected);
    }
}

#[test]
fn what_asks_of_the_whole_list_is_refused() {
    for path in
        ["$", "$[0]", "$[-1]", "$[0:2]", "$.status", "$['status']", "$[*,0]", "$..[0]", "$..[1:]"]
    {
        assert_eq!(
            JsonPath::parse(path, Shape::V5, BOUNDS),
            Err(JsonPathError::WholeList(2)),
            "{path}"
        );
    }
    assert_eq!(JsonPath::parse("[0]", Shape::V5, BOUNDS), Err(JsonPathError::WholeList(1)));
    for (path, at) in [("$[?$[0].a]", 4), ("[?count($)>1]", 9), ("[?@.a==$.b]", 8)] {
        let error = JsonPath::parse(path, Shape::V5, BOUNDS);
        assert_eq!(error, Err(JsonPathError::Root(at)), "{path}");
    }
    assert!(JsonPath::parse("[?@.a=='$']", Shape::V5, BOUNDS).is_ok());
}

/// Unbounded, these would overflow the stack, or take until the next day.
#[test]
fn hostile_paths_end() {
    let no_bound = Bounds { bytes: 1 << 20, ..BOUNDS };
    let parse = |path: &str| JsonPath::parse(path, Shape::V5, no_bound);
    for open in ["[", "(", "[?", "[?(", "[?!(", "[?count(@", "[?@[", "[?@.a["] {
        let open = open.repeat(10_000);
        assert!(matches!(parse(&open), Err(JsonPathError::TooDeep(_))), "{open:.20}");
    }
    let nested = |n: usize| format!("[?{}@.a{}]", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(MOST_NESTING - 1)).is_ok());
    assert_eq!(parse(&nested(MOST_NESTING)), Err(JsonPathError::TooDeep(MOST_NESTING + 2)));
    let functions = |n: usize| format!("{}@{}", "[?count(@".repeat(n), ")>0]".repeat(n));
    let _ = parse(&functions(MOST_NESTING / 2));
    assert_eq!(parse("$..a..b"), Err(JsonPathError::Descents));
    assert_eq!(parse("$..[?@..b]"), Err(JsonPathError::Descents));
    assert!(parse("$[?@..a && @..b]..c").is_ok());
    let long = "x".repeat(1025);
    let error = JsonPath::parse(&long, Shape::V5, BOUNDS);
    assert_eq!(error, Err(JsonPathError::TooLong(1024)));

    // Each level selects everything twice: 2^60 nodes, if they were gone through one by one.
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let interaction = Interaction { text: format!(r#"{{"deep":{deep}}}"#), ..interaction() };
    let members = interaction.members().unwrap();
    let twice = "[*,*]".repeat(60);
    for (path, expected) in [
        (format!("$[*].deep{twice}.nope"), false),
        (format!("$[?count(@.deep{twice})>1.15e18 && count(@.deep{twice})<1.16e18]"), true),
    ] {
        assert_eq!(parse(&path).unwrap().selects(&interaction, &members, ""), expected, "{path}");
    }
}

/// Paths of the grammar, mostly. Not negative indices, which the other one does not find in `@[-1]`.
fn paths() -> impl Strategy<Value = String> {
    let step = prop::sample::select(vec![
        ".a",
        ".b",
        "['a']",
        "[0]",
        "[-1:]",
        ".*",
        "[*]",
        "[0:1]",
        "[::-1]",
        "['a','b',0]",
        "..a",
        "..*",
    ]);
    let steps = prop::collection::vec(step, 0..3).prop_map(|steps| steps.concat());
    let single = prop::sample::select(vec!["@", "@.a", "@.b", "@.a.b", "@.a[0]", "@[0]", "@.c"]);
    let value = prop_oneof![
        prop::sample::select(vec!["1", "2.0", "-1e0", "'x'", "'y'", "true", "null"])
            .prop_map(str::to_owned),
        single.prop_map(str::to_owned),
        steps.clone().prop_map(|steps| format!("count(@{steps})")),
        steps.clone().prop_map(|steps| format!("value(@{steps})")),
        single_length(),
    ];
    // The other relations are made of these (§2.3.5.2.2); it has `>` of values without an order hold,
    // and `<=` of absent ones not.
    let relation = prop::sample::select(vec!["==", "!=", "<"]);
    let atom = prop_oneof![
        (value.clone(), relation, value).prop_map(|(l, r, v)| format!("{l}{r}{v}")),
        steps.clone().prop_map(|steps| format!("@{steps}")),
        steps.clone().prop_map(|steps| format!("!@{steps}")),
        prop::sample::select(vec![
            "match(@.a,'x|y')",
            "search(@.b,'^x')",
            "in(@.a,@.b)",
            "@.a b",
            "length(@)"
        ])
        .prop_map(str::to_owned),
    ];
    let logical = atom.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("{l} && {r}")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} || {r})")),
            inner.clone().prop_map(|inner| format!("!({inner})")),
            inner.prop_map(|inner| format!("@[?{inner}]")),
        ]
    });
    (logical, steps).prop_map(|(logical, steps)| format!("$[?{logical}]{steps}"))
}

fn single_length() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["length(@)", "length(@.a)", "length('xy')"]).prop_map(str::to_owned)
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop::sample::select(vec!["1", "2", "-1", "\"x\"", "\"y\"", "true", "null"]);
    let scalar =
        scalar.prop_map(|text| json::parse(text.as_bytes(), json::Limits::default()).unwrap());
    scalar.prop_recursive(3, 12, 3, |inner| {
        let name = prop::sample::select(vec!["a", "b"]).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn another_implementation_agrees(path in paths(), value in values()) {
        let whole = Value::Array(vec![value]);
        let theirs = serde_json_path::JsonPath::parse(&path).map(|path| !path.query(&whole).is_empty());
        let ours = JsonPath::parse(&path, Shape::V5, BOUNDS)
            .map(|path| judged::exists(&path.segments, &whole));
        match (ours, theirs) {
            (Err(JsonPathError::Descents | JsonPathError::WholeList(_)), Ok(_)) => {}
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs, "{} {}", path, whole),
            (ours, theirs) => prop_assert!(ours.is_err() && theirs.is_err(), "{} {:?} {:?}", path, ours, theirs),
        }
    }

    #[test]
    fn no_text_panics(path in "[$\\[\\]?@.*:,()'\"\\\\ a1e+\\-=!&|<é\u{3000}]{0,40}") {
        if let Ok(path) = JsonPath::parse(&path, Shape::V4, BOUNDS) {
            let interaction = interaction();
            path.selects(&interaction, &interaction.members().unwrap(), "");
        }
    }
}
