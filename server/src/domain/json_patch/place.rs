//! One place in a document: putting something there, taking it away, comparing what is there
//! (RFC 6902 §4).

use super::Problem;
use super::pointer::{END, Pointer, index};
use crate::domain::decimal::Decimal;
use crate::domain::interaction::keeping_type_last;
use serde_json::{Number, Value};

/// `add` (§4.1): a new or other member, or an element before the one that is there.
pub fn add(document: &mut Value, at: &Pointer, value: Value) -> Result<(), Problem> {
    let Some((last, parent)) = at.0.split_last() else {
        *document = value;
        return Ok(());
    };
    match find_mut(document, parent) {
        Some(Value::Object(members)) => keeping_type_last(members, |members| {
            members.insert(last.clone(), value);
        }),
        Some(Value::Array(elements)) if last == END => elements.push(value),
        Some(Value::Array(elements)) => match index(last) {
            Some(at) if at <= elements.len() => elements.insert(at, value),
            _ => return Err(Problem::NoPlace),
        },
        _ => return Err(Problem::NoPlace),
    }
    Ok(())
}

/// `replace` (§4.3): another value for what is there.
pub fn replace(document: &mut Value, at: &Pointer, value: Value) -> Result<(), Problem> {
    let found = find_mut(document, &at.0).ok_or(Problem::NoPlace)?;
    *found = value;
    Ok(())
}

/// `remove` (§4.2): takes away what is there, if there is something.
pub fn remove(document: &mut Value, at: &Pointer) -> Option<Value> {
    let (last, parent) = at.0.split_last()?;
    match find_mut(document, parent)? {
        // Not `remove`, which would put the last member in its place.
        Value::Object(members) => members.shift_remove(last),
        Value::Array(elements) => {
            let at = index(last).filter(|at| *at < elements.len())?;
            Some(elements.remove(at))
        }
        _ => None,
    }
}

fn find_mut<'v>(document: &'v mut Value, tokens: &[String]) -> Option<&'v mut Value> {
    tokens.iter().try_fold(document, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(elements) => elements.get_mut(index(token)?),
        _ => None,
    })
}

/// Equality as §4.6 has it: numbers by value, members in any order.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_same = |(name, one)| other.get(name).is_some_and(|other| same(one, other));
            one.len() == other.len() && one.iter().all(is_same)
        }
        _ => one == other,
    }
}

fn same_number(one: &Number, other: &Number) -> bool {
    let read = |number: &Number| Decimal::parse(&number.to_string());
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}
