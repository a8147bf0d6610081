//! A path with a query: array elements selected by what they contain (TMF630 Part 5, JSON Patch
//! extension to manage arrays).
//!
//! ```text
//! /note?note.author=John Doe                         the elements of `note` with that author
//! /note/text?note.author=John Doe                    the member `text` of each
//! /note?author=John Doe&date=2024-05-01T00:00:00Z    relative names; both must hold for one element
//! /interactionItem/note?interactionItem.id=1&note.author=x    in that item, its notes by that author
//! /interactionItem/note/-?interactionItem.id=1                the end of that item's notes
//! ```
//!
//! Before the first `?` stands a JSON pointer. A condition begins with the path of the member it is
//! about, from the root or from that member's own name on; a name that does neither is relative to
//! the last array on the path. An array that has conditions is narrowed to the elements that fulfil
//! all of them; one without, in the middle of the path, is walked through whole. Values compare as in
//! filters: instants as instants, numbers as numbers. A `+` is a plus: this is JSON, not a form.

use super::Problem;
use super::pointer::{END, Pointer, index};
use crate::domain::path::any_at;
use crate::domain::scalar::Operand;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A path with a query.
#[derive(Clone, Debug)]
pub struct Selection {
    tokens: Vec<String>,
    conditions: Vec<Condition>,
}

/// One `name=value`.
#[derive(Clone, Debug)]
struct Condition {
    anchor: Anchor,
    /// From the anchor on.
    path: Vec<String>,
    operand: Operand,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Anchor {
    /// What this token of the path names: an object, or each element of an array.
    Token(usize),
    /// The elements of the last array on the path.
    LastArray,
}

/// The places a selection leads to in one document.
#[derive(Debug, Default)]
pub struct Places {
    /// In the order of the document.
    pub pointers: Vec<Pointer>,
    /// Whether they are elements the query selected, not members or places of such.
    pub elements: bool,
}

impl Selection {
    /// Reads what stands before and after the `?`.
    pub fn parse(pointer: &str, query: &str, member: &'static str) -> Result<Self, Problem> {
        let tokens = Pointer::read(pointer, member)?.0;
        let conditions = query.split('&').map(|condition| Condition::parse(condition, &tokens));
        let conditions = conditions.collect::<Option<_>>().ok_or(Problem::NotAQuery { member })?;
        Ok(Self { tokens, conditions })
    }

    /// How many conditions an element is held against.
    pub fn conditions(&self) -> usize {
        self.conditions.len()
    }

    /// The places selected; of more than `most`, one more than that.
    pub fn places(&self, document: &Value, most: usize) -> Places {
        let relative = self.conditions.iter().any(|c| c.anchor == Anchor::LastArray);
        let last_array = relative.then(|| self.last_array(document, 0)).flatten();
        let mut places = Places::default();
        if relative && last_array.is_none() {
            return places;
        }
        let mut walk =
            Walk { selection: self, last_array, most, at: Vec::new(), places: &mut places };
        walk.step(document, 0, false);
        places
    }

    /// Which token, counted from `next` on, names the last array to select from.
    fn last_array(&self, value: &Value, next: usize) -> Option<usize> {
        let token = self.tokens.get(next)?;
        match value {
            Value::Object(members) => {
                let member = members.get(token)?;
                let here = (member.is_array() && !self.is_explicit(next + 1)).then_some(next);
                self.last_array(member, next + 1).max(here)
            }
            Value::Array(elements) if self.is_explicit(next) => {
                self.last_array(elements.get(index(token)?)?, next + 1)
            }
            Value::Array(elements) => {
                elements.iter().filter_map(|element| self.last_array(element, next)).max()
            }
            _ => None,
        }
    }

