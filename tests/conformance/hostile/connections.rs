//! Below the API: framing, request lines, hosts, heads. (RFC 9112)

use super::attack::{Attack, Expected, HOST};
use Expected::{Answered, Broken, Refused, Router};
use harness::Api;

/// A request to v5's collection whose head ends with `rest`, body and all.
fn head(method: &str, rest: &str) -> String {
    format!("{method} {}/partyInteraction HTTP/1.1\r\n{rest}", Api::V5)
}

/// The same with a good `Host`, and the end of the connection announced.
fn closing(method: &str, rest: &str) -> String {
    head(method, &format!("Host: {HOST}\r\nConnection: close\r\n{rest}"))
}

pub fn attacks() -> Vec<Attack> {
    [framing(), lines(), hosts(), heads()].into_iter().flatten().collect()
}

fn raw(table: Vec<(&str, String, Expected)>) -> Vec<Attack> {
    let row = |(name, text, expected): (&str, String, Expected)| {
        Attack::raw(name, text.into_bytes(), expected)
    };
    table.into_iter().map(row).collect()
}

/// Where a body ends: what two readers could understand differently.
fn framing() -> Vec<Attack> {
    let smuggled = format!("GET {}/partyInteraction HTTP/1.1\r\nHost: {HOST}\r\n\r\n", Api::V5);
    let post = |rest: &str| closing("POST", rest);
    let chunked = |rest: &str| post(&format!("Transfer-Encoding: chunked\r\n\r\n{rest}"));
    let ended = "The request body ended early";
    raw(vec![
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), Broken),
        ("a list of lengths", post("Content-Length: 2, 2\r\n\r\n{}"), Broken),
        ("a negative length", post("Content-Length: -1\r\n\r\n{}"), Broken),
        ("a length with a sign", post("Content-Length: +2\r\n\r\n{}"), Broken),
        ("a length beyond 2^64", post("Content-Length: 99999999999999999999999\r\n\r\n{}"), Broken),
        ("a length of 2^64-1", post("Content-Length: 18446744073709551615\r\n\r\n{}"), Broken),
        (
            "a length of 1 TiB",
            post("Content-Length: 1099511627776\r\n\r\n{}"),
            Refused(413, "1048576"),
        ),
        // Transfer-Encoding counts, and what follows its end is not the next request.
        (
            "a length and chunks",
            head(
                "POST",
                &format!(
                    "Host: {HOST}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
                ),
            ),
            Refused(400, "EOF"),
        ),
        (
            "chunks and a length",
            head(
                "POST",
                &format!(
                    "Host: {HOST}\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n{smuggled}"
                ),
            ),
            Refused(400, "EOF"),
        ),
        ("another encoding", post("Transfer-Encoding: gzip\r\n\r\n{}"), Broken),
        ("chunked, but not last", post("Transfer-Encoding: chunked, gzip\r\n\r\n{}"), Broken),
        ("an endless chunk size", chunked("FFFFFFFFFFFFFFFFFF\r\n{}"), Refused(400, ended)),
        ("a chunk size that is none", chunked("zz\r\n{}\r\n0\r\n\r\n"), Refused(400, ended)),
        ("a negative chunk size", chunked("-2\r\n{}\r\n0\r\n\r\n"), Refused(400, ended)),
        (
            "a chunk extension of 20 kB",
            chunked(&format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(20_000))),
            Refused(400, ended),
        ),
        (
            "2000 trailers",
            chunked(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(2_000))),
            Refused(400, ended),
        ),
        (
            "more than the bound in chunks",
            chunked(&format!(
                "{}0\r\n\r\n",
                format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(33)
            )),
            Refused(413, "1048576"),
        ),
        (
            "no wait for a body that is refused",
            post("Accept: text/html\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            Refused(406, "application/json"),
        ),
        (
            "no wait for a body that is too large",
            post("Expect: 100-continue\r\nContent-Length: 70000000\r\n\r\n"),
            Refused(413, "1048576"),
        ),
    ])
}

