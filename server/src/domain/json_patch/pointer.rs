//! JSON Pointer (RFC 6901): its reading, and following it through a value.

use super::Problem;
use crate::domain::json::DEEPEST;
use serde_json::Value;

/// The end of an array, where something can be added (RFC 6901 §4).
pub const END: &str = "-";

/// A pointer, its tokens unescaped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pointer(pub Vec<String>);

impl Pointer {
    /// Reads a pointer; `None` where it breaks the syntax of §3.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        text.strip_prefix('/')?.split('/').map(unescaped).collect::<Option<_>>().map(Self)
    }

    /// Reads what a client sent as `member`, which leads no deeper than documents are.
    ///
    /// # Errors
    /// [`Problem::NotAPointer`], [`Problem::PathTooDeep`]
    pub fn read(text: &str, member: &'static str) -> Result<Self, Problem> {
        if text.matches('/').count() > DEEPEST {
            return Err(Problem::PathTooDeep { member });
        }
        Self::parse(text).ok_or(Problem::NotAPointer { member })
    }

    /// How many levels down it leads.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// What it leads to.
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, token| match value {
            Value::Object(members) => members.get(token),
            Value::Array(elements) => elements.get(index(token)?),
            _ => None,
        })
    }

    /// Whether `other` leads to a place inside of where this one leads.
    pub fn contains(&self, other: &Self) -> bool {
        other.depth() > self.depth() && other.0.starts_with(&self.0)
    }
}

/// An index into an array: digits without leading zeros (§4).
pub fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = token.len() > 1 && token.starts_with('0');
    (digits && !leading_zero).then(|| token.parse().ok())?
}

/// `~1` is a slash and `~0` a tilde (§4).
fn unescaped(token: &str) -> Option<String> {
    let mut pieces = token.split('~');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (tilde, rest) = piece.split_at_checked(1)?;
        text.push(match tilde {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn section_5_of_the_rfc() {
        let document = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5,
            "k\"l": 6, " ": 7, "m~n": 8,
        });
        for (pointer, expected) in [
            ("", document.clone()),
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ] {
            let found = Pointer::parse(pointer).unwrap();
            assert_eq!(found.find(&document), Some(&expected), "{pointer}");
        }
        for pointer in ["/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/x", "/foo/0/x", "/bar"] {
            assert_eq!(Pointer::parse(pointer).unwrap().find(&document), None, "{pointer}");
        }
    }

    #[test]
    fn not_a_pointer() {
        for text in ["foo", "#/foo", "/~", "/~2", "/a~", "/~é"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
        assert_eq!(Pointer::parse("/~01"), Some(Pointer(vec!["~1".into()])));
    }
}
