//! `spec-diff`: what two API documents state differently.
//!
//! Prose, examples, info and servers are left out, and so is the order of what has none. Everything
//! else counts. Versions are not converted into each other: both documents are of one kind.

use std::path::Path;

use serde_json::Value;

use crate::Outcome;
use crate::document::{self, Pointer};
use crate::structure::normal_form;

/// One place where the documents differ; `None` where one has nothing.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) pointer: Pointer,
    pub(crate) ours: Option<Value>,
    pub(crate) theirs: Option<Value>,
}

/// A line per difference; good if there is none.
pub(crate) fn run(ours: &Path, theirs: &Path) -> anyhow::Result<Outcome> {
    let differences = differences(&document::read(ours)?, &document::read(theirs)?);
    let shown = |value: &Option<Value>| match value {
        None => "(absent)".to_owned(),
        Some(value) => value.to_string(),
    };
    let line = |difference: &Difference| {
        let (ours, theirs) = (shown(&difference.ours), shown(&difference.theirs));
        format!("{}\tours: {ours}\ttheirs: {theirs}\n", difference.pointer)
    };
    let text = differences.iter().map(line).collect();
    Ok(Outcome { text, is_good: differences.is_empty() })
}

/// Every difference, in the order of our document's sorted form.
pub(crate) fn differences(ours: &Value, theirs: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let (ours, theirs) = (normal_form(ours), normal_form(theirs));
    compare(Some(&ours), Some(&theirs), &Pointer::root(), &mut found);
    found
}

fn compare(
    ours: Option<&Value>,
    theirs: Option<&Value>,
    pointer: &Pointer,
    found: &mut Vec<Difference>,
) {
    match (ours, theirs) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            for (key, value) in ours {
                compare(Some(value), theirs.get(key), &pointer.at(key), found);
            }
            for (key, value) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
                compare(None, Some(value), &pointer.at(key), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            compare_arrays(ours, theirs, pointer, found);
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => found.push(Difference {
            pointer: pointer.clone(),
            ours: ours.cloned(),
            theirs: theirs.cloned(),
        }),
    }
}

/// Parameters and tags go by name, branches by what they refer to, the rest by position.
fn compare_arrays(
    ours: &[Value],
    theirs: &[Value],
    pointer: &Pointer,
    found: &mut Vec<Difference>,
) {
    let key = |value: &Value| {
        let named = value.get("name").map(|name| (name.clone(), value.get("in").cloned()));
        named.or_else(|| value.get("$ref").map(|reference| (reference.clone(), None)))
    };
    let all_keyed = ours.iter().chain(theirs).all(|value| key(value).is_some());
    if !all_keyed {
        for i in 0..ours.len().max(theirs.len()) {
            compare(ours.get(i), theirs.get(i), &pointer.index(i), found);
        }
        return;
    }
    for (i, value) in ours.iter().enumerate() {
        let same = theirs.iter().find(|theirs| key(theirs) == key(value));
        compare(Some(value), same, &pointer.index(i), found);
    }
    for (i, value) in theirs.iter().enumerate() {
        if !ours.iter().any(|ours| key(ours) == key(value)) {
            compare(None, Some(value), &pointer.index(i), found);
        }
    }
}
