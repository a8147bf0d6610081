//! What a list is asked for: conditions over canonical paths, and their evaluation.
//!
//! A filter is an AND of conditions, a condition an OR of terms (TMF630 "Filtering").

/// Dotted canonical path, split: `["relatedParty", "partyOrPartyRole", "id"]`.
/// Arrays are descended into without an index of their own.
pub type Path = Vec<String>;

/// AND of conditions over canonical documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// All must hold. Empty: everything matches.
    pub conditions: Vec<Condition>,
    /// Collection address of the reader, ending in `/`: what `href` conditions are judged against.
    pub href_prefix: String,
}

/// OR of terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// At least one holds.
    pub any_of: Vec<Term>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Where to look. Several places (arrays): any of them may match.
    pub path: Path,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with, as it was written in the query.
    pub operand: String,
}

/// TMF630 comparison operators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// Equal: strings to the letter, instants as instants, numbers as numbers.
    Equal,
}
