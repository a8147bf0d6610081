//! An attack: bytes, and what must become of them.

use harness::{Api, Reply};

/// What requests name as their host, so that what is answered does not depend on the port.
pub const HOST: &str = "tmf683.example";

/// What must come of an attack.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// A TMF `Error` of this status that tells of this.
    Refused(u16, &'static str),
    /// HTTP itself is broken: at most one answer, a 4xx that says no more, and the end.
    Broken,
    /// A 4xx of the router's own making (ARCHITECTURE, "What it does not do").
    Router(u16),
    /// As harmless as it looks: answered once, with this status.
    Answered(u16),
}

/// One attack.
pub struct Attack {
    /// For messages.
    pub name: String,
    /// Everything that is sent.
    pub bytes: Vec<u8>,
    expected: Expected,
}

impl Attack {
    /// As the bytes are; whoever writes them says when the connection ends.
    pub fn raw(name: &str, bytes: impl Into<Vec<u8>>, expected: Expected) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into(), expected }
    }

    /// A well-formed request with this head and body.
    pub fn request(method: &str, target: &str, headers: &str, body: &[u8], name: &str) -> Self {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n"
        );
        let bytes = [head.as_bytes(), body].concat();
        Self::raw(&format!("{method} {name}"), bytes, Expected::Answered(200))
    }

    /// GET of what follows the collection's path.
    pub fn get(api: Api, rest: &str, name: &str) -> Self {
        let target = format!("{api}/partyInteraction{rest}");
        Self::request("GET", &target, "", b"", &format!("{api} {name}"))
    }

    /// POST to the collection.
    pub fn post(api: Api, headers: &str, body: &[u8], name: &str) -> Self {
        let target = format!("{api}/partyInteraction");
        Self::request("POST", &target, headers, body, &format!("{api} {name}"))
    }

    /// With what is particular to it in its name.
    pub fn named(self, what: &str) -> Self {
        let what: String = what.chars().take(60).collect();
        Self { name: format!("{} {what:?}", self.name), ..self }
    }

    /// With another outcome.
    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    /// Insists on the outcome.
    #[track_caller]
    pub fn judge(&self, reply: &Reply) {
        let client_error = reply.status.is_some_and(|status| (400..500).contains(&status));
        let is_right = match self.expected {
            Expected::Refused(status, culprit) => {
                reply.status == Some(status)
                    && reply.told().is_some_and(|told| told.contains(culprit))
            }
            Expected::Broken => reply.status.is_none() || client_error && reply.body.is_empty(),
            Expected::Router(status) => reply.status == Some(status),
            Expected::Answered(status) => reply.status == Some(status),
        };
        assert!(
            is_right && reply.answers <= 1,
            "{}: expected {:?}, got {reply}",
            self.name,
            self.expected
        );
    }
}
