//! Walking a dotted path through a document: arrays are descended into without an index, so a path
//! may lead to several values. Comparing what is found is [`super::scalar`]'s work.

use super::interaction::Members;
use serde_json::Value;

/// Whether any value at the path satisfies the test. Arrays at the end of the path are opened too.
pub fn any_at<S: AsRef<str>>(
    members: &Members,
    path: &[S],
    test: &mut dyn FnMut(&Value) -> bool,
) -> bool {
    match path.split_first() {
        Some((name, rest)) => {
            members.get(name.as_ref()).is_some_and(|value| any_below(value, rest, test))
        }
        None => false,
    }
}

/// Shows every value at the path, in document order.
pub fn each_at<S: AsRef<str>>(members: &Members, path: &[S], show: &mut dyn FnMut(&Value)) {
    any_at(members, path, &mut |value| {
        show(value);
        false
    });
}

fn any_below<S: AsRef<str>>(
    value: &Value,
    path: &[S],
    test: &mut dyn FnMut(&Value) -> bool,
) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_below(element, path, test)),
        Value::Object(members) if !path.is_empty() => any_at(members, path, test),
        other => path.is_empty() && test(other),
    }
}
