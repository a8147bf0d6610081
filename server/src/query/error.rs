//! Why a query is refused. Each text names the parameter as the caller wrote it.

use crate::query::fields::FieldsError;
use crate::query::jsonpath::JsonPathError;
use crate::query::pattern::PatternError;

/// What about a query cannot be honoured.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// Decodes to something that is not UTF-8.
    #[error("{0}: not UTF-8")]
    NotUtf8(String),
    /// A directive twice.
    #[error("{0}: given more than once")]
    Repeated(&'static str),
    /// Not a count.
    #[error("{0}: expected a whole number from 0 on")]
    NotACount(&'static str),
    /// More than the operator allows.
    #[error("limit: at most {0} items are shown at once")]
    LimitTooLarge(u64),
    /// A page has some items, and not too many.
    #[error("limit: expected a whole number from 1 to {0}")]
    NoPage(u64),
    /// Not a place in the log of events.
    #[error("{0}: not a place that a `next` link or the `id` of a streamed event has")]
    NoPlace(&'static str),
    /// `fields` is malformed.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// `filter` is no JSONPath, or none that can be asked of one interaction.
    #[error("filter: {0}")]
    JsonPath(#[from] JsonPathError),
    /// Defined by TMF630, not by this operation.
    #[error("{0}: not supported")]
    Unsupported(String),
    /// Shapes an answer, and a subscription has none.
    #[error("{0}: not supported in a subscription")]
    NotInSubscription(String),
    /// It would never match.
    #[error("{path}: no event is called {name}")]
    NoSuchEvent {
        /// The member of the envelope.
        path: &'static str,
        /// The value asked for.
        name: String,
    },
    /// No such attribute, in the document or in any stored interaction.
    #[error("{0}: no such attribute")]
    UnknownPath(String),
    /// Objects do not compare.
    #[error("{0}: has members of its own; name one of them")]
    NotAValue(String),
    /// A name without a value.
    #[error("{0}: expected a value")]
    NoValue(String),
    /// The value cannot be of the attribute's kind.
    #[error("{path}: {expected} expected")]
    WrongKind {
        /// The attribute.
        path: String,
        /// What its values are.
        expected: &'static str,
    },
    /// The operator means nothing for values of this kind.
    #[error("{path}: {kind} cannot be compared by .{operator}")]
    WrongOperator {
        /// The attribute.
        path: String,
        /// What its values are.
        kind: &'static str,
        /// The operator's suffix.
        operator: &'static str,
    },
    /// A regular expression that is none, or too much of one.
    #[error("{path}: {source}")]
    Pattern {
        /// The attribute.
        path: String,
        /// What is wrong with it.
        source: PatternError,
    },
    /// `a.ne=x;b=y`: TMF630 does not say what it means, and each guess is wrong for somebody.
    #[error("{0}: not one of several alternatives; give it a parameter of its own")]
    NegatedAlternative(String),
    /// Not made by us, or for a list in another order.
    #[error("cursor: not one that a `next` link of a list in this order has")]
    Cursor,
    /// `sort` names an attribute again, where it could not decide anything.
    #[error("{0}: named more than once in sort")]
    SortedTwice(String),
    /// `sort` names more attributes than anybody needs.
    #[error("sort: at most {0} attributes")]
    TooManySortKeys(usize),
    /// More comparisons than the operator allows.
    #[error("more than {0} comparisons")]
    TooMany(usize),
}
