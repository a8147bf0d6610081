//! Patches that ask for more than they send. (RFC 6902, RFC 7396, TMF630 "PATCH")

use super::attack::{Attack, Expected};
use Expected::Refused;
use harness::Api;

const MERGE: &str = "application/merge-patch+json";
const POINTERS: &str = "application/json-patch+json";
const QUERIES: &str = "application/json-patch-query+json";

pub fn attacks(api: Api, id: &str) -> Vec<Attack> {
    let times = |operation: &str, count: usize| format!("[{}]", vec![operation; count].join(","));
    let one = |operation: &str| format!("[{operation}]");
    let doubled = format!(
        r#"[{{"op":"add","path":"/y","value":["{}"]}},{}]"#,
        "x".repeat(1_000),
        vec![r#"{"op":"copy","from":"/y","path":"/y/-"}"#; 40].join(",")
    );
    let grown = format!(
        r#"[{{"op":"add","path":"/y","value":["{}"]}},{}]"#,
        "x".repeat(100_000),
        vec![r#"{"op":"copy","from":"/y/0","path":"/y/-"}"#; 40].join(",")
    );
    let path = |path: &str| format!(r#"[{{"op":"remove","path":"{path}"}}]"#);
    let huge = format!(r#"{{"op":"test","path":"/reason","value":"{}"}}"#, "x".repeat(900_000));
    let nested = format!("{}null{}", r#"{"a":"#.repeat(65), "}".repeat(65));
    let many = |count: usize| {
        (0..count).map(|n| format!(r#""a{n}":{{"b":{{"c":{n}}}}}"#)).collect::<Vec<_>>().join(",")
    };
    let wide = format!(r#"{{"x":[{}]}}"#, vec!["[[],[],[],[],[],[],[],[],[],[]]"; 9_200].join(","));
    let table: Vec<(&str, &str, String, Expected)> = vec![
        ("forty doublings", POINTERS, doubled, Refused(413, "document_bytes")),
        ("forty copies of much", POINTERS, grown, Refused(413, "document_bytes")),
        (
            "1001 operations",
            POINTERS,
            times(r#"{"op":"add","path":"/y","value":1}"#, 1_001),
            Refused(400, "patch_operations"),
        ),
        ("a test of 900 kB", POINTERS, one(&huge), Refused(400, "the value there is another")),
        (
            "a pointer of 100000 names",
            POINTERS,
            path(&"/a".repeat(100_000)),
            Refused(400, "more than 127 names"),
        ),
        ("a pointer of 100 names", POINTERS, path(&"/a".repeat(100)), Refused(400, "there is no")),
        (
            "an index beyond any array",
            POINTERS,
            path("/relatedParty/99999999999999999999999"),
            Refused(400, "there is no"),
        ),
        ("a negative index", POINTERS, path("/relatedParty/-1"), Refused(400, "there is no")),
        ("a tilde alone", POINTERS, path("/a~"), Refused(400, "not a JSON pointer")),
        ("up and out", POINTERS, path("../../etc/passwd"), Refused(400, "not a JSON pointer")),
        ("everything away", POINTERS, path(""), Refused(400, "cannot be removed")),
        (
            "into itself",
            POINTERS,
            one(r#"{"op":"move","from":"/relatedParty","path":"/relatedParty/0/x"}"#),
            Refused(400, "into itself"),
        ),
        (
            "__proto__ to the root",
            POINTERS,
            one(r#"{"op":"move","from":"/__proto__","path":""}"#),
            Refused(400, "cannot be changed"),
        ),
        (
            "40000 conditions",
            QUERIES,
            path(&format!("/relatedParty?{}b=c", "role=customer&".repeat(40_000))),
            Refused(400, "patch_operations"),
        ),
        (
            "a query that is not UTF-8",
            QUERIES,
            path("/relatedParty?role=%FF"),
            Refused(400, "percent-encoded UTF-8"),
        ),
        (
            "SQL in a query",
            QUERIES,
            path("/relatedParty?role=' OR 1=1--"),
            Refused(400, "nothing is selected"),
        ),
        ("nested deeper than the bound", MERGE, nested, Refused(400, "deeper than 64")),
        ("1 MiB of members", MERGE, format!("{{{}}}", many(34_000)), Refused(400, "json_values")),
        ("1 MiB of small arrays", MERGE, wide, Refused(400, "json_values")),
        ("a list", MERGE, "[]".into(), Refused(400, "object")),
        ("nothing", MERGE, "null".into(), Refused(400, "object")),
    ];
    let target = format!("{api}/partyInteraction/{id}");
    let row = |(name, media_type, body, expected): (&str, &str, String, Expected)| {
        let header = format!("Content-Type: {media_type}\r\n");
        Attack::request("PATCH", &target, &header, body.as_bytes(), &format!("{api} {name}"))
            .expecting(expected)
    };
    table.into_iter().map(row).collect()
}
