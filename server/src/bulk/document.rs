//! One line becomes an interaction: read strictly, its version told by its shape, judged by that
//! version's document, put into canonical form. `id`, `href` and dates are kept.
//!
//! A line without an id gets one made of its source, its number and its text: when the same command
//! is run again, the same line meets what it made before.

use crate::app::{App, Origin};
use crate::domain::json::{self, JsonError};
use crate::domain::lens;
use crate::domain::scalar::Instant;
use crate::domain::tree::{Object, Tree};
use crate::http::schema::{Violation, Violations};
use crate::http::version::{Schemas, Version};
use crate::store::contract::ImportItem;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Longest id that is taken.
const MOST_ID_BYTES: usize = 256;

/// Dates that no schema of a create judges, since servers set them.
const DATES: [&str; 3] = ["creationDate", "lastUpdate", "statusChangeDate"];

/// What is wrong with a line.
pub(super) type Complaints = Vec<Violation>;

/// How lines are read.
pub(super) struct Reader {
    pub(super) app: Arc<App>,
    /// In the order of [`Version::ALL`].
    pub(super) schemas: Arc<[Schemas; 2]>,
    /// What version all are; `None`: told by their shape.
    pub(super) version: Option<Version>,
    pub(super) limits: json::Limits,
    /// What our own `href`s start with.
    pub(super) href_prefixes: Vec<String>,
    /// What the lines come from; `None`: nobody knows, so each needs an id.
    pub(super) source: Option<String>,
    /// RFC 3339: the time of what has none.
    pub(super) now: String,
    pub(super) with_events: bool,
}

impl Reader {
    /// The interaction in a line.
    pub(super) fn item(&self, number: u64, line: &[u8]) -> Result<ImportItem, Complaints> {
        let value = json::read(line, self.limits).map_err(misread)?;
        let version = self.version_of(&value)?;
        let mut members = self.judged(version, value)?;
        let origin = self.origin(&mut members, number, line)?;
        judge_dates(&members)?;
        let members = match version {
            Version::V5 => members,
            Version::V4 => self.put_v4(members)?,
        };
        let item = self.app.import_item(members, origin, &self.now, self.with_events);
        item.map_err(|error| complaint("", error.to_string()))
    }

    /// v5 has `relatedChannel` where v4 has `channel`, and both require theirs.
    fn version_of(&self, value: &Tree<'_>) -> Result<Version, Complaints> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let has = |name| value.as_object().is_some_and(|members| members.get(name).is_some());
        match (has("channel"), has("relatedChannel")) {
            (false, true) => Ok(Version::V5),
            (true, false) => Ok(Version::V4),
            // Neither will do; `@type` is what v5 requires besides.
            (false, false) if has("@type") => Ok(Version::V5),
            (false, false) => Ok(Version::V4),
            (true, true) => {
                let told = "is v4's and stands beside v5's /relatedChannel: say --version";
                Err(complaint("/channel", told))
            }
        }
    }

    fn judged<'t>(&self, version: Version, value: Tree<'t>) -> Result<Object<'t>, Complaints> {
        let [v4, v5] = &*self.schemas;
        let verdict = match version {
            Version::V4 => v4.judge_create(&value),
            Version::V5 => v5.judge_create(&value),
        };
        let verdict = match (verdict, &value) {
            // What was recorded through v4 need not have all that v5 requires. It is a v5 document
            // all the same, if v4 took it.
            (Err(violations), Tree::Object(members)) if version == Version::V5 => {
                let view = lens::get(&members.clone().into());
                let is_of_v4 = v4.judge_create(&Tree::Object(view.into())).is_ok();
                if is_of_v4 { v5.judge_types(&value) } else { Err(violations) }
            }
            (verdict, _) => verdict,
        };
        let Violations(complaints) = match (verdict, value) {
            (Ok(()), Tree::Object(members)) => return Ok(members),
            (Err(violations), _) => violations,
            (Ok(()), _) => return Err(complaint("", "is no object")),
        };
        Err(complaints)
    }

    fn put_v4(&self, view: Object<'_>) -> Result<Object<'static>, Complaints> {
        let canonical = lens::put(None, view.into()).map_err(|error| match &error {
            lens::LensError::NameTaken { pointer, .. } => complaint(pointer, error.to_string()),
        })?;
        let [_, v5] = &*self.schemas;
        let verdict = v5.judge_types(&Tree::Object(Object::from(&canonical)));
        verdict.map_err(|Violations(complaints)| complaints)?;
        Ok(canonical.into())
    }

    /// Takes `id` and `href` out.
    fn origin(
        &self,
        members: &mut Object<'_>,
        number: u64,
        line: &[u8],
    ) -> Result<Origin, Complaints> {
        let (id, is_id_made) = match (text(members, "id")?, &self.source) {
            (Some(id), _) => (checked_id(id)?, false),
            (None, Some(source)) => (made_id(source, number, line), true),
            (None, None) => {
                let told = "is missing, and no source is named that one could be made of";
                return Err(complaint("/id", told));
            }
        };
        let is_ours = |href: &String| {
            self.href_prefixes.iter().any(|prefix| href.strip_prefix(prefix) == Some(id.as_str()))
        };
        let foreign_href = text(members, "href")?.filter(|href| !is_ours(href));
        if foreign_href.as_ref().is_some_and(|href| href.contains('\0')) {
            return Err(complaint("/href", "has U+0000, which is in no URL"));
        }
        Ok(Origin { id, is_id_made, foreign_href })
    }
}