    /// Whether this token is an index or the end of an array.
    fn is_explicit(&self, token: usize) -> bool {
        self.tokens.get(token).is_some_and(|token| token == END || index(token).is_some())
    }
}

impl Condition {
    fn parse(text: &str, tokens: &[String]) -> Option<Self> {
        let decoded = |text| percent_decode_str(text).decode_utf8().ok();
        let (name, operand) = text.split_once('=')?;
        let mut path: Vec<String> = decoded(name)?.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return None;
        }
        let operand = Operand::new(decoded(operand)?);
        let Some((token, named)) = anchor(&path, tokens) else {
            return Some(Self { anchor: Anchor::LastArray, path, operand });
        };
        Some(Self { anchor: Anchor::Token(token), path: path.split_off(named), operand })
    }
}

/// The token a condition's path begins at, as far down as it goes, and how many of the path's
/// names lead there. At least one name is left over: a condition is about a member.
fn anchor(path: &[String], tokens: &[String]) -> Option<(usize, usize)> {
    let names = |token: &&(usize, &String)| token.1 != END && index(token.1).is_none();
    let named: Vec<(usize, &String)> = tokens.iter().enumerate().filter(|t| names(&t)).collect();
    let from_root = named.iter().zip(path).take_while(|((_, token), name)| token == name).count();
    let from_root = from_root.min(path.len() - 1);
    if let Some((token, _)) = from_root.checked_sub(1).and_then(|last| named.get(last)) {
        return Some((*token, from_root));
    }
    let own = named.iter().rev().find(|(_, token)| path.len() > 1 && path.first() == Some(token));
    own.map(|(token, _)| (*token, 1))
}

/// One walk down the path.
struct Walk<'s, 'p> {
    selection: &'s Selection,
    last_array: Option<usize>,
    most: usize,
    at: Vec<String>,
    places: &'p mut Places,
}

impl Walk<'_, '_> {
    /// Goes on from `value`, to which the tokens before `next` led.
    fn step(&mut self, value: &Value, next: usize, selected: bool) {
        if self.places.pointers.len() > self.most {
            return;
        }
        let Some(token) = self.selection.tokens.get(next) else {
            self.places.elements |= selected;
            self.places.pointers.push(Pointer(self.at.clone()));
            return;
        };
        let inside = match value {
            Value::Object(members) => members.get(token),
            Value::Array(elements) => index(token).and_then(|index| elements.get(index)),
            _ => return,
        };
        self.at.push(token.clone());
        match inside {
            Some(inside) => self.enter(inside, next),
            // A place where something could be added.
            None if self.is_last(next) && self.is_bare(next) => self.step(value, next + 1, false),
            None => {}
        }
        self.at.pop();
    }

    /// Goes into what `token` names: past its conditions, and into each element of an array.
    fn enter(&mut self, value: &Value, token: usize) {
        let is_bare = self.is_bare(token);
        let is_whole = is_bare && self.is_last(token) || self.selection.is_explicit(token + 1);
        match value {
            Value::Array(elements) if !is_whole => {
                for (index, element) in elements.iter().enumerate() {
                    if self.fulfils(element, token) {
                        self.at.push(index.to_string());
                        self.step(element, token + 1, true);
                        self.at.pop();
                    }
                }
            }
            _ if is_bare || self.fulfils(value, token) => self.step(value, token + 1, false),
            _ => {}
        }
    }

    fn is_last(&self, token: usize) -> bool {
        token + 1 == self.selection.tokens.len()
    }

    /// Whether no condition is about what this token names.
    fn is_bare(&self, token: usize) -> bool {
        self.conditions(token).next().is_none()
    }

    fn conditions(&self, token: usize) -> impl Iterator<Item = &Condition> {
        let last_array = self.last_array;
        self.selection.conditions.iter().filter(move |condition| match condition.anchor {
            Anchor::Token(anchored) => anchored == token,
            Anchor::LastArray => last_array == Some(token),
        })
    }

    fn fulfils(&self, value: &Value, token: usize) -> bool {
        self.conditions(token).all(|condition| {
            let equals = &mut |found: &Value| condition.operand.equals(found);
            value.as_object().is_some_and(|members| any_at(members, &condition.path, equals))
        })
    }
}