fn lines() -> Vec<Attack> {
    let get = |target: &str, rest: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{rest}\r\n")
    };
    let path = format!("{}/partyInteraction", Api::V5);
    let mut attacks = raw(vec![
        ("HTTP/0.9", format!("GET {path}\r\n\r\n"), Broken),
        ("HTTP/3.0 in text", format!("GET {path} HTTP/3.0\r\nHost: {HOST}\r\n\r\n"), Broken),
        ("no HTTP", "HELO tmf683.example\r\n\r\n".into(), Broken),
        ("no target", "GET  HTTP/1.1\r\n\r\n".into(), Broken),
        ("a blank in the target", get(&format!("{path}/a b"), ""), Broken),
        (
            "HTTP/2 and then garbage",
            format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{}", "garbage".repeat(9)),
            Broken,
        ),
        ("a folded header", get(&path, "X-A: a\r\n  b\r\n"), Broken),
        ("a blank before the colon", get(&path, "X-A : a\r\n"), Broken),
        ("NUL in a header", get(&path, "X-A: a\0b\r\n"), Broken),
        ("a bare CR in a header", get(&path, "X-A: a\rX-B: b\r\n"), Broken),
        ("absolute form", get(&format!("http://{HOST}{path}"), ""), Answered(200)),
        (
            "absolute form with a password",
            get(&format!("http://u:p@{HOST}{path}"), ""),
            Refused(400, "Host"),
        ),
        ("authority form", get("tmf683.example:80", ""), Router(404)),
        (
            "CONNECT",
            closing("CONNECT", "\r\n").replacen(&path, "tmf683.example:80", 1),
            Router(404),
        ),
        ("asterisk form", closing("OPTIONS", "\r\n").replacen(&path, "*", 1), Router(404)),
        ("a method of 10 kB", closing(&"A".repeat(10_000), "\r\n"), Router(405)),
        ("a target of 70 kB", get(&format!("{path}?a={}", "a".repeat(70_000)), ""), Broken),
        ("dots", get(&format!("{path}/../partyInteraction"), ""), Router(400)),
    ]);
    attacks.extend([
        Attack::raw("noise", vec![0, 1, 2, 13, 10, 13, 10], Broken),
        Attack::raw("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(4), Broken),
        Attack::raw(
            "bytes beyond ASCII",
            get(&format!("{path}/?"), "")
                .into_bytes()
                .iter()
                .map(|b| if *b == b'?' { 0xff } else { *b })
                .collect::<Vec<u8>>(),
            Broken,
        ),
    ]);
    attacks
}

fn hosts() -> Vec<Attack> {
    let host = |lines: &str| head("GET", &format!("{lines}Connection: close\r\n\r\n"));
    let mut attacks = raw(vec![
        ("no Host", host(""), Refused(400, "Host")),
        ("two Hosts", host("Host: a\r\nHost: b\r\n"), Refused(400, "Host")),
        ("the same Host twice", host("Host: a\r\nhost: a\r\n"), Refused(400, "Host")),
    ]);
    for name in [
        "", "u:p@a", "a b", "a/b", "a?b", "a#b", "a\\b", "a>b", "a\"b", "<script>", "[::1",
        "\u{e9}",
    ] {
        let text = host(&format!("Host: {name}\r\n"));
        attacks.push(Attack::raw(
            &format!("Host `{name}`"),
            text.into_bytes(),
            Refused(400, "ost: not"),
        ));
    }
    attacks
}

fn heads() -> Vec<Attack> {
    let get = |rest: &str| closing("GET", &format!("{rest}\r\n"));
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: a\r\n")).collect::<String>();
    raw(vec![
        ("98 more headers", get(&many(98)), Answered(200)),
        ("99 more headers", get(&many(99)), Broken),
        ("a header of 300 kB", get(&format!("X-A: {}\r\n", "a".repeat(300_000))), Answered(200)),
        ("a header of 1 MB", get(&format!("X-A: {}\r\n", "a".repeat(1_000_000))), Broken),
        (
            "20000 media types",
            get(&format!("Accept: {}\r\n", "text/html,".repeat(20_000))),
            Refused(406, "application/json"),
        ),
        (
            "20000 weights",
            get(&format!("Accept: application/json{}\r\n", ";q=0".repeat(20_000))),
            Refused(406, "application/json"),
        ),
        (
            "a correlation id of 10 kB",
            get(&format!("X-Correlation-ID: {}\r\n", "a".repeat(10_000))),
            Answered(200),
        ),
        (
            "a token of 100 kB",
            get(&format!("Authorization: Bearer {}\r\n", "a".repeat(100_000))),
            Answered(200),
        ),
    ])
}
