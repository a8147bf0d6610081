//! JSONPath in `filter=` (RFC 9535, TMF630 "JSONPath"): parsed once, asked of each interaction.
//!
//! A path is asked of one interaction at a time, as the caller's version shows it, with `id` and
//! `href`, standing alone in the list: `$[?(@.status=='opened')]` keeps those it selects a node of.
//! The `$` may be left out. So a path that looks at other elements of the list cannot be answered
//! and is refused: only `[*]`, `[?…]` and `..` may begin it, and filters speak of `@`, not of `$`.
//!
//! The grammar is `jsonpath-rust`'s, which keeps to the RFC and gives its tree away. We add
//! - what it lets pass: blanks within names, functions the RFC does not have, arguments of the
//!   wrong type ([`spelling`], [`compiled`]);
//! - bounds: on the text, on nesting (its parser takes twice the time for each function inside a
//!   function), and on `..` below `..`, so that judging is linear in path and interaction;
//! - the judging itself ([`judged`]): the crate compares numbers as floats, builds a list of nodes
//!   for each segment, and compiles a pattern each time it is applied.
//!
//! Texts compare by code point, as the RFC says, also those that are dates: for instants there are
//! the plain filters. Patterns are those of [`super::pattern`], which hold RFC 9485's.

mod compiled;
mod judged;
mod spelling;
#[cfg(test)]
mod tests;

use crate::domain::interaction::{Interaction, Members};
use crate::domain::shape::Shape;
use crate::query::pattern::PatternError;
use compiled::Segment;
use jsonpath_rust::parser::errors::JsonPathError as Unparsed;
use jsonpath_rust::parser::parse_json_path;
use pest::error::InputLocation;
use serde_json::Value;

/// Most brackets and parentheses inside each other.
pub const MOST_NESTING: usize = 12;

/// A path as text is shown up to here.
const SHOWN: usize = 20;

/// A compiled path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    segments: Vec<Segment>,
    shape: Shape,
}

/// Why a text is no path we follow. Characters are counted from 1, in the decoded text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JsonPathError {
    /// Longer than the operator allows.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// More brackets and parentheses inside each other than the parser is given.
    #[error("nested deeper than {MOST_NESTING} at character {0}")]
    TooDeep(usize),
    /// Not of the grammar.
    #[error("not JSONPath (RFC 9535) at character {at}: {rest}")]
    Malformed {
        /// Where.
        at: usize,
        /// What stands there.
        rest: String,
    },
    /// Of the grammar, but not valid: the parser names the piece, not its place.
    #[error("not JSONPath (RFC 9535): {0}")]
    Invalid(String),
    /// `$[0]`, `$.name`, `$`.
    #[error(
        "at character {0}: each interaction is judged by itself; \
         a path begins with [?…], [*] or a descent (..) to a name"
    )]
    WholeList(usize),
    /// `$` where `@` is meant.
    #[error("at character {0}: each interaction is judged by itself; write @ instead of $")]
    Root(usize),
    /// More digits than the parser keeps.
    #[error("at character {0}: a number of so many digits is not compared exactly")]
    Inexact(usize),
    /// `..` below `..`
    #[error("a descent (..) within another")]
    Descents,
    /// A function where or of what it cannot be.
    #[error("{name}(): {problem}")]
    Function {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A pattern that is none.
    #[error("pattern {pattern}: {source}")]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        source: PatternError,
    },
}

/// What the operator allows of a path.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Longest path.
    pub bytes: usize,
    /// Longest pattern in it.
    pub regex_bytes: usize,
}

impl JsonPath {
    /// Compiles a path over the representation in `shape`.
    ///
    /// # Errors
    /// [`JsonPathError`]
    pub fn parse(written: &str, shape: Shape, bounds: Bounds) -> Result<Self, JsonPathError> {
        if written.len() > bounds.bytes {
            return Err(JsonPathError::TooLong(bounds.bytes));
        }
        spelling::check(written)?;
        let added = if written.starts_with('$') { "" } else { "$" };
        let whole = format!("{added}{written}");
        let query = parse_json_path(&whole).map_err(|error| match error {
            Unparsed::PestError(error) => {
                let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
                malformed(written, at.saturating_sub(added.len()))
            }
            other => JsonPathError::Invalid(other.to_string()),
        })?;
        // Behind the `$`, if it was written.
        let start = 2 - added.len();
        let segments = compiled::root(query.segments, start, bounds.regex_bytes)?;
        Ok(Self { segments, shape })
    }

    /// Whether it selects anything of the interaction.
    pub fn selects(&self, interaction: &Interaction, members: &Members, href_prefix: &str) -> bool {
        let view = self.shape.view(members.clone());
        let shown = Value::Object(interaction.identity().before(view, href_prefix));
        judged::exists(&self.segments, &Value::Array(vec![shown]))
    }
}

/// At that byte.
fn malformed(written: &str, at: usize) -> JsonPathError {
    let (before, rest) = written.split_at_checked(at).unwrap_or((written, ""));
    let shown: String = rest.chars().take(SHOWN).collect();
    let rest = match (rest.is_empty(), shown.len() < rest.len()) {
        (true, _) => "it ends there".to_owned(),
        (_, true) => format!("{shown}…"),
        (_, false) => shown,
    };
    JsonPathError::Malformed { at: before.chars().count() + 1, rest }
}
