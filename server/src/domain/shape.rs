//! The shapes an interaction is shown in, one for each version of the API (D4).
//!
//! What a version calls its paths and how it judges bodies is the edge's business; what it makes of
//! canonical members is told here, for whoever shows them: answers, notifications, filters.

use super::interaction::Members;
use super::lens;
use crate::query::filter::Path;

/// A version's shape.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Shape {
    /// Flat channels and parties.
    V4,
    /// Canonical: as interactions are stored.
    V5,
}

impl Shape {
    /// The view of canonical members.
    pub fn view(self, canonical: Members) -> Members {
        match self {
            Self::V4 => lens::get(&canonical),
            Self::V5 => canonical,
        }
    }

    /// Where the attribute at a path of this shape is in canonical documents: nowhere when it has
    /// no such path, twice when either place may hold it.
    pub fn canonical_paths(self, path: &[String]) -> Vec<Path> {
        match self {
            Self::V4 => lens::paths_to_canonical(path),
            Self::V5 => vec![path.to_vec()],
        }
    }

    /// What a canonical top-level member is called here; `None`: it is not shown.
    pub fn name(self, canonical: &str) -> Option<&str> {
        match self {
            Self::V4 => lens::name_in_v4(canonical),
            Self::V5 => Some(canonical),
        }
    }
}
