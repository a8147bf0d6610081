//! JSON Patch (RFC 6902) and TMF630's JSON Patch Query: operations on one document, all or none.
//!
//! Written here because the crate for it moves members to other places when it removes one, compares
//! numbers by their letters (RFC 6902 §4.6 compares by value), and has no bound on what copies make.
//! Existing members keep their place, and an `@type` that stood last in an object stands last
//! afterwards: that is how the v4 lens knows it (see [`super::lens`]). Whether the result is allowed
//! is judged elsewhere.
//!
//! A patch is as long as what was sent, but a `copy` makes more than that, and so do operations that
//! reach many elements at once. All of a patch's copies together are bounded, so forty of them
//! cannot double a document forty times.

mod operation;
mod place;
mod pointer;
mod selection;

#[cfg(test)]
mod tests;

pub use operation::{Dialect, Operation, delete_is_remove, read};

use super::extent;
use operation::{Action, Target};
use pointer::Pointer;
use selection::{Places, Selection};
use serde_json::Value;

/// Bounds of a patch.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most operations; one that reaches several elements counts for each. As many conditions may
    /// stand in all queries of the patch together.
    pub operations: usize,
    /// Most bytes that the copies of one patch may make together.
    pub copied_bytes: usize,
    /// Deepest nesting of arrays and objects where something is put.
    pub depth: usize,
}

/// An operation that cannot be carried out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("operation [{index}], `{op}` `{path}`: {problem}")]
pub struct Failure {
    /// Which one, counted from 0 as in the patch.
    pub index: usize,
    /// Its `op`.
    pub op: &'static str,
    /// Its `path`, as sent.
    pub path: String,
    /// Why not.
    pub problem: Problem,
}

/// What is wrong with an operation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// An `op` of nobody's.
    #[error("`op` is none of add, remove, replace, move, copy, test")]
    UnknownOperation,
    /// Neither empty nor does it begin with `/`, or `~` is not followed by 0 or 1.
    #[error("`{member}` is not a JSON pointer (RFC 6901)")]
    NotAPointer {
        /// `path` or `from`.
        member: &'static str,
    },
    /// A pointer with more names than documents have levels.
    #[error("`{member}` has more than {} names", super::json::DEEPEST)]
    PathTooDeep {
        /// `path` or `from`.
        member: &'static str,
    },
    /// A query that cannot be read.
    #[error("the query of `{member}` is not a list of name=value, percent-encoded UTF-8")]
    NotAQuery {
        /// `path` or `from`.
        member: &'static str,
    },
    /// A member the operation needs is not there.
    #[error("`{member}` is missing")]
    Missing {
        /// `value` or `from`.
        member: &'static str,
    },
    /// Nothing is there, or it is nowhere something could be added.
    #[error("there is no such place")]
    NoPlace,
    /// As [`Self::NoPlace`], for `from`.
    #[error("there is nothing at `from`")]
    NoSource,
    /// A query that selects no place.
    #[error("nothing is selected")]
    NothingSelected,
    /// `move` and `copy` go from one place to one.
    #[error("it selects several places; `move` and `copy` go from one to one")]
    SeveralSelected,
    /// Elements are selected, and an element cannot be added at an element.
    #[error("it selects elements, not a place to add at: use `replace`, or name a member of them")]
    AddAtElement,
    /// A `test` that failed.
    #[error("the value there is another")]
    Differs,
    /// A value moved into itself.
    #[error("a value cannot be moved into itself")]
    IntoItself,
    /// Removing everything leaves no document.
    #[error("the whole document cannot be removed")]
    WholeDocument,
    /// More than [`Bounds::depth`].
    #[error("the result would be nested deeper than {limit} levels (limits.json_depth)")]
    TooDeep {
        /// The bound.
        limit: usize,
    },
    /// More than [`Bounds::copied_bytes`].
    #[error("the patch copies more than {limit} bytes (limits.document_bytes)")]
    TooMuchCopied {
        /// The bound.
        limit: usize,
    },
    /// More than [`Bounds::operations`].
    #[error("the patch has more than {limit} operations (limits.patch_operations)")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// More conditions than [`Bounds::operations`]: each may be held against every element there is.
    #[error("the patch's queries have more than {limit} conditions (limits.patch_operations)")]
    TooManyConditions {
        /// The bound.
        limit: usize,
    },
}

/// Carries out the operations in their order. The document is consumed: a patch that fails half way
/// leaves nothing behind.
///
/// # Errors
/// The first operation that cannot be carried out.
pub fn apply(document: Value, operations: &[Operation], bounds: Bounds) -> Result<Value, Failure> {
    let mut work = Work { document, bounds, reached: 0, conditions: 0, copied_bytes: 0 };
    for (index, operation) in operations.iter().enumerate() {
        work.carry_out(operation).map_err(|problem| operation.failure(index, problem))?;
    }
    Ok(work.document)
}

