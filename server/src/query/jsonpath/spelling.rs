//! What is seen in the text of a path before it is parsed: how deep it nests, and what the parser
//! would take for something else without a word.

use super::{JsonPathError, MOST_NESTING, malformed};
use crate::domain::decimal::Decimal;

/// Blanks of RFC 9535 §2.1.1.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Checks everything outside of quotes.
///
/// # Errors
/// [`JsonPathError`] with the place.
pub(super) fn check(written: &str) -> Result<(), JsonPathError> {
    let mut depth = 0_usize;
    let mut before = Before { character: '\0', blank: false };
    let mut rest = written.char_indices();
    while let Some((at, character)) = rest.next() {
        let place = || written[..at].chars().count() + 1;
        match character {
            '\'' | '"' => skip_quoted(&mut rest, character),
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            '$' if at > 0 => return Err(JsonPathError::Root(place())),
            // The parser trims names of blanks that the RFC takes for letters, and is not alone.
            _ if character.is_whitespace() && !BLANKS.contains(&character) => {
                return Err(malformed(written, at));
            }
            // It also takes `a b` for one name; no two words follow each other in the RFC.
            _ if is_of_word(character) && before.blank && is_of_word(before.character) => {
                return Err(malformed(written, at));
            }
            '0'..='9' if before.may_begin_number() && !survives(number(&written[at..])) => {
                return Err(JsonPathError::Inexact(place()));
            }
            _ => {}
        }
        if depth > MOST_NESTING {
            return Err(JsonPathError::TooDeep(place()));
        }
        before = match BLANKS.contains(&character) {
            true => Before { blank: true, ..before },
            false => Before { character, blank: false },
        };
    }
    Ok(())
}

/// The last character that is no blank, and whether blanks came after it.
struct Before {
    character: char,
    blank: bool,
}

impl Before {
    /// Whether digits here begin a number.
    fn may_begin_number(&self) -> bool {
        self.blank || !is_of_word(self.character)
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || !character.is_ascii()
}

fn skip_quoted(rest: &mut impl Iterator<Item = (usize, char)>, quote: char) {
    while let Some((_, character)) = rest.next() {
        if character == '\\' {
            rest.next();
        } else if character == quote {
            return;
        }
    }
}

/// The number at the beginning of a text, without its sign.
fn number(text: &str) -> &str {
    let mut before = '\0';
    let end = text.find(|character: char| {
        let signed = matches!(before, 'e' | 'E') && matches!(character, '+' | '-');
        before = character;
        !(signed || character.is_ascii_digit() || matches!(character, '.' | 'e' | 'E'))
    });
    &text[..end.unwrap_or(text.len())]
}

/// Whether the parser, which keeps floats, tells it from every other number. What is no number at
/// all is for the grammar to say.
fn survives(number: &str) -> bool {
    let kept = || number.parse::<f64>().ok().and_then(|kept| Decimal::parse(&kept.to_string()));
    let is_whole = number.bytes().all(|byte| byte.is_ascii_digit());
    match Decimal::parse(number) {
        None => Decimal::parse(number.split(['e', 'E']).next().unwrap_or("")).is_none(),
        Some(exact) => is_whole || kept() == Some(exact),
    }
}
