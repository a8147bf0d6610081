//! Stand-ins for what `domain::index` and `query::filter` are going to bring.

use crate::domain::index::{Key, KeyValue};
use crate::domain::interaction::{Interaction, Members};
use crate::query::filter::{Filter, Term};
use serde_json::Value;

/// Index entries of a term, and whether they decide it.
pub(super) fn lookup(term: &Term) -> Option<(Vec<Key>, bool)> {
    let value = KeyValue::Text(term.operand.clone());
    match term.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["status"] => Some((vec![Key { path: 1, value }], true)),
        ["direction"] => Some((vec![Key { path: 2, value }], false)),
        _ => None,
    }
}

/// Evaluates a filter.
pub(super) fn matches(filter: &Filter, interaction: &Interaction, members: &Members) -> bool {
    fn any(value: Option<&Value>, path: &[String], operand: &str) -> bool {
        match (value, path) {
            (Some(Value::Array(items)), _) => items.iter().any(|v| any(Some(v), path, operand)),
            (Some(Value::Object(o)), [head, tail @ ..]) => any(o.get(head), tail, operand),
            (Some(Value::String(s)), []) => s == operand,
            _ => false,
        }
    }
    filter.conditions.iter().all(|condition| {
        condition.any_of.iter().any(|term| match term.path[0].as_str() {
            "id" => interaction.id == term.operand,
            "href" => interaction.href(&filter.href_prefix) == term.operand,
            _ => any(members.get(&term.path[0]), &term.path[1..], &term.operand),
        })
    })
}
