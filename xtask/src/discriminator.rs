//! Which schema a discriminator selects.
//!
//! Strict schemas and types both go by this, so that validation and models cannot disagree about
//! what a tag means.

use crate::document::{Fault, Object, Pointer, array, members, text};
use crate::operation::component;
use serde_json::Value;

/// The discriminator of a schema, spelled out.
pub(crate) struct Discriminator {
    /// The property that holds the tag.
    pub(crate) tag: String,
    /// Tag and name of the component it selects, sorted.
    pub(crate) mapping: Vec<(String, String)>,
}

impl Discriminator {
    /// Reads it. A branch of a `oneOf` that no tag selects is selected by its component's name, as
    /// OpenAPI says.
    pub(crate) fn of(schema: &Object, pointer: &Pointer) -> Result<Option<Self>, Fault> {
        let Some(discriminator) = schema.get("discriminator") else { return Ok(None) };
        let here = pointer.at("discriminator");
        let tag = discriminator.get("propertyName").unwrap_or(&Value::Null);
        let tag = text(tag, &here.at("propertyName"))?.to_owned();
        let mut mapping = Vec::new();
        for (value, target, pointer) in members(discriminator, "mapping", &here)? {
            let target = text(target, &pointer)?;
            let name = target.rsplit('/').next().unwrap_or(target);
            mapping.push((value.to_owned(), name.to_owned()));
        }
        if let Some(branches) = schema.get("oneOf") {
            let pointer = pointer.at("oneOf");
            for (i, branch) in array(branches, &pointer)?.iter().enumerate() {
                let Some(name) = component(branch) else {
                    let message = "a branch of a discriminated oneOf has to refer to a component";
                    return Err(Fault::new(&pointer.index(i), message));
                };
                if !mapping.iter().any(|(_, target)| target == name) {
                    mapping.push((name.to_owned(), name.to_owned()));
                }
            }
        }
        mapping.sort();
        Ok(Some(Self { tag, mapping }))
    }
}
