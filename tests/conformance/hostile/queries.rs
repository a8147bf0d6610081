//! Paths and queries: what is in them is text, never SQL, a file name, or a program. (RFC 3986)

use super::attack::{Attack, Expected};
use Expected::{Answered, Refused, Router};
use harness::{Api, Version};

pub fn attacks(api: Api, id: &str) -> Vec<Attack> {
    [paths(api), lists(api), singles(api, id)].into_iter().flatten().collect()
}

/// Ids that are none. What is said to be missing is named as it was understood.
fn paths(api: Api) -> Vec<Attack> {
    let long = format!("/{}", "a".repeat(7_000));
    let longer = format!("/{}", "a".repeat(10_000));
    let table = [
        ("/..%2f..%2f..%2fetc%2fpasswd", Refused(404, "../../../etc/passwd")),
        ("/..%5c..%5cwindows", Refused(404, "..\\..\\windows")),
        ("/%2e%2e", Refused(404, "..")),
        ("/%00", Refused(404, "PartyInteraction")),
        ("/a%00b", Refused(404, "PartyInteraction")),
        ("/a%0d%0aX-Injected:%201", Refused(404, "X-Injected")),
        ("/a;b=c", Refused(404, "a;b=c")),
        ("/;a=b", Refused(404, ";a=b")),
        ("/%25%32%65", Refused(404, "%2e")),
        ("/%zz", Refused(404, "%zz")),
        ("/{id}", Refused(404, "{id}")),
        ("/*", Refused(404, "*")),
        ("/'%20OR%20'1'='1", Refused(404, "' OR '1'='1")),
        ("/1;DROP%20TABLE%20interaction;--", Refused(404, "DROP TABLE")),
        ("/%C0%AF", Router(400)),
        ("/%ED%A0%80", Router(400)),
        ("/%F4%90%80%80", Router(400)),
        ("/%FF", Router(400)),
        ("/../x", Router(400)),
        ("/./x", Router(400)),
        ("/a//b", Router(404)),
        (";a=b", Router(404)),
        ("//", Answered(200)),
        (&long, Refused(404, "aaaa")),
        (&longer, Refused(414, "8192")),
    ];
    let row = |(rest, expected)| Attack::get(api, rest, "path").named(rest).expecting(expected);
    table.into_iter().map(row).collect()
}

