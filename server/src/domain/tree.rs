//! JSON as it lies in its text: what a document is while it is judged, indexed and written down.
//!
//! Texts are borrowed from where they were read, and members stand in a row in the order of the text, so a
//! tree costs little more than the reading. It is for looking at; of what it can change there is only what
//! the server sets at the root. Patches and lenses work on [`Members`], which are found by hash.

use super::interaction::Members;
use serde_json::{Number, Value};
use std::borrow::Cow;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree<'t> {
    /// `null`
    Null,
    /// `true` and `false`
    Bool(bool),
    /// As it was spelled.
    Number(Number),
    /// What a string says, not how it was escaped.
    Text(Cow<'t, str>),
    /// The items.
    Array(Vec<Tree<'t>>),
    /// The members.
    Object(Object<'t>),
}

/// A JSON object, its members in their order. No name is there twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'t>(Vec<Member<'t>>);

/// A name, and what it names.
pub type Member<'t> = (Cow<'t, str>, Tree<'t>);

impl<'t> Object<'t> {
    /// Of members of different names.
    pub(super) fn of(members: Vec<Member<'t>>) -> Self {
        Self(members)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members.
    pub fn iter(&self) -> std::slice::Iter<'_, Member<'t>> {
        self.0.iter()
    }

    /// What a name names.
    pub fn get(&self, name: &str) -> Option<&Tree<'t>> {
        self.0.iter().find(|(at, _)| at == name).map(|(_, value)| value)
    }

    /// The same, if it is there and is not `null`.
    pub fn stated(&self, name: &str) -> Option<&Tree<'t>> {
        self.get(name).filter(|value| **value != Tree::Null)
    }

    /// Takes a member out; those behind it move up.
    pub fn remove(&mut self, name: &str) -> Option<Tree<'t>> {
        let at = self.0.iter().position(|(at, _)| at == name)?;
        Some(self.0.remove(at).1)
    }

    /// Gives a name a text: in its place if it is there, else as the last.
    pub fn set(&mut self, name: &'t str, text: &'t str) {
        let value = Tree::Text(Cow::Borrowed(text));
        match self.0.iter_mut().find(|(at, _)| at == name) {
            Some((_, there)) => *there = value,
            None => self.0.push((Cow::Borrowed(name), value)),
        }
    }

    /// See [`keeping_type_last`](super::interaction::keeping_type_last).
    pub fn keeping_type_last(&mut self, change: impl FnOnce(&mut Self)) {
        let is_last = |object: &Self| object.0.last().is_some_and(|(name, _)| name == "@type");
        let was_last = is_last(self);
        change(self);
        if was_last
            && !is_last(self)
            && let Some(kept) = self.remove("@type")
        {
            self.0.push((Cow::Borrowed("@type"), kept));
        }
    }

    /// How many values there are: this one, and the members and items of every level in it.
    pub fn values(&self) -> usize {
        1 + self.iter().map(|(_, value)| value.values()).sum::<usize>()
    }

    /// Its text, without blanks: what [`Value`] would print.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.length());
        self.put(&mut text);
        text
    }

    /// That of the text, but for escapes.
    fn length(&self) -> usize {
        let member = |(name, value): &Member<'_>| name.len() + r#""":,"#.len() + value.length();
        2 + self.0.iter().map(member).sum::<usize>()
    }

    fn put(&self, text: &mut String) {
        text.push('{');
        for (at, (name, value)) in self.0.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            put_text(name, text);
            text.push(':');
            value.put(text);
        }
        text.push('}');
    }
}

impl<'t> Tree<'t> {
    /// The members of an object.
    pub fn as_object(&self) -> Option<&Object<'t>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// What a string says.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// See [`Object::values`].
    pub fn values(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => 1,
            Self::Array(items) => 1 + items.iter().map(Self::values).sum::<usize>(),
            Self::Object(object) => object.values(),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 5,
            Self::Number(number) => number.as_str().len(),
            Self::Text(text) => 2 + text.len(),
            Self::Array(items) => 2 + items.iter().map(|item| item.length() + 1).sum::<usize>(),
            Self::Object(object) => object.length(),
        }
    }

    fn put(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => text.push_str(number.as_str()),
            Self::Text(said) => put_text(said, text),
            Self::Array(items) => {
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        text.push(',');
                    }
                    item.put(text);
                }
                text.push(']');
            }
            Self::Object(object) => object.put(text),
        }
    }
}

/// A string of JSON (RFC 8259 §7). Nearly all stand in it as they are.
fn put_text(said: &str, text: &mut String) {
    // No early end, so that many bytes are looked at at once.
    let is_escaped = |found, byte: &u8| found | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    if said.as_bytes().iter().fold(false, is_escaped) {
        text.push_str(&Value::from(said).to_string());
    } else {
        text.push('"');
        text.push_str(said);
        text.push('"');
    }
}

impl<'t> From<&'t Value> for Tree<'t> {
    fn from(value: &'t Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members.into()),
        }
    }
}

impl<'t> From<&'t Members> for Object<'t> {
    fn from(members: &'t Members) -> Self {
        let member = |(name, value): (&'t String, &'t Value)| (Cow::from(name), Tree::from(value));
        Self(members.iter().map(member).collect())
    }
}

impl From<Value> for Tree<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members.into()),
        }
    }
}

impl From<Members> for Object<'_> {
    fn from(members: Members) -> Self {
        let member = |(name, value)| (Cow::Owned(name), Tree::from(value));
        Self(members.into_iter().map(member).collect())
    }
}

impl From<Tree<'_>> for Value {
    fn from(tree: Tree<'_>) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(value) => Self::Bool(value),
            Tree::Number(number) => Self::Number(number),
            Tree::Text(text) => Self::String(text.into_owned()),
            Tree::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Tree::Object(object) => Self::Object(object.into()),
        }
    }
}

impl From<Object<'_>> for Members {
    fn from(object: Object<'_>) -> Self {
        let mut members = Self::with_capacity(object.len());
        for (name, value) in object.0 {
            members.insert(name.into_owned(), value.into());
        }
        members
    }
}
