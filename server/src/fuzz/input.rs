//! Inputs made from a corpus, and how they are read.

use super::graft::graft;
use crate::domain::interaction::Members;
use crate::domain::json::{self, Limits};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

/// Most edits of one input.
const EDITS: usize = 6;
/// Most bytes drawn at random in one edit.
const DRAWN: usize = 4;
/// Bounds of JSON in inputs: far from those of the process, near enough to meet them.
pub const LIMITS: Limits = Limits { depth: 16, items: 64, values: 512 };

/// Bytes that are told as text where they are.
#[derive(Clone)]
pub struct Input(pub Vec<u8>);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[derive(Clone, Debug)]
struct Edit {
    at: Index,
    /// How much goes, as a part of what there is; mostly nothing.
    cut: usize,
    put: Put,
}

#[derive(Clone, Debug)]
enum Put {
    Drawn(Vec<u8>),
    Word(Index),
    /// A piece of a seed.
    Piece(Index, Index, usize),
    /// A piece of the input itself, so often.
    Again(usize, usize),
    /// A value of a seed in the place of one of the input, or in it; no cut.
    Graft(Index, [Index; 4], bool),
}

/// Seeds as they are, and changed in some places.
pub fn inputs(seeds: Vec<Vec<u8>>, words: &'static [&'static str]) -> impl Strategy<Value = Input> {
    assert!(!seeds.is_empty() && !words.is_empty());
    let put = prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..DRAWN).prop_map(Put::Drawn),
        4 => any::<Index>().prop_map(Put::Word),
        3 => (any::<Index>(), any::<Index>(), 1..40_usize).prop_map(|(s, a, n)| Put::Piece(s, a, n)),
        1 => (1..20_usize, 2..40_usize).prop_map(|(length, times)| Put::Again(length, times)),
        12 => (any::<Index>(), any::<[Index; 4]>(), any::<bool>())
            .prop_map(|(seed, places, inside)| Put::Graft(seed, places, inside)),
    ];
    let cut = prop_oneof![3 => Just(0), 2 => 1..4_usize, 1 => 1..60_usize];
    let edit = (any::<Index>(), cut, put).prop_map(|(at, cut, put)| Edit { at, cut, put });
    let edits = prop::collection::vec(edit, 0..EDITS);
    (any::<Index>(), edits).prop_map(move |(seed, edits)| {
        let mut bytes = seed.get(&seeds).clone();
        edits.iter().for_each(|edit| carry_out(edit, &mut bytes, &seeds, words));
        Input(bytes)
    })
}

fn carry_out(edit: &Edit, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
    if let Put::Graft(seed, places, inside) = &edit.put {
        return graft(bytes, &seeds[seed.index(seeds.len())], places, *inside);
    }
    let at = edit.at.index(bytes.len() + 1);
    let end = (at + edit.cut).min(bytes.len());
    let piece = |from: &[u8], start: usize, length: usize| {
        from[start..(start + length).min(from.len())].to_vec()
    };
    let put = match &edit.put {
        Put::Drawn(drawn) => drawn.clone(),
        Put::Word(word) => word.get(words).as_bytes().to_vec(),
        Put::Piece(seed, start, length) => {
            let seed = seed.get(seeds);
            piece(seed, start.index(seed.len() + 1), *length)
        }
        Put::Graft(..) => Vec::new(),
        Put::Again(length, times) => piece(bytes, at, *length).repeat(*times),
    };
    bytes.splice(at..end, put);
}

/// The first line and the rest, as JSON; `None` where one of them is none.
pub fn two_values(bytes: &[u8]) -> Option<(Value, Value)> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (one, other) = bytes.split_at(at);
    Some((json::parse(one, LIMITS).ok()?, json::parse(other, LIMITS).ok()?))
}

/// The same, for two objects.
pub fn two_objects(bytes: &[u8]) -> Option<(Members, Members)> {
    match two_values(bytes)? {
        (Value::Object(one), Value::Object(other)) => Some((one, other)),
        _ => None,
    }
}
