//! An answer as it came: status, headers, text. Nothing typed, so nothing is hidden.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A judged answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request, for messages: `GET http://…`.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, to the letter.
    pub text: String,
}

impl Answer {
    /// Insists on a status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Insists on a 4xx whose body names the culprit.
    #[track_caller]
    pub fn refuses(self, status: u16, culprit: &str) -> Self {
        let this = self.is(status);
        let told = format!("{} {}", this.member("/reason"), this.member("/message"));
        assert!(told.contains(culprit), "`{culprit}` is not named: {this}");
        this
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The member at a JSON Pointer; null where there is none.
    #[track_caller]
    pub fn member(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    /// A text member.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let member = self.member(pointer);
        member.as_str().unwrap_or_else(|| panic!("no text at {pointer}: {self}")).to_owned()
    }

    /// The `id` of the resource in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.text_at("/id")
    }

    /// The `id`s of a list, in order.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.each("id")
    }

    /// One text member of each item of a list.
    #[track_caller]
    pub fn each(&self, name: &str) -> Vec<String> {
        let body = self.json();
        let items = body.as_array().unwrap_or_else(|| panic!("no list: {self}"));
        items.iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A header that must be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.maybe_header(name).unwrap_or_else(|| panic!("no {name}: {self}"))
    }

    /// A header that may be there.
    pub fn maybe_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("an ASCII header"))
    }

    /// The URL `Link` gives for a relation.
    #[track_caller]
    pub fn link(&self, relation: &str) -> Option<String> {
        let relation = format!("; rel=\"{relation}\"");
        let links = self.header("link").split(", <").map(|link| link.trim_start_matches('<'));
        links
            .filter_map(|link| link.strip_suffix(&relation)?.strip_suffix('>'))
            .next()
            .map(Into::into)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { request, status, headers, text } = self;
        write!(f, "{request}\n  {status} {headers:?}\n  {text}")
    }
}
