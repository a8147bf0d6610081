//! Lowering steps for schemas that are a choice: unions by a tag, strings with known values.
//!
//! typify's enums know only what the document knows. These steps take the choices out of the
//! document; `types.rs` emits enums in their place that keep what nobody declared.

use std::collections::BTreeMap;

use heck::ToPascalCase;
use serde_json::{Value, json};

use super::visit::{Place, each_schema};
use super::{Lowered, OpenEnum, Union, Variant};
use crate::discriminator::Discriminator;
use crate::document::{Fault, Object, Pointer};
use crate::rust::type_name;

type Counted = Result<usize, Fault>;

/// Gives enums of properties a component of their own, named after where they stand.
pub(super) fn hoist_enums(lowered: &mut Lowered) -> Counted {
    let mut hoisted = Object::new();
    each_schema(&mut lowered.document, &mut |schema, place, pointer| {
        let is_enum = schema.contains_key("enum") && schema.get("type") == Some(&json!("string"));
        if is_enum && matches!(place, Place::Property | Place::Element) {
            named_values(schema, pointer)?;
            let name = place_name(pointer);
            let component = std::mem::take(schema);
            schema.insert("$ref".into(), format!("#/components/schemas/{name}").into());
            if hoisted.insert(name, Value::Object(component)).is_some() {
                return Err(Fault::new(pointer, "two inline enums would get the same name"));
            }
        }
        Ok(())
    })?;
    let count = hoisted.len();
    let components = &mut lowered.document["components"]["schemas"];
    for (name, schema) in hoisted {
        if components.get(&name).is_some() {
            let pointer = Pointer::root().at("components").at("schemas").at(&name);
            return Err(Fault::new(&pointer, "an inline enum would get the same name"));
        }
        components[name] = schema;
    }
    Ok(count)
}

/// `#/components/schemas/JsonPatch/properties/op` → `JsonPatchOp`.
fn place_name(pointer: &Pointer) -> String {
    let text = pointer.to_string();
    let words: Vec<&str> = text
        .split('/')
        .filter(|word| !["", "components", "schemas", "properties", "items"].contains(word))
        .collect();
    words.join("-").to_pascal_case()
}

/// Takes discriminated `oneOf`s out; an enum that goes by the tag is emitted in their place.
pub(super) fn open_unions(lowered: &mut Lowered) -> Counted {
    let mut unions = BTreeMap::new();
    each_schema(&mut lowered.document, &mut |schema, place, pointer| {
        if !schema.contains_key("oneOf") {
            return Ok(());
        }
        let here = pointer.at("oneOf");
        let Some(Discriminator { tag, mapping }) = Discriminator::of(schema, pointer)? else {
            return Err(Fault::new(&here, "oneOf without a discriminator is unsupported"));
        };
        if place != Place::Component {
            return Err(Fault::new(&here, "oneOf is supported as a component only"));
        }
        let name = last_segment(pointer);
        let union = Union { docs: description(schema), tag, variants: variants(&mapping) };
        unions.insert(type_name(&name), union);
        *schema = placeholder("object");
        Ok(())
    })?;
    lowered.unions = unions;
    Ok(lowered.unions.len())
}

/// One variant per schema, named after its first tag, or after the schema where tags collide.
fn variants(mapping: &[(String, String)]) -> Vec<Variant> {
    let mut variants: Vec<Variant> = Vec::new();
    for (tag, target) in mapping {
        let target = type_name(target);
        if let Some(known) = variants.iter_mut().find(|variant| variant.target == target) {
            known.tags.push(tag.clone());
            continue;
        }
        let mut name = type_name(tag);
        if name == "Other" || variants.iter().any(|variant| variant.name == name) {
            name.clone_from(&target);
        }
        variants.push(Variant { name, tags: vec![tag.clone()], target });
    }
    variants
}

/// Takes string enums out; an enum with room for other values is emitted in their place.
pub(super) fn open_enums(lowered: &mut Lowered) -> Counted {
    let mut enums = BTreeMap::new();
    let mut closed = 0;
    each_schema(&mut lowered.document, &mut |schema, place, pointer| {
        if !schema.contains_key("enum") {
            return Ok(());
        }
        if place != Place::Component || schema.get("type") != Some(&json!("string")) {
            // Numbers and parameters: the plain type keeps every value.
            schema.remove("enum");
            closed += 1;
            return Ok(());
        }
        let open = OpenEnum { docs: description(schema), values: named_values(schema, pointer)? };
        enums.insert(type_name(&last_segment(pointer)), open);
        *schema = placeholder("string");
        Ok(())
    })?;
    lowered.enums = enums;
    Ok(lowered.enums.len() + closed)
}

/// The values of an enum, each with a variant name of its own.
fn named_values(schema: &Object, pointer: &Pointer) -> Result<Vec<(String, String)>, Fault> {
    let mut named: Vec<(String, String)> = Vec::new();
    let values = schema.get("enum").and_then(Value::as_array);
    for value in values.into_iter().flatten().filter_map(Value::as_str) {
        let variant = type_name(value);
        if variant == "Other" || named.iter().any(|(_, known)| *known == variant) {
            let message = format!("enum value {value:?} has no variant name of its own");
            return Err(Fault::new(&pointer.at("enum"), message));
        }
        named.push((value.to_owned(), variant));
    }
    Ok(named)
}

/// Notes which value of the discriminator is the schema itself, then drops discriminators.
pub(super) fn own_tags(lowered: &mut Lowered) -> Counted {
    let mut tags = BTreeMap::new();
    let mut count = 0;
    each_schema(&mut lowered.document, &mut |schema, place, pointer| {
        if place == Place::Component
            && let Some(Discriminator { tag, mapping }) = Discriminator::of(schema, pointer)?
        {
            let name = last_segment(pointer);
            let mut own = mapping.into_iter().filter(|(_, target)| *target == name);
            if let (Some((value, _)), None) = (own.next(), own.next()) {
                tags.insert(type_name(&name), (tag, value));
            }
        }
        count += usize::from(schema.remove("discriminator").is_some());
        Ok(())
    })?;
    lowered.tags = tags;
    Ok(count)
}

fn placeholder(kind: &str) -> Object {
    Object::from_iter([("type".to_owned(), kind.into())])
}

fn description(schema: &Object) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn last_segment(pointer: &Pointer) -> String {
    let text = pointer.to_string();
    let segment = text.rsplit('/').next().unwrap_or_default();
    segment.replace("~1", "/").replace("~0", "~")
}
