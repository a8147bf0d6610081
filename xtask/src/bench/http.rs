//! One request at a time, for what is asked once: a connection of its own, read to its end.

use anyhow::{Context, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Nothing here takes longer on a machine worth measuring.
const TIMEOUT: Duration = Duration::from_secs(300);
/// What is kept of an answer; the rest is counted.
const KEPT: usize = 64 << 10;

/// An answer, chunked or not.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The head, and as much of the body as is kept.
    pub(super) text: String,
    /// Of head and body.
    pub(super) bytes: u64,
}

impl Answer {
    /// The first header of this name, in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Asks `origin` (`http://HOST:PORT`); with a body, it is JSON.
pub(super) fn ask(origin: &str, method: &str, target: &str, body: &str) -> anyhow::Result<Answer> {
    let host = origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).with_context(|| host.to_owned())?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let (mut kept, mut bytes, mut buffer) = (Vec::new(), 0, vec![0; 256 << 10]);
    loop {
        let count = stream.read(&mut buffer).with_context(|| format!("{method} {target}"))?;
        if count == 0 {
            break;
        }
        bytes += count as u64;
        let room = KEPT.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
    let text = String::from_utf8_lossy(&kept).into_owned();
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer { status: status.with_context(|| format!("no HTTP: {text:.80}"))?, text, bytes })
}

/// Asks, and minds anything but success.
pub(super) fn must(origin: &str, method: &str, target: &str, body: &str) -> anyhow::Result<Answer> {
    let answer = ask(origin, method, target, body)?;
    ensure!((200..300).contains(&answer.status), "{method} {target}: {}", answer.text);
    Ok(answer)
}