/// A UUIDv8 (RFC 9562 §5.8). It must be the same in every release, or a run would be taken up by a new
/// one as if nothing had been imported.
fn made_id(source: &str, number: u64, line: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(source.as_bytes());
    digest.update([0]);
    digest.update(number.to_be_bytes());
    digest.update(line.trim_ascii());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Takes a text out; `null` is none.
fn text(members: &mut Object<'_>, name: &str) -> Result<Option<String>, Complaints> {
    match members.remove(name) {
        None | Some(Tree::Null) => Ok(None),
        Some(Tree::Text(text)) if !text.is_empty() => Ok(Some(text.into_owned())),
        Some(_) => Err(complaint(&format!("/{name}"), "is no text, or an empty one")),
    }
}

/// An id is the last segment of the interaction's own address (RFC 3986 §3.3).
fn checked_id(id: String) -> Result<String, Complaints> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    if id.len() > MOST_ID_BYTES {
        return Err(complaint("/id", format!("is longer than {MOST_ID_BYTES} bytes")));
    }
    if id == "." || id == ".." || !id.bytes().all(fits) {
        return Err(complaint("/id", "is no segment of a URL as it stands"));
    }
    Ok(id)
}

fn judge_dates(members: &Object<'_>) -> Result<(), Complaints> {
    for name in DATES {
        let is_date = |value: &Tree<'_>| value.as_str().and_then(Instant::parse).is_some();
        if !members.stated(name).is_none_or(is_date) {
            return Err(complaint(&format!("/{name}"), r#"is not a "date-time""#));
        }
    }
    Ok(())
}

fn misread(error: JsonError) -> Complaints {
    let pointer = match &error {
        JsonError::DuplicateMember { pointer }
        | JsonError::TooDeep { pointer, .. }
        | JsonError::TooLong { pointer, .. }
        | JsonError::TooMany { pointer, .. }
        | JsonError::ReservedName { pointer } => pointer.clone(),
        JsonError::NotUtf8 { .. } | JsonError::Syntax { .. } => String::new(),
    };
    let problem = match &error {
        // There is but one line, and its number is told.
        JsonError::Syntax { column, reason, .. } => format!("{reason} at column {column}"),
        _ => error.to_string(),
    };
    complaint(&pointer, problem)
}

fn complaint(pointer: &str, problem: impl Into<String>) -> Complaints {
    vec![Violation { pointer: pointer.to_owned(), problem: problem.into() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_where_a_line_is_and_what_it_says() {
        let id = made_id("calls.ndjson", 7, b"{}");
        assert_eq!(id, "d65ffb3a-a195-8f2c-9f73-77b12af34f06");
        assert_eq!(made_id("calls.ndjson", 7, b" {}\r"), id);
        for other in [
            made_id("calls.ndjson", 8, b"{}"),
            made_id("other.ndjson", 7, b"{}"),
            made_id("calls.ndjson", 7, b"[]"),
        ] {
            assert_ne!(other, id);
        }
    }
}