/// Queries of the list. An accepted one is true of nothing that is stored, or of all of it.
fn lists(api: Api) -> Vec<Attack> {
    // The one place where a document leads back to itself.
    let round = format!("{}id=x", "relatedParty.partyOrPartyRole.".repeat(250));
    let around = match api.version {
        Version::V4 => Refused(400, "no such attribute"),
        Version::V5 => Answered(200),
    };
    let many = |what: &str, times: usize| what.repeat(times);
    let texts = [
        ("status='%20OR%201=1--", Answered(200)),
        ("status='%3B%20DROP%20TABLE%20interaction%3B--", Answered(200)),
        ("status=%25&status.ne=_", Answered(200)),
        ("status=%00", Answered(200)),
        ("id=%00", Answered(200)),
        ("id=a%00b,c&status=x", Answered(200)),
        ("href=%00", Answered(200)),
        ("href=http://elsewhere/%00", Answered(200)),
        ("sort=status&id=%00", Answered(200)),
        ("status=a%00b", Answered(200)),
        ("status=%0d%0aX-Injected:%201", Answered(200)),
        ("__proto__.__proto__=x", Answered(200)),
        ("constructor.constructor=x", Answered(200)),
        ("%00.%00=x", Answered(200)),
        ("prototype=x", Refused(400, "prototype: no such")),
        ("a.b=x", Refused(400, "a.b: no such")),
        ("a%00b=x", Refused(400, "no such attribute")),
        ("'%20OR%201=1", Refused(400, "' OR 1: no such")),
        ("status%3BDROP=x", Refused(400, "status;DROP: no such")),
        ("status=%FF", Refused(400, "status: not UTF-8")),
        ("status=%C0%AF", Refused(400, "status: not UTF-8")),
        ("status=%ED%A0%80", Refused(400, "status: not UTF-8")),
        ("%FF=x", Refused(400, "not UTF-8")),
        ("limit=18446744073709551615", Answered(200)),
        ("limit=18446744073709551615&offset=18446744073709551615", Answered(200)),
        ("limit=18446744073709551616", Refused(400, "limit")),
        ("limit=-1", Refused(400, "limit")),
        ("limit=0x10", Refused(400, "limit")),
        ("limit=1e3", Refused(400, "limit")),
        ("limit=%D9%A1", Refused(400, "limit")),
        ("limit=1&limit=1", Refused(400, "limit: given more than once")),
        ("offset=1&off%73et=1", Refused(400, "offset: given more than once")),
        ("fields=id&fields=status", Refused(400, "fields: given more than once")),
        ("fields=%00", Answered(200)),
        ("status.regex=(a%2B)%2B$", Answered(200)),
        ("status.regex=(.*a){12}", Answered(200)),
        ("status.regex=(a{1000}){1000}", Refused(400, "status: compiles to more than")),
        ("status.regex=((a{99}){99}){99}", Refused(400, "status: compiles to more than")),
        ("status.regex=(", Refused(400, "status: unclosed group")),
        ("status.regex=%00", Answered(200)),
        ("status.regex=(a)%5C1", Refused(400, "status: backreferences")),
        ("attachment.size.amount=1e400", Answered(200)),
        (
            "attachment.size.amount.gt=1e999999999999999999999",
            Refused(400, "attachment.size.amount"),
        ),
        (
            "attachment.size.amount.lt=-1e-999999999999999999999",
            Refused(400, "attachment.size.amount"),
        ),
        ("attachment.size.amount=NaN", Refused(400, "attachment.size.amount")),
        ("creationDate.gt=99999-01-01T00:00:00Z", Refused(400, "creationDate")),
        ("creationDate.gt=2024-02-30", Refused(400, "creationDate")),
        ("creationDate.gt=2024-01-01T00:00:00%2B99:99", Refused(400, "creationDate")),
        (&round, around),
    ];
    let long = [
        ("a value of 8 kB", format!("status={}", many("a", 8_000)), Answered(200)),
        ("a value of 10 kB", format!("status={}", many("a", 10_000)), Refused(414, "8192")),
        ("65 values", format!("status={}", vec!["x"; 65].join(",")), Refused(400, "64")),
        ("65 parameters", many("status=a&", 65), Refused(400, "64")),
        ("8000 commas", format!("status={}", many(",", 8_000)), Refused(400, "64")),
        ("8000 semicolons", format!("status={}", many(";", 8_000)), Refused(400, "64")),
        ("8000 ampersands", many("&", 8_000), Answered(200)),
        (
            "a pattern of 600 bytes",
            format!("status.regex={}", many("a", 600)),
            Refused(400, "status"),
        ),
        (
            "a pattern of brackets",
            format!("status.regex={}", many("(", 500)),
            Refused(400, "status"),
        ),
        ("1300 fields", format!("fields={}", many("abcde,", 1_300) + "a"), Answered(200)),
        (
            "fields 4000 levels deep",
            format!("fields={}a", many("a.", 4_000)),
            Refused(400, "fields: a path"),
        ),
        (
            "a path 4000 names long",
            format!("{}a=1", many("a.", 4_000)),
            Refused(400, "no such attribute"),
        ),
    ];
    let row = |(query, expected): (&str, Expected)| {
        Attack::get(api, &format!("?{query}"), "query").named(query).expecting(expected)
    };
    let long_row = |(name, query, expected): (&str, String, Expected)| {
        Attack::get(api, &format!("?{query}"), name).expecting(expected)
    };
    texts.into_iter().map(row).chain(long.into_iter().map(long_row)).collect()
}

/// Preconditions and fields of one interaction, and what they must not be mistaken for.
fn singles(api: Api, id: &str) -> Vec<Attack> {
    let target = format!("{api}/partyInteraction/{id}");
    let with = |method: &str, headers: &str, expected: Expected| {
        Attack::request(method, &target, headers, b"{}", &format!("{api} one"))
            .named(headers.trim())
            .expecting(expected)
    };
    let tags = "\"x\",".repeat(10_000);
    let patch = "Content-Type: application/json\r\n";
    let mut attacks = vec![
        with("GET", "If-None-Match: \u{e9}\r\n", Refused(400, "if-none-match")),
        with("GET", "If-None-Match: \"\r\n", Refused(400, "if-none-match")),
        with("GET", &format!("If-None-Match: {tags}\r\n"), Answered(200)),
    ];
    for tag in ["x", "\"a\"b\"", "W/", "\u{e9}", "\"18446744073709551616", "'1'"] {
        let line = format!("{patch}If-Match: {tag}\r\n");
        attacks.push(with("PATCH", &line, Refused(400, "if-match")));
        attacks.push(with("DELETE", &line, Refused(400, "if-match")));
    }
    for tag in ["\"18446744073709551616\"", "\"-1\"", "\"' OR 1=1\"", "W/\"1\"", &tags] {
        let line = format!("{patch}If-Match: {tag}\r\n");
        attacks.push(with("PATCH", &line, Refused(412, "changed")));
        attacks.push(with("DELETE", &line, Refused(412, "changed")));
    }
    attacks
}
