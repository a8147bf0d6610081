//! How long and how deep a JSON value is, found without writing it down.
//!
//! What a client sends is bounded when it is read. What the server makes out of it, by copying, has
//! to be measured.

use serde_json::Value;
use std::io;

/// Length of the value's text in bytes.
pub fn text_bytes(value: &Value) -> usize {
    struct Counter(usize);

    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // Neither the counter nor a `Value` fails; if one ever did, nothing would be small enough.
        Err(_) => usize::MAX,
    }
}

/// Levels of objects and arrays: 0 for a scalar.
pub fn depth(value: &Value) -> usize {
    let inside = match value {
        Value::Array(elements) => elements.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    inside.unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json;
    use crate::domain::tree::Tree;

    #[test]
    fn as_long_as_its_text_and_as_deep_as_its_brackets() {
        for (text, levels, count) in [
            (r#""a\n\"é""#, 0, 1),
            ("1e3", 0, 1),
            ("[]", 1, 1),
            (r#"{"a":[1,{"b":null}],"c":0.10}"#, 3, 6),
            ("[[],[[[]]],[]]", 4, 6),
        ] {
            let value = json::parse(text.as_bytes(), json::Limits::default()).unwrap();
            assert_eq!(Tree::from(&value).values(), count, "{text}");
            assert_eq!((text_bytes(&value), depth(&value)), (text.len(), levels), "{text}");
        }
    }
}
