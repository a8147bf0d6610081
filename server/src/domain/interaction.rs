//! The stored PartyInteraction: canonical (v5-shaped) JSON text and what the server knows about it.
//!
//! The text is the truth (D3): it keeps every member and every spelling the client sent. `id` and
//! `href` are not in it. `id` is the key, and `href` depends on the address a reader came by, so
//! both are put in front when the text is served; that is a copy, not a parse.

use super::json;
use serde_json::{Map, Value};

/// Canonical members of an interaction, without `id` and `href`.
pub type Members = Map<String, Value>;

/// Changes an object, after which an `@type` that stood last stands last again. Standing there is
/// how the v4 lens tells that no client sent it, see [`super::lens`].
pub fn keeping_type_last(members: &mut Members, change: impl FnOnce(&mut Members)) {
    let is_last =
        |members: &Members| members.keys().next_back().is_some_and(|last| last == "@type");
    let was_last = is_last(members);
    change(members);
    if was_last
        && !is_last(members)
        && let Some(kept) = members.shift_remove("@type")
    {
        members.insert("@type".to_owned(), kept);
    }
}

/// What an interaction is called: it does not lie among its members.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identity<'a> {
    /// See [`Interaction::id`].
    pub id: &'a str,
    /// See [`Interaction::foreign_href`].
    pub foreign_href: Option<&'a str>,
}

impl Identity<'_> {
    /// The absolute `href` shown to a reader whose collection address is `href_prefix`
    /// (`https://host/tmf-api/partyInteraction/v5/partyInteraction/`).
    pub fn href(self, href_prefix: &str) -> String {
        match self.foreign_href {
            Some(href) => href.to_owned(),
            None => [href_prefix, self.id].concat(),
        }
    }

    /// A view with its `id` and `href` in front.
    pub fn before(self, view: Members, href_prefix: &str) -> Members {
        self.before_with(view, Some(&self.href(href_prefix)))
    }

    /// The same with this `href`, or with none.
    pub fn before_with(self, view: Members, href: Option<&str>) -> Members {
        let mut whole = Members::with_capacity(view.len() + 2);
        whole.insert("id".into(), self.id.into());
        if let Some(href) = href {
            whole.insert("href".into(), href.into());
        }
        whole.extend(view);
        whole
    }
}

/// One stored interaction.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Interaction {
    /// UUIDv7 text, or the id an imported interaction came with.
    pub id: String,
    /// Grows with every change; the ETag is made from it.
    pub version: i64,
    /// The `href` an imported interaction came with; `None` for our own, whose `href` is
    /// `{href_prefix}{id}`.
    pub foreign_href: Option<String>,
    /// Canonical JSON object, without `id` and `href`.
    pub text: String,
}

impl Interaction {
    /// What it is called.
    pub fn identity(&self) -> Identity<'_> {
        Identity { id: &self.id, foreign_href: self.foreign_href.as_deref() }
    }

    /// See [`Identity::href`].
    pub fn href(&self, href_prefix: &str) -> String {
        self.identity().href(href_prefix)
    }

    /// The canonical representation as text: `id` and `href` in front of the stored members.
    pub fn to_text(&self, href_prefix: &str) -> String {
        self.to_text_with(Some(&self.href(href_prefix)))
    }

    /// The same with this `href`, or with none.
    pub fn to_text_with(&self, href: Option<&str>) -> String {
        let rest = self.text.strip_prefix('{').unwrap_or(&self.text);
        let named = self.id.len() + href.map_or(0, str::len);
        let mut text = String::with_capacity(rest.len() + named + 32);
        text.push_str(r#"{"id":"#);
        push_quoted(&mut text, &self.id);
        if let Some(href) = href {
            text.push_str(r#","href":"#);
            push_quoted(&mut text, href);
        }
        if !rest.starts_with('}') {
            text.push(',');
        }
        text.push_str(rest);
        text
    }

    /// The stored members as a tree, spellings kept.
    ///
    /// # Errors
    /// The stored text is not a JSON object: the database was written by something else.
    pub fn members(&self) -> Result<Members, serde_json::Error> {
        json::reread(&self.text)
    }
}

/// A JSON string. Ids and addresses hardly ever have anything in them to escape.
fn push_quoted(text: &mut String, value: &str) {
    // Without stopping at the first: so it is done many bytes at a time.
    let is_odd = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if value.bytes().fold(false, |any, byte| any | is_odd(byte)) {
        text.push_str(&Value::from(value).to_string());
    } else {
        text.push('"');
        text.push_str(value);
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_text_says_what_the_members_say(
            id in ".*",
            foreign_href in prop::option::of(".*"),
            note in prop::option::of(".*"),
        ) {
            let mut members = Members::new();
            members.extend(note.map(|note| ("note".to_owned(), Value::from(note))));
            let text = Value::Object(members.clone()).to_string();
            let interaction = Interaction { id, version: 1, foreign_href, text };
            let whole = interaction.identity().before(members, "http://h/");
            prop_assert_eq!(interaction.to_text("http://h/"), Value::Object(whole).to_string());
        }
    }
}
