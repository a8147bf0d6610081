//! Bodies of a POST that are no interaction. The texts that `validation.rs` tries are not tried again.
//! (RFC 8259)

use super::attack::{Attack, Expected};
use Expected::Refused;
use harness::Api;

const MIB: usize = 1 << 20;

pub fn attacks(api: Api) -> Vec<Attack> {
    let sample = api.sample("call").to_string();
    let with = |members: &str| format!("{},{members}}}", sample.trim_end_matches('}'));
    let utf16: Vec<u8> = sample.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf16_le: Vec<u8> = sample.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let filled = |unit: &str| {
        let room = MIB - sample.len() - 100;
        format!("{{\"x\":[{}]}}", vec![unit; room / (unit.len() + 1)].join(","))
    };
    let depth = |open: &str, close: &str, levels: usize| {
        with(&format!("\"x\":{}0{}", open.repeat(levels), close.repeat(levels)))
    };
    let chopped = sample.as_bytes()[..sample.len() - 1].to_vec();
    let table: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("UTF-16, big end first", utf16, Refused(400, "line 1")),
        ("UTF-16, little end first", utf16_le, Refused(400, "line 1")),
        ("UTF-16 with its mark", b"\xfe\xff\0{\0}".to_vec(), Refused(400, "UTF-8")),
        ("UTF-8 with a mark", format!("\u{feff}{sample}").into(), Refused(400, "line 1")),
        ("a surrogate in UTF-8", b"{\"reason\":\"\xed\xa0\x80\"}".to_vec(), Refused(400, "UTF-8")),
        ("cut off", chopped, Refused(400, "EOF")),
        ("NUL at the end", format!("{sample}\0").into(), Refused(400, "trailing")),
        ("two bodies", format!("{sample}{sample}").into(), Refused(400, "trailing")),
        ("NUL in a text", b"{\"reason\":\"a\0b\"}".to_vec(), Refused(400, "control character")),
        ("a comment", b"{/**/}".to_vec(), Refused(400, "line 1")),
        (
            "a number without end",
            with(&format!("\"x\":{}", "1e".repeat(1000))).into(),
            Refused(400, "line 1"),
        ),
        (
            "__proto__ twice",
            with("\"__proto__\":{},\"__proto__\":{}").into(),
            Refused(400, "`/__proto__`"),
        ),
        (
            "a name twice, NUL in it",
            with("\"\\u0000\":1,\"\\u0000\":2").into(),
            Refused(400, "appears twice"),
        ),
        ("lone surrogate in a name", with("\"\\ud800\":1").into(), Refused(400, "line 1")),
        (
            "surrogates in the wrong order",
            with("\"x\":\"\\udc00\\ud800\"").into(),
            Refused(400, "line 1"),
        ),
        (
            "10000 arrays in each other",
            depth("[", "]", 10_000).into(),
            Refused(400, "deeper than 64"),
        ),
        (
            "500000 arrays in each other",
            depth("[", "]", 500_000).into(),
            Refused(400, "deeper than 64"),
        ),
        (
            "100000 objects in each other",
            depth("{\"a\":", "}", 100_000).into(),
            Refused(400, "deeper than 64"),
        ),
        ("1 MiB of brackets", vec![b'['; MIB], Refused(400, "deeper than 64")),
        ("1 MiB of blanks", vec![b' '; MIB], Refused(400, "EOF")),
        ("1 MiB of quotation marks", vec![b'"'; MIB], Refused(400, "line 1")),
        ("1 MiB of digits", vec![b'7'; MIB], Refused(400, "object")),
        ("more than 1 MiB", vec![b' '; MIB + 1], Refused(413, "1048576")),
        ("1 MiB of zeros", filled("0").into(), Refused(400, "array_items")),
        ("1 MiB of arrays", filled("[0]").into(), Refused(400, "array_items")),
        ("1 MiB of objects", filled("{\"a\":0}").into(), Refused(400, "array_items")),
        (
            "1 MiB of values in small arrays",
            filled(&format!("[{}]", vec!["[]"; 60].join(","))).into(),
            Refused(400, "json_values"),
        ),
    ];
    let json = "Content-Type: application/json\r\n";
    let row = |(name, body, expected): (&str, Vec<u8>, Expected)| {
        Attack::post(api, json, &body, name).expecting(expected)
    };
    table.into_iter().map(row).chain(headers(api)).collect()
}

/// A good body under bad headers.
fn headers(api: Api) -> Vec<Attack> {
    let sample = api.sample("call").to_string();
    let long = format!("Idempotency-Key: {}\r\n", "k".repeat(10_000));
    let long_type = format!("Content-Type: x/{}\r\n", "y".repeat(10_000));
    let table = [
        ("Idempotency-Key: \u{e9}\r\n", Refused(400, "Idempotency-Key")),
        ("Idempotency-Key: \r\n", Refused(400, "Idempotency-Key")),
        ("Idempotency-Key: a\r\nIdempotency-Key: b\r\n", Refused(400, "Idempotency-Key")),
        ("Idempotency-Key: a b\r\n", Refused(400, "Idempotency-Key")),
        (&long, Refused(400, "Idempotency-Key")),
        ("Content-Type: \u{e9}\r\n", Refused(415, "application/json")),
        (
            "Content-Type: application/json\r\nContent-Type: text/html\r\n",
            Refused(415, "application/json"),
        ),
        ("Content-Type: application/json, text/html\r\n", Refused(415, "application/json")),
        ("Content-Encoding: gzip\r\n", Refused(415, "Content-Encoding")),
        ("Content-Encoding: identity, br\r\n", Refused(415, "Content-Encoding")),
        (&long_type, Refused(415, "application/json")),
    ];
    let row = |(headers, expected): (&str, Expected)| {
        Attack::post(api, headers, sample.as_bytes(), "header").named(headers).expecting(expected)
    };
    table.into_iter().map(row).collect()
}
