//! Which attribute paths the canonical document has, and of what kind their values are.
//!
//! Compiled once from the generated JSON Schema. The schema is recursive (a party has related
//! parties), so paths are walked, not listed. Arrays are transparent: `note.text` means the text of
//! any note. Where a discriminator leaves several shapes, a path of any of them is known.
//!
//! Every create walks all of its document here, so the shapes a value may have together are worked out
//! beforehand: one look-up leads from a member to the next.

use crate::domain::tree::{Object, Tree};
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// Most extension paths taken from one document, and the longest that is taken, in bytes. Beyond
/// them a path is not recorded, so a filter on it is refused rather than answered.
const MOST_EXTENSION_PATHS: usize = 256;
const MOST_PATH_BYTES: usize = 256;

/// How values at a path compare.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Strings, to the letter.
    Text,
    /// RFC 3339 date-times, as instants.
    Instant,
    /// Numbers, by value.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Has members; only they compare.
    Object,
    /// An extension: whatever the stored value is decides.
    Any,
}

/// The paths of the canonical document.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// The first is that of the document itself.
    places: Vec<Place>,
}

/// Where a path of the document leads.
#[derive(Clone, Debug)]
struct Place {
    kind: Kind,
    /// The places below, by name, over all shapes a value here may have. The names are the API document's,
    /// so nobody can choose them to fall together.
    members: FxHashMap<String, usize>,
}

/// The schema is not the one the generator emits.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// Not JSON.
    #[error("the schema is not JSON")]
    Json(#[from] serde_json::Error),
    /// A `$ref` leads nowhere.
    #[error("the schema has no definition {0}")]
    Missing(String),
}

impl Vocabulary {
    /// Compiles the paths below the definition `root` of a generated `schemas.json`.
    ///
    /// # Errors
    /// [`VocabularyError`]
    pub fn from_schema(schemas: &str, root: &str) -> Result<Self, VocabularyError> {
        let schemas: Value = serde_json::from_str(schemas)?;
        let mut compiler =
            Compiler { definitions: &schemas["$defs"], nodes: Vec::new(), named: HashMap::new() };
        let root = compiler.definition(root)?;
        Ok(Self { places: places(&compiler.nodes, root) })
    }

    /// The kind of the values at a path, `None` when the document has no such path.
    pub fn kind_of(&self, path: &[String]) -> Option<Kind> {
        let end = path.iter().try_fold(ROOT, |here, name| self.step(Some(here), name))?;
        Some(self.places[end].kind)
    }

    /// Dotted paths in a document that the API document does not have, each once.
    pub fn extension_paths(&self, members: &Object<'_>) -> Vec<String> {
        let mut found = BTreeSet::new();
        self.collect(members, Some(ROOT), None, &mut found);
        found.into_iter().collect()
    }

    /// Where a member name leads; from what the document does not have, nowhere.
    fn step(&self, here: Option<usize>, name: &str) -> Option<usize> {
        self.places[here?].members.get(name).copied()
    }

    fn collect(
        &self,
        members: &Object<'_>,
        here: Option<usize>,
        way: Option<&Way<'_>>,
        found: &mut BTreeSet<String>,
    ) {
        for (name, value) in members.iter() {
            let next = self.step(here, name);
            let is_scalar = !matches!(value, Tree::Array(_) | Tree::Object(_));
            if next.is_some() && is_scalar {
                continue;
            }
            let way = Way::to(way, name);
            let addressable = !name.is_empty() && !name.contains('.');
            if addressable && way.bytes <= MOST_PATH_BYTES && found.len() < MOST_EXTENSION_PATHS {
                if next.is_none() {
                    found.insert(way.path());
                }
                self.descend(value, next, &way, found);
            }
        }
    }

