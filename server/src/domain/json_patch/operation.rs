//! The operations of a patch, read from its JSON (RFC 6902 §3, §4; TMF630 Part 5 for the query).
//!
//! The document's schema has judged the body before: an array of objects, `op` and `path` texts. What
//! the schema cannot say is judged here: which members an operation needs, and that paths are paths.

use super::pointer::Pointer;
use super::selection::Selection;
use super::{Failure, Problem};
use serde_json::Value;

const REMOVE: &str = "remove";

/// RFC 6902 §4.
const OPERATIONS: [&str; 6] = ["add", REMOVE, "replace", "move", "copy", "test"];

/// What a `path` may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// `application/json-patch+json`: a JSON pointer.
    Pointers,
    /// `application/json-patch-query+json`: a pointer, and a query that selects by content.
    Queries,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) action: Action,
    pub(super) target: Target,
    path: String,
}

/// What is done; `from` for those that have one.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Add(Value),
    Remove,
    Replace(Value),
    Move(Target),
    Copy(Target),
    Test(Value),
}

/// Where it is done.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Place(Pointer),
    Selected(Selection),
}

impl Operation {
    /// Says of this operation, the `index`-th of its patch, what is wrong.
    pub(super) fn failure(&self, index: usize, problem: Problem) -> Failure {
        Failure { index, op: self.action.name(), path: self.path.clone(), problem }
    }
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove => REMOVE,
            Self::Replace(_) => "replace",
            Self::Move(_) => "move",
            Self::Copy(_) => "copy",
            Self::Test(_) => "test",
        }
    }

    /// Elements that a query selects are there: they can be changed or removed, but adding at
    /// them could mean before, after, or into each.
    pub(super) fn adds(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Move(_) | Self::Copy(_))
    }
}

/// TMF630 writes `delete` where RFC 6902 says `remove`. Read as that before the document judges, for
/// the document has the RFC's operations only.
pub fn delete_is_remove(patch: &mut Value) {
    for operation in patch.as_array_mut().into_iter().flatten() {
        if let Some(op) = operation.get_mut("op").filter(|op| *op == "delete") {
            *op = REMOVE.into();
        }
    }
}

/// Reads the operations of a patch that fits the document's schema.
///
/// # Errors
/// The first operation that is not one.
pub fn read(patch: Value, dialect: Dialect) -> Result<Vec<Operation>, Failure> {
    let Value::Array(operations) = patch else { return Ok(Vec::new()) };
    let operations = operations.into_iter().enumerate();
    operations.map(|(index, operation)| read_one(index, operation, dialect)).collect()
}

fn read_one(index: usize, mut operation: Value, dialect: Dialect) -> Result<Operation, Failure> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = text("path").unwrap_or_default().to_owned();
    let op = OPERATIONS.into_iter().find(|op| text("op") == Some(*op)).unwrap_or_default();
    let parts = Parts {
        target: target(&path, "path", dialect),
        from: text("from")
            .ok_or(Problem::Missing { member: "from" })
            .and_then(|from| target(from, "from", dialect)),
        value: operation
            .get_mut("value")
            .map(Value::take)
            .ok_or(Problem::Missing { member: "value" }),
    };
    match parts.put_together(op) {
        Ok((action, target)) => Ok(Operation { action, target, path }),
        Err(problem) => Err(Failure { index, op, path, problem }),
    }
}

/// The members of an operation, each good or bad: which are needed depends on `op`.
struct Parts {
    target: Result<Target, Problem>,
    from: Result<Target, Problem>,
    value: Result<Value, Problem>,
}

impl Parts {
    fn put_together(self, op: &str) -> Result<(Action, Target), Problem> {
        let action = match op {
            "add" => Action::Add(self.value?),
            REMOVE => Action::Remove,
            "replace" => Action::Replace(self.value?),
            "move" => Action::Move(self.from?),
            "copy" => Action::Copy(self.from?),
            "test" => Action::Test(self.value?),
            _ => return Err(Problem::UnknownOperation),
        };
        Ok((action, self.target?))
    }
}

/// Reads `path` or `from`. Without a query it is a pointer in both dialects.
fn target(text: &str, member: &'static str, dialect: Dialect) -> Result<Target, Problem> {
    match text.split_once('?') {
        Some((pointer, query)) if dialect == Dialect::Queries => {
            Selection::parse(pointer, query, member).map(Target::Selected)
        }
        _ => Pointer::read(text, member).map(Target::Place),
    }
}
