//! Reading API documents: JSON or YAML in, one JSON value out, and faults that say where they are.
//!
//! Nothing here knows what a document means. A [`Fault`] is how every later step refuses something:
//! a JSON pointer and a sentence. The file name is added once, where the file is known.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};

/// A JSON object; short because every step takes and makes them.
pub(crate) type Object = Map<String, Value>;

/// Something in a document that a step cannot take, and the JSON pointer of where it stands.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) pointer: Pointer,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(pointer: &Pointer, message: impl Into<String>) -> Self {
        Self { pointer: pointer.clone(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}: {}", self.pointer, self.message)
    }
}

impl std::error::Error for Fault {}

/// A JSON pointer (RFC 6901), grown one step at a time while walking a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pointer(String);

impl Pointer {
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// The pointer of a member of the value this one points at.
    pub(crate) fn at(&self, member: &str) -> Self {
        Self(format!("{}/{}", self.0, member.replace('~', "~0").replace('/', "~1")))
    }

    /// The pointer of an element of the array this one points at.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a document. The extension decides the syntax; YAML is a superset, so it is the default.
pub(crate) fn read(path: &Path) -> anyhow::Result<Value> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let value: Value = if is_json {
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?
    } else {
        serde_yaml_ng::from_str(&text).with_context(|| format!("{} is not YAML", path.display()))?
    };
    anyhow::ensure!(value.is_object(), "{}#: the document is not an object", path.display());
    Ok(value)
}

/// The value as an object, or a fault that says what was expected.
pub(crate) fn object<'a>(value: &'a Value, pointer: &Pointer) -> Result<&'a Object, Fault> {
    value.as_object().ok_or_else(|| Fault::new(pointer, "expected an object"))
}

/// The value as text, or a fault.
pub(crate) fn text<'a>(value: &'a Value, pointer: &Pointer) -> Result<&'a str, Fault> {
    value.as_str().ok_or_else(|| Fault::new(pointer, "expected a string"))
}

/// The value as an array, or a fault.
pub(crate) fn array<'a>(value: &'a Value, pointer: &Pointer) -> Result<&'a [Value], Fault> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| Fault::new(pointer, "expected an array"))
}

/// The members of `parent[name]`, or nothing where it is absent.
pub(crate) fn members<'a>(
    parent: &'a Value,
    name: &str,
    pointer: &Pointer,
) -> Result<Vec<(&'a str, &'a Value, Pointer)>, Fault> {
    let Some(value) = parent.get(name) else { return Ok(Vec::new()) };
    let pointer = pointer.at(name);
    let found = object(value, &pointer)?;
    Ok(found.iter().map(|(key, value)| (key.as_str(), value, pointer.at(key))).collect())
}

/// The elements of `parent[name]`, or nothing where it is absent.
pub(crate) fn elements<'a>(
    parent: &'a Value,
    name: &str,
    pointer: &Pointer,
) -> Result<Vec<(&'a Value, Pointer)>, Fault> {
    let Some(value) = parent.get(name) else { return Ok(Vec::new()) };
    let pointer = pointer.at(name);
    let found = array(value, &pointer)?;
    Ok(found.iter().enumerate().map(|(i, value)| (value, pointer.index(i))).collect())
}
