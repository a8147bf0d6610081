//! The patch kinds: a document on the first line, the patch below.

use super::Target;
use super::input::{LIMITS, two_objects, two_values};
use crate::domain::json_patch::{self, Bounds, Dialect};
use crate::domain::{extent, merge_patch};
use serde_json::{Value, json};

const BOUNDS: Bounds = Bounds { operations: 12, copied_bytes: 400, depth: LIMITS.depth };

const WORDS: &[&str] = &[
    "{\"op\":\"add\",\"path\":\"/a/-\",\"value\":1},",
    "{\"op\":\"remove\",\"path\":\"/a\"},",
    "\"op\":",
    "\"path\":",
    "\"from\":",
    "\"value\":",
    "\"copy\"",
    "\"move\"",
    "\"test\"",
    "\"replace\"",
    "\"delete\"",
    "/",
    "/-",
    "/0",
    "/1",
    "/note",
    "/note/text",
    "?note.author=Mary",
    "?author=Mary",
    "&id=1",
    "~0",
    "~1",
    "~",
    "%2F",
    "%FF",
    "null",
    "[]",
    "{}",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "\"@type\":\"T\"",
    "\"a\":",
    "\n",
];

pub const MERGE_PATCH: Target = Target { name: "merge-patch", words: WORDS, judge: merge };
pub const JSON_PATCH: Target = Target {
    name: "json-patch",
    words: WORDS,
    judge: |bytes| operations(bytes, Dialect::Pointers),
};
pub const JSON_PATCH_QUERY: Target = Target {
    name: "json-patch-query",
    words: WORDS,
    judge: |bytes| operations(bytes, Dialect::Queries),
};

fn merge(bytes: &[u8]) {
    let Some((document, patch)) = two_objects(bytes) else { return };
    let deepest = |one: &Value, other: &Value| extent::depth(one).max(extent::depth(other));
    let mut once = document.clone();
    merge_patch::apply(&mut once, patch.clone());
    let mut twice = once.clone();
    merge_patch::apply(&mut twice, patch.clone());
    let (once, twice) = (Value::Object(once), Value::Object(twice));
    assert_eq!(once.to_string(), twice.to_string(), "twice is once");
    let (document, patch) = (Value::Object(document), Value::Object(patch));
    assert!(extent::depth(&once) <= deepest(&document, &patch));
    let sent = extent::text_bytes(&document) + extent::text_bytes(&patch);
    assert!(extent::text_bytes(&once) <= sent);
}

fn operations(bytes: &[u8], dialect: Dialect) {
    let Some((document, mut patch)) = two_values(bytes) else { return };
    let sent = extent::text_bytes(&document) + extent::text_bytes(&patch);
    if dialect == Dialect::Queries {
        json_patch::delete_is_remove(&mut patch);
    }
    let deepest = extent::depth(&document).max(BOUNDS.depth);
    let read = json_patch::read(patch, dialect);
    let after = read.and_then(|operations| {
        let after = json_patch::apply(document.clone(), &operations, BOUNDS);
        // The same again is the same: nothing but the document and the patch decides.
        assert_eq!(after, json_patch::apply(document.clone(), &operations, BOUNDS));
        after
    });
    match after {
        Ok(after) => {
            assert!(extent::text_bytes(&after) <= sent + BOUNDS.copied_bytes);
            assert!(extent::depth(&after) <= deepest);
            is_itself(after);
        }
        Err(failure) => assert!(failure.to_string().starts_with("operation ["), "{failure}"),
    }
}

/// RFC 6902 §4.6: a value is equal to itself, whatever is in it.
fn is_itself(value: Value) {
    let test = json!([{ "op": "test", "path": "", "value": value }]);
    let test = json_patch::read(test, Dialect::Pointers).unwrap();
    let tested = json_patch::apply(value.clone(), &test, BOUNDS).unwrap();
    assert_eq!(tested.to_string(), value.to_string());
}
