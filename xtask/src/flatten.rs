//! `allOf` as one object: what the parts state together, the later part winning.
//!
//! Both the strict schemas and the lowered types start from here, so that inheritance is understood
//! once. A part's discriminator is not inherited: it names the part's own subtypes.

use serde_json::Value;

use crate::document::{Fault, Object, Pointer, elements, members, object};
use crate::operation::component;

/// What an object schema may carry and still be merged with others.
const MERGEABLE: &[&str] = &[
    "additionalProperties",
    "allOf",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "properties",
    "required",
    "title",
    "type",
];

/// Whether a schema is an object to be made whole, or the value of one of its members.
#[derive(Clone, Copy, PartialEq)]
enum Depth {
    Top,
    Inner,
}

/// The component schemas of a document, flattened on request.
pub(crate) struct Schemas<'a> {
    components: &'a Value,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(document: &'a Value) -> Self {
        Self { components: &document["components"]["schemas"] }
    }

    /// Every component: its name, its flattened schema, where it stands; sorted by name.
    pub(crate) fn all(&self) -> Result<Vec<(&'a str, Object, Pointer)>, Fault> {
        let pointer = Pointer::root().at("components").at("schemas");
        let mut names: Vec<&str> = match self.components {
            Value::Object(components) => components.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        names.sort_unstable();
        names
            .into_iter()
            .map(|name| {
                let pointer = pointer.at(name);
                let component = &self.components[name];
                let flat = self.flattened(component, &pointer, &mut vec![name], Depth::Top)?;
                Ok((name, flat, pointer))
            })
            .collect()
    }

    /// The schema without any `allOf`, at any depth. `inside` holds the components being merged.
    fn flattened(
        &self,
        schema: &'a Value,
        pointer: &Pointer,
        inside: &mut Vec<&'a str>,
        depth: Depth,
    ) -> Result<Object, Fault> {
        let given = object(schema, pointer)?;
        let mut out = Object::new();
        let parts = elements(schema, "allOf", pointer)?;
        if let ([(only, _)], true) = (parts.as_slice(), given.keys().all(|key| is_wrapping(key)))
            && component(only).is_some()
            && depth == Depth::Inner
        {
            // A reference wrapped to give it a description: still just the reference.
            return Ok(object(only, pointer)?.clone());
        }
        for (part, pointer) in parts {
            self.merge(&mut out, part, &pointer, inside)?;
        }
        if !out.is_empty() {
            mergeable(given, pointer)?;
        }
        out.remove("discriminator");
        self.merge_own(&mut out, schema, pointer, inside)?;
        Ok(out)
    }

    /// Adds a part of an `allOf`: inline, or the component it refers to.
    fn merge(
        &self,
        out: &mut Object,
        part: &'a Value,
        pointer: &Pointer,
        inside: &mut Vec<&'a str>,
    ) -> Result<(), Fault> {
        let flat = match component(part) {
            None => self.flattened(part, pointer, inside, Depth::Top)?,
            Some(name) if inside.contains(&name) => {
                return Err(Fault::new(pointer, format!("`{name}` contains itself by allOf")));
            }
            Some(name) => {
                inside.push(name);
                let flat = self.flattened(&self.components[name], pointer, inside, Depth::Top)?;
                inside.pop();
                flat
            }
        };
        mergeable(&flat, pointer)?;
        combine(out, flat);
        Ok(())
    }

    fn merge_own(
        &self,
        out: &mut Object,
        schema: &'a Value,
        pointer: &Pointer,
        inside: &mut Vec<&'a str>,
    ) -> Result<(), Fault> {
        let mut own = object(schema, pointer)?.clone();
        own.remove("allOf");
        let mut properties = Object::new();
        for (name, property, pointer) in members(schema, "properties", pointer)? {
            let flat = self.flattened(property, &pointer, inside, Depth::Inner)?;
            properties.insert(name.into(), flat.into());
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get(keyword).filter(|inner| inner.is_object()) {
                let flat = self.flattened(inner, &pointer.at(keyword), inside, Depth::Inner)?;
                own.insert(keyword.into(), flat.into());
            }
        }
        if own.contains_key("properties") {
            own.insert("properties".into(), properties.into());
        }
        combine(out, own);
        Ok(())
    }
}

/// Keywords that say nothing about the value, so that an `allOf` of one beside them is a wrapper.
fn is_wrapping(keyword: &str) -> bool {
    ["allOf", "description", "title", "example", "deprecated", "readOnly"].contains(&keyword)
}

fn mergeable(schema: &Object, pointer: &Pointer) -> Result<(), Fault> {
    let unknown = schema.keys().find(|key| !MERGEABLE.contains(&key.as_str()));
    if let Some(key) = unknown.filter(|key| !key.starts_with("x-")) {
        return Err(Fault::new(pointer, format!("`{key}` cannot be merged by allOf")));
    }
    if schema.get("type").is_some_and(|name| name != "object") {
        return Err(Fault::new(pointer, "only objects can be merged by allOf"));
    }
    Ok(())
}

/// Adds `part` to `out`: properties and required members accumulate, the rest is replaced.
fn combine(out: &mut Object, part: Object) {
    for (key, value) in part {
        match (key.as_str(), out.get_mut(&key), value) {
            ("properties", Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            ("required", Some(Value::Array(known)), Value::Array(more)) => {
                known.extend(more);
                known.sort_by_cached_key(Value::to_string);
                known.dedup();
            }
            (_, _, value) => {
                out.insert(key, value);
            }
        }
    }
}
