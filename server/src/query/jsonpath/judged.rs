//! Whether a compiled path selects anything, and what it comes to (RFC 9535 §2).
//!
//! Nodes are visited, never collected. No node is visited twice for the same segment: children of
//! different nodes are different, and there is one descent at most. So judging costs at most the
//! length of the path times the size of the interaction.

use super::compiled::{Comparable, Logical, Relation, Segment, Selector};
use crate::domain::decimal::Decimal;
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// Told of a node and how often it is selected; true ends the walk.
type Visit<'v, 'n> = &'v mut dyn FnMut(&'n Value, u64) -> bool;

/// Whether there is a node at the end of the path.
pub(super) fn exists(path: &[Segment], node: &Value) -> bool {
    walk(path, node, 1, &mut |_, _| true)
}

/// Visits the nodes at the end of the path; whether a visit ended it.
fn walk<'n>(path: &[Segment], node: &'n Value, times: u64, visit: Visit<'_, 'n>) -> bool {
    match path.split_first() {
        None => visit(node, times),
        Some((segment, rest)) => segment.walk(node, &mut |child, selected| {
            walk(rest, child, times.saturating_mul(selected), visit)
        }),
    }
}

impl Segment {
    fn walk<'n>(&self, node: &'n Value, visit: Visit<'_, 'n>) -> bool {
        self.children(node, visit)
            || self.descends
                && match node {
                    Value::Object(members) => members.values().any(|child| self.walk(child, visit)),
                    Value::Array(elements) => elements.iter().any(|child| self.walk(child, visit)),
                    _ => false,
                }
    }

    fn children<'n>(&self, node: &'n Value, visit: Visit<'_, 'n>) -> bool {
        let mut selected = |child, is_selected: &dyn Fn(&Selector) -> bool| {
            let times = self.selectors.iter().filter(|selector| is_selected(selector)).count();
            times > 0 && visit(child, times as u64)
        };
        match (node, &self.selectors[..]) {
            (Value::Object(members), [Selector::Name(name)]) => {
                members.get(name).is_some_and(|child| visit(child, 1))
            }
            (Value::Object(members), _) => members.iter().any(|(name, child)| {
                selected(child, &|selector: &Selector| selector.takes_member(name, child))
            }),
            (Value::Array(elements), _) => elements.iter().enumerate().any(|(at, child)| {
                let takes = |s: &Selector| s.takes_element(at, elements.len(), child);
                selected(child, &takes)
            }),
            _ => false,
        }
    }
}

impl Selector {
    fn takes_member(&self, name: &str, child: &Value) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::Wildcard => true,
            Self::Filter(logical) => logical.holds(child),
            Self::Index(_) | Self::Slice { .. } => false,
        }
    }

    fn takes_element(&self, at: usize, length: usize, child: &Value) -> bool {
        let from_start = |index: i128| if index < 0 { index + length as i128 } else { index };
        let at = at as i128;
        match self {
            Self::Name(_) => false,
            Self::Wildcard => true,
            Self::Filter(logical) => logical.holds(child),
            Self::Index(index) => from_start((*index).into()) == at,
            // §2.3.4.2, which wants 0 steps to select nothing.
            Self::Slice { step: 0, .. } => false,
            Self::Slice { start, end, step } => {
                let bound = |given: &Option<i64>| given.map(|index| from_start(index.into()));
                let (step, last) = (i128::from(*step), length as i128 - 1);
                let first = match bound(start) {
                    None if step > 0 => 0,
                    None => last,
                    Some(start) if step > 0 => start.max(0),
                    Some(start) => start.min(last),
                };
                let beyond = bound(end).unwrap_or(if step > 0 { last + 1 } else { -1 });
                let within =
                    if step > 0 { first <= at && at < beyond } else { beyond < at && at <= first };
                within && (at - first) % step == 0
            }
        }
    }
}

impl Logical {
    fn holds(&self, node: &Value) -> bool {
        match self {
            Self::Any(any) => any.iter().any(|logical| logical.holds(node)),
            Self::All(all) => all.iter().all(|logical| logical.holds(node)),
            Self::Not(logical) => !logical.holds(node),
            Self::Exists(path) => exists(path, node),
            Self::Compares(left, relation, right) => {
                relation.holds(left.of(node).as_deref(), right.of(node).as_deref())
            }
            Self::Matches(text, pattern) => {
                text.of(node).as_deref().and_then(Value::as_str).is_some_and(|t| pattern.is_in(t))
            }
        }
    }
}

impl Comparable {
    /// `None` is the RFC's Nothing.
    fn of<'n>(&'n self, node: &'n Value) -> Option<Cow<'n, Value>> {
        match self {
            Self::Literal(value) => Some(Cow::Borrowed(value)),
            Self::Only(path) => only(path, node).map(Cow::Borrowed),
            Self::Length(of) => match of.of(node)?.as_ref() {
                Value::String(text) => Some(text.chars().count()),
                Value::Array(elements) => Some(elements.len()),
                Value::Object(members) => Some(members.len()),
                _ => None,
            }
            .map(|length| Cow::Owned(Value::from(length))),
            Self::Count(path) => {
                let mut count = 0_u64;
                walk(path, node, 1, &mut |_, times| {
                    count = count.saturating_add(times);
                    false
                });
                Some(Cow::Owned(Value::from(count)))
            }
        }
    }
}

/// The node at the end of the path, if there is one and no second.
fn only<'n>(path: &[Segment], node: &'n Value) -> Option<&'n Value> {
    let mut found = None;
    let is_another =
        walk(path, node, 1, &mut |node, times| times > 1 || found.replace(node).is_some());
    found.filter(|_| !is_another)
}

impl Relation {
    /// §2.3.5.2.2: what has no order is neither below nor above, but may be equal.
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let same = || match (left, right) {
            (Some(left), Some(right)) => equal(left, right),
            (left, right) => left.is_none() && right.is_none(),
        };
        let is = |wanted| left.zip(right).and_then(|(a, b)| order(a, b)) == Some(wanted);
        match self {
            Self::Equal => same(),
            Self::NotEqual => !same(),
            Self::Less => is(Ordering::Less),
            Self::LessOrEqual => is(Ordering::Less) || same(),
            Self::Greater => is(Ordering::Greater),
            Self::GreaterOrEqual => is(Ordering::Greater) || same(),
        }
    }
}

/// Numbers by value, at any depth.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || decimal(left).is_some_and(|value| Some(value) == decimal(right))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            let is_in = |(name, l)| right.get(name).is_some_and(|r| equal(l, r));
            left.len() == right.len() && left.iter().all(is_in)
        }
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(decimal(left)?.cmp(&decimal(right)?)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn decimal(number: &Number) -> Option<Decimal> {
    Decimal::parse(&number.to_string())
}
