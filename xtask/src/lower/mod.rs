//! Lowering: one named step per thing typify and progenitor cannot take, or would take with loss.
//!
//! The lowered document exists to make types and a client that lose nothing of what is sent; it is
//! never published and never used to judge a request (that is what the strict schemas are for).
//! Every step says what it mends and how often it had to.

mod choices;
mod operations;
mod schemas;
mod visit;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::Fault;

/// What one step did, for the report of `gen`.
pub(crate) struct Step {
    pub(crate) mends: &'static str,
    pub(crate) count: usize,
}

/// A discriminated `oneOf`, to be emitted as an enum that keeps what it does not know.
pub(crate) struct Union {
    pub(crate) docs: String,
    pub(crate) tag: String,
    pub(crate) variants: Vec<Variant>,
}

/// One schema of a union, and the tags that select it.
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) target: String,
}

/// A string with known values, to be emitted as an enum that keeps other values.
pub(crate) struct OpenEnum {
    pub(crate) docs: String,
    /// Value and variant name.
    pub(crate) values: Vec<(String, String)>,
}

/// What the emitters work from. All names are Rust names.
#[derive(Default)]
pub(crate) struct Lowered {
    pub(crate) document: Value,
    pub(crate) unions: BTreeMap<String, Union>,
    pub(crate) enums: BTreeMap<String, OpenEnum>,
    /// The tag a schema is known by: property and value, to be filled in by `Default`.
    pub(crate) tags: BTreeMap<String, (String, String)>,
    /// Rust name of every component, and the name the document gives it.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) steps: Vec<Step>,
}

type Mend = fn(&mut Lowered) -> Result<usize, Fault>;

/// In order: a step may rely on the ones before it.
const STEPS: &[(&str, Mend)] = &[
    ("progenitor reads bodies whole: leave out operations with streams", operations::no_streams),
    ("progenitor takes one media type per body: keep JSON", operations::only_json),
    ("progenitor takes one success type: drop 202 beside another", operations::one_success),
    ("progenitor has no type for 3XX: leave it to the caller", operations::no_redirects),
    ("progenitor takes one error type: say it once for 4XX and 5XX", operations::error_ranges),
    ("typify merges allOf by guessing: flatten it", schemas::flatten),
    ("inline enums have no name of their own: make them components", choices::hoist_enums),
    ("typify picks the first union branch that fits: go by the tag", choices::open_unions),
    ("typify refuses unknown enum values: keep them", choices::open_enums),
    ("typify ignores discriminators: note a schema's own tag", choices::own_tags),
    ("other vendors leave members out: require nothing when reading", schemas::nothing_required),
    ("typify turns null and [] into absent: nullable arrays and maps", schemas::nullable_arrays),
    ("a default would add members nobody sent: drop it", schemas::drop_defaults),
    ("bounds are for requests, the strict schemas keep them: drop", schemas::drop_bounds),
    ("typify respells uris, bytes and narrow numbers: plain types", schemas::plain_formats),
    ("typify drops members it does not know: collect them", schemas::collect_unknown_members),
    ("two names may be one name in Rust: rename components now", schemas::rust_names),
];

/// Runs every step on a resolved document.
pub(crate) fn lower(resolved: &Value) -> Result<Lowered, Fault> {
    let mut lowered = Lowered { document: resolved.clone(), ..Lowered::default() };
    for (mends, step) in STEPS {
        let count = step(&mut lowered)?;
        lowered.steps.push(Step { mends, count });
    }
    Ok(lowered)
}
