//! The strict reader, judged by serde_json and by itself.

use super::Target;
use super::input::LIMITS;
use crate::domain::tree::Tree;
use crate::domain::{extent, json};
use serde_json::Value;

pub const JSON: Target = Target {
    name: "json",
    words: &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\\u0000",
        "null",
        "true",
        "-",
        "0",
        "1e",
        "E+",
        ".5",
        "1e400",
        "-0",
        "\"a\":",
        "[[[[[[[[[[[[[[[[",
        "]]]]]]]]",
        "\"$serde_json::private::Number\"",
        "\u{feff}",
        "\u{2028}",
        " ",
        "\n",
        "é",
    ],
    judge,
};

fn judge(bytes: &[u8]) {
    let lenient = serde_json::from_slice::<Value>(bytes);
    match json::read(bytes, LIMITS) {
        Ok(tree) => {
            assert!(lenient.is_ok(), "serde_json does not read it");
            assert!(tree.values() <= LIMITS.values);
            let value = Value::from(tree.clone());
            assert_eq!((Tree::from(&value), Tree::from(value.clone())), (tree.clone(), tree));
            assert!(extent::depth(&value) <= LIMITS.depth);
            // What is printed reads back as itself, to the letter.
            let text = value.to_string();
            let again = json::parse(text.as_bytes(), LIMITS).unwrap();
            assert_eq!(again.to_string(), text);
            assert_eq!(extent::text_bytes(&value), text.len());
            assert_eq!(numbers(&text), numbers(&String::from_utf8_lossy(bytes)));
            let wrapped = format!("{{\"x\":{text}}}");
            assert_eq!(json::stored(&wrapped).unwrap().to_text(), wrapped);
            assert_eq!(Value::Object(json::reread(&wrapped).unwrap()).to_string(), wrapped);
        }
        Err(json::JsonError::Syntax { .. }) => assert!(lenient.is_err(), "serde_json reads it"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The number tokens of a text, strings left out.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut number = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for letter in text.chars() {
        let is_number = !in_string && (letter.is_ascii_digit() || "+-.eE".contains(letter));
        let begun = letter.is_ascii_digit() || letter == '-' || !number.is_empty();
        match is_number && begun {
            true => number.push(letter),
            false if !number.is_empty() => found.push(std::mem::take(&mut number)),
            false => {}
        }
        let quotes = letter == '"' && !escaped;
        escaped = in_string && letter == '\\' && !escaped;
        in_string ^= quotes;
    }
    found.extend(Some(number).filter(|number| !number.is_empty()));
    found
}