    fn descend(
        &self,
        value: &Tree<'_>,
        here: Option<usize>,
        way: &Way<'_>,
        found: &mut BTreeSet<String>,
    ) {
        match value {
            Tree::Object(members) => self.collect(members, here, Some(way), found),
            Tree::Array(items) => {
                items.iter().for_each(|item| self.descend(item, here, way, found));
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
        }
    }
}

/// A path while it is walked: few are written down.
struct Way<'a> {
    up: Option<&'a Way<'a>>,
    name: &'a str,
    /// Length of the dotted path.
    bytes: usize,
}

impl<'a> Way<'a> {
    fn to(up: Option<&'a Way<'a>>, name: &'a str) -> Self {
        let bytes = up.map_or(0, |up| up.bytes + 1) + name.len();
        Self { up, name, bytes }
    }

    fn path(&self) -> String {
        match self.up {
            Some(up) => format!("{}.{}", up.path(), self.name),
            None => self.name.to_owned(),
        }
    }
}

/// A part of the schema.
#[derive(Debug)]
struct Node {
    kind: Kind,
    members: HashMap<String, usize>,
    /// Other shapes the same value may have.
    shapes: Vec<usize>,
}

const ROOT: usize = 0;

/// All places that paths lead to from the node `root`. A place stands for the nodes that one path leads
/// to, each once: shapes lead back to the same few, so that there are few places however long paths get.
fn places(nodes: &[Node], root: usize) -> Vec<Place> {
    let mut numbers = IndexSet::from([vec![root]]);
    let mut places = Vec::new();
    while let Some(here) = numbers.get_index(places.len()).cloned() {
        let shapes = here.iter().flat_map(|node| &nodes[*node].shapes);
        let mut below: IndexMap<&String, IndexSet<usize>> = IndexMap::new();
        for node in here.iter().chain(shapes) {
            for (name, member) in &nodes[*node].members {
                below.entry(name).or_default().insert(*member);
            }
        }
        let mut number =
            |nodes: IndexSet<usize>| numbers.insert_full(nodes.into_iter().collect()).0;
        let members = below.into_iter().map(|(name, nodes)| (name.clone(), number(nodes)));
        let members = members.collect();
        places.push(Place { kind: nodes[here[0]].kind, members });
    }
    places
}

struct Compiler<'a> {
    definitions: &'a Value,
    nodes: Vec<Node>,
    named: HashMap<String, usize>,
}

impl Compiler<'_> {
    fn definition(&mut self, name: &str) -> Result<usize, VocabularyError> {
        if let Some(node) = self.named.get(name) {
            return Ok(*node);
        }
        let missing = || VocabularyError::Missing(name.to_owned());
        let schema = self.definitions.get(name).ok_or_else(missing)?.clone();
        let node = self.add(kind(&schema));
        self.named.insert(name.to_owned(), node);
        self.fill(node, &schema)?;
        Ok(node)
    }

    fn schema(&mut self, schema: &Value) -> Result<usize, VocabularyError> {
        if let Some(name) = referred(schema) {
            return self.definition(name);
        }
        if let Some(items) = schema.get("items") {
            return self.schema(items);
        }
        let node = self.add(kind(schema));
        self.fill(node, schema)?;
        Ok(node)
    }

    fn add(&mut self, kind: Kind) -> usize {
        self.nodes.push(Node { kind, members: HashMap::new(), shapes: Vec::new() });
        self.nodes.len() - 1
    }

    fn fill(&mut self, node: usize, schema: &Value) -> Result<(), VocabularyError> {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let member = self.schema(member)?;
            self.nodes[node].members.insert(name.clone(), member);
        }
        for shape in schema["x-discriminator"].as_object().into_iter().flat_map(Map::values) {
            if let Some(name) = shape.as_str() {
                let shape = self.definition(name)?;
                self.nodes[node].shapes.push(shape);
            }
        }
        Ok(())
    }
}

fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

