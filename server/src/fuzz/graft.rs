//! Grafts: a value of one JSON text put onto another, which stays JSON.

use super::input::LIMITS;
use crate::domain::json;
use proptest::sample::Index;
use serde_json::Value;

/// Puts a value of the donor in the place of one of the text's or, if that can hold it, into it. The places: a line of the text and a value in it, a line of the donor and a value in it.
/// Where a line is not JSON nothing happens.
pub fn graft(text: &mut Vec<u8>, donor: &[u8], places: &[Index; 4], inside: bool) {
    let [line, value, donor_line, donor_value] = places;
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let donor_lines: Vec<&[u8]> = donor.split(|byte| *byte == b'\n').collect();
    let read = |line: &[u8]| json::parse(line, LIMITS).ok();
    let chosen = line.index(lines.len());
    let donor = read(donor_lines[donor_line.index(donor_lines.len())]);
    let (Some(mut whole), Some(donor)) = (read(lines[chosen]), donor) else { return };
    let donated = values(&donor);
    let scion = donated[donor_value.index(donated.len())].clone();
    let place = value.index(values(&whole).len());
    if let Some(stock) = nth(&mut whole, &mut { place }) {
        match (stock, scion) {
            (Value::Object(members), Value::Object(more)) if inside => members.extend(more),
            (Value::Array(items), one) if inside => items.push(one),
            (stock, scion) => *stock = scion,
        }
    }
    let grown = whole.to_string();
    lines[chosen] = grown.as_bytes();
    *text = lines.join(&b'\n');
}

/// All values, from the root on.
fn values(value: &Value) -> Vec<&Value> {
    let inside: Vec<&Value> = match value {
        Value::Array(items) => items.iter().flat_map(values).collect(),
        Value::Object(members) => members.values().flat_map(values).collect(),
        _ => Vec::new(),
    };
    std::iter::once(value).chain(inside).collect()
}

/// The one that `values` has at this place.
fn nth<'v>(value: &'v mut Value, place: &mut usize) -> Option<&'v mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, place)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, place)),
        _ => None,
    }
}