/// A document while it is patched, and what that has cost.
struct Work {
    document: Value,
    bounds: Bounds,
    reached: usize,
    conditions: usize,
    copied_bytes: usize,
}

impl Work {
    fn carry_out(&mut self, operation: &Operation) -> Result<(), Problem> {
        let places = self.places(operation)?;
        match &operation.action {
            Action::Add(value) => self.put_at_each(&places, value, place::add),
            Action::Replace(value) => self.put_at_each(&places, value, place::replace),
            Action::Remove => self.remove_each(&places),
            Action::Test(value) => self.test_each(&places, value),
            Action::Copy(from) => {
                let (from, to) = (self.source(from)?, only(places)?);
                let value = from.find(&self.document).ok_or(Problem::NoSource)?;
                self.copied_bytes += extent::text_bytes(value);
                self.check_copied()?;
                let value = value.clone();
                self.add(&to, value)
            }
            Action::Move(from) => {
                let (from, to) = (self.source(from)?, only(places)?);
                if from.contains(&to) {
                    return Err(Problem::IntoItself);
                }
                if from == to {
                    return from.find(&self.document).map(drop).ok_or(Problem::NoSource);
                }
                let value = place::remove(&mut self.document, &from).ok_or(Problem::NoSource)?;
                self.add(&to, value)
            }
        }
    }

    fn add(&mut self, at: &Pointer, value: Value) -> Result<(), Problem> {
        self.check_depth(at, &value)?;
        place::add(&mut self.document, at, value)
    }

    fn remove_each(&mut self, places: &[Pointer]) -> Result<(), Problem> {
        // From the last to the first, so that elements before keep their index.
        for at in places.iter().rev() {
            if at.depth() == 0 {
                return Err(Problem::WholeDocument);
            }
            place::remove(&mut self.document, at).ok_or(Problem::NoPlace)?;
        }
        Ok(())
    }

    fn test_each(&self, places: &[Pointer], value: &Value) -> Result<(), Problem> {
        places.iter().try_for_each(|at| {
            let found = at.find(&self.document).ok_or(Problem::NoPlace)?;
            if place::same(found, value) { Ok(()) } else { Err(Problem::Differs) }
        })
    }

    fn put_at_each(
        &mut self,
        places: &[Pointer],
        value: &Value,
        put: fn(&mut Value, &Pointer, Value) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        // The first is what was sent, the others are copies of it.
        if places.len() > 1 {
            self.copied_bytes += extent::text_bytes(value).saturating_mul(places.len() - 1);
            self.check_copied()?;
        }
        places.iter().try_for_each(|at| {
            self.check_depth(at, value)?;
            put(&mut self.document, at, value.clone())
        })
    }

    /// The places an operation reaches; at least one.
    fn places(&mut self, operation: &Operation) -> Result<Vec<Pointer>, Problem> {
        let limit = self.bounds.operations;
        let left = limit.saturating_sub(self.reached);
        let places = match &operation.target {
            Target::Place(at) => vec![at.clone()],
            Target::Selected(selection) => {
                let places = self.selected(selection, left)?;
                if places.elements && operation.action.adds() {
                    return Err(Problem::AddAtElement);
                }
                places.pointers
            }
        };
        match places.len() {
            0 => return Err(Problem::NothingSelected),
            reached if reached > left => return Err(Problem::TooMany { limit }),
            reached => self.reached += reached,
        }
        Ok(places)
    }

    /// The one place that `move` and `copy` take from.
    fn source(&mut self, from: &Target) -> Result<Pointer, Problem> {
        match from {
            Target::Place(at) => Ok(at.clone()),
            Target::Selected(selection) => only(self.selected(selection, 1)?.pointers),
        }
    }

    /// The places a selection leads to, within the conditions that are left.
    fn selected(&mut self, selection: &Selection, most: usize) -> Result<Places, Problem> {
        let limit = self.bounds.operations;
        self.conditions += selection.conditions();
        if self.conditions > limit {
            return Err(Problem::TooManyConditions { limit });
        }
        Ok(selection.places(&self.document, most))
    }

    fn check_copied(&self) -> Result<(), Problem> {
        let limit = self.bounds.copied_bytes;
        if self.copied_bytes > limit { Err(Problem::TooMuchCopied { limit }) } else { Ok(()) }
    }

    fn check_depth(&self, at: &Pointer, value: &Value) -> Result<(), Problem> {
        let limit = self.bounds.depth;
        let too_deep = at.depth() + extent::depth(value) > limit;
        if too_deep { Err(Problem::TooDeep { limit }) } else { Ok(()) }
    }
}

fn only(mut places: Vec<Pointer>) -> Result<Pointer, Problem> {
    match (places.pop(), places.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Problem::SeveralSelected),
        (None, _) => Err(Problem::NothingSelected),
    }
}