fn kind(schema: &Value) -> Kind {
    let is = |name: &str| {
        let declared = &schema["type"];
        declared == name || declared.as_array().is_some_and(|all| all.iter().any(|t| t == name))
    };
    match () {
        () if is("string") && schema["format"] == "date-time" => Kind::Instant,
        () if is("string") => Kind::Text,
        () if is("number") || is("integer") => Kind::Number,
        () if is("boolean") => Kind::Boolean,
        () if is("object") => Kind::Object,
        () => Kind::Any,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    /// A small document with everything paths can meet: arrays, a union, recursion.
    pub fn small() -> Vocabulary {
        let schemas = json!({"$defs": {
            "Call": {"type": "object", "properties": {
                "id": {"type": "string"}, "href": {"type": "string"},
                "status": {"type": "string"}, "reason": {"type": "string"},
                "creationDate": {"type": "string", "format": "date-time"},
                "size": {"type": "object", "properties": {"amount": {"type": ["number", "null"]}}},
                "urgent": {"type": "boolean"},
                "relatedParty": {"type": "array", "items": {"$ref": "#/$defs/Related"}}}},
            "Related": {"type": "object", "properties": {
                "role": {"type": "string"}, "party": {"$ref": "#/$defs/Party"}}},
            "Party": {"type": "object", "properties": {"@type": {"type": "string"}},
                "x-discriminator": {"Ref": "Ref", "Person": "Person", "Company": "Person"}},
            "Ref": {"type": "object", "properties": {"id": {"type": "string"}}},
            "Person": {"type": "object", "properties": {
                "name": {"type": "string"},
                "relatedParty": {"type": "array", "items": {"$ref": "#/$defs/Related"}}}},
        }});
        Vocabulary::from_schema(&schemas.to_string(), "Call").unwrap()
    }

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('.').map(str::to_owned).collect()
    }

    fn extensions(document: Value) -> Vec<String> {
        let Tree::Object(members) = document.into() else { panic!("no object") };
        small().extension_paths(&members)
    }

    #[test]
    fn a_path_has_the_kind_the_document_gives_it() {
        for (dotted, expected) in [
            ("status", Some(Kind::Text)),
            ("creationDate", Some(Kind::Instant)),
            ("size", Some(Kind::Object)),
            ("size.amount", Some(Kind::Number)),
            ("urgent", Some(Kind::Boolean)),
            ("relatedParty.role", Some(Kind::Text)),
            ("relatedParty.party.id", Some(Kind::Text)),
            ("relatedParty.party.relatedParty.party.name", Some(Kind::Text)),
            ("relatedParty.party.@type", Some(Kind::Text)),
            ("relatedParty.id", None),
            ("status.x", None),
            ("", None),
        ] {
            assert_eq!(small().kind_of(&path(dotted)), expected, "{dotted}");
        }
    }

    #[test]
    fn a_path_that_goes_round_and_round_ends() {
        let round = format!("{}name", "relatedParty.party.".repeat(4_000));
        assert_eq!(small().kind_of(&path(&round)), Some(Kind::Text));
        let mut nested = json!({"serial": 7});
        for _ in 0..40 {
            nested = json!({"relatedParty": [{"party": nested}]});
        }
        // Longer than any path that is taken, so none is: but finding that out must end.
        assert_eq!(extensions(nested), Vec::<String>::new());
    }

    #[test]
    fn extensions_are_what_the_document_does_not_have() {
        let document = json!({
            "status": "open", "vip": true, "score": {"value": 3, "by": [{"bot": 1}, {"bot": 2}]},
            "relatedParty": [{"role": "x", "team": "a", "party": {"@type": "Robot", "serial": 7}}],
            "a.b": 1,
        });
        let expected = [
            "relatedParty.party.serial",
            "relatedParty.team",
            "score",
            "score.by",
            "score.by.bot",
            "score.value",
            "vip",
        ];
        assert_eq!(extensions(document), expected);
    }

    #[test]
    fn a_document_of_many_extensions_is_bounded() {
        let members: Map<_, _> = (0..2000).map(|n| (format!("x{n}"), Value::Null)).collect();
        assert_eq!(extensions(members.into()).len(), MOST_EXTENSION_PATHS);
    }
}
