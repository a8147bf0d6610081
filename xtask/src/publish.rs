//! Publication: what our server declares on top of the document it was built from.
//!
//! The rules and their order are explained at the head of `openapi/publication.yaml`, which this
//! carries out on Swagger 2.0 and OpenAPI 3.0 alike. Nothing a document declares is removed or
//! replaced.

mod additions;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::document::{Fault, Object, Pointer, elements, members, text};
use crate::resolve::essence;
use crate::supported::METHODS;

type Applied<T = ()> = Result<T, Fault>;

/// Adds what `publication` says about version `version`. Faults point into the publication.
pub(crate) fn publish(document: &Value, publication: &Value, version: &str) -> Applied<Value> {
    let sets = Sets::read(publication, version)?;
    let mut publisher = Publisher { document: document.clone(), sets };
    let root = Pointer::root();
    publisher.schemas(publication, version)?;
    for (rule, pointer) in elements(publication, "operations", &root)? {
        publisher.operation(rule, &pointer, version)?;
    }
    publisher.check_sets()?;
    for (rule, pointer) in elements(publication, "responses", &root)? {
        publisher.response(rule, &pointer)?;
    }
    for (rule, pointer) in elements(publication, "response_headers", &root)? {
        publisher.response_header(rule, &pointer)?;
    }
    for (rule, pointer) in elements(publication, "parameters", &root)? {
        publisher.parameter(rule, &pointer)?;
    }
    for (rule, pointer) in elements(publication, "request_media", &root)? {
        publisher.request_media(rule, &pointer)?;
    }
    Ok(publisher.document)
}

/// The sections of a publication, in the order in which they are carried out.
const SECTIONS: &[&str] = &[
    "sets",
    "schemas",
    "operations",
    "responses",
    "response_headers",
    "parameters",
    "request_media",
];

/// Names for lists of operation ids.
struct Sets {
    versions: Vec<String>,
    of_version: BTreeMap<String, Vec<(String, Pointer)>>,
    known: Vec<String>,
}

impl Sets {
    fn read(publication: &Value, version: &str) -> Applied<Self> {
        let mut sets =
            Self { versions: Vec::new(), of_version: BTreeMap::new(), known: Vec::new() };
        let root = Pointer::root();
        for key in publication.as_object().into_iter().flat_map(Object::keys) {
            if !SECTIONS.contains(&key.as_str()) {
                return Err(Fault::new(&root.at(key), "unknown section"));
            }
        }
        for (name, version_sets, pointer) in members(publication, "sets", &root)? {
            sets.versions.push(name.to_owned());
            for set in version_sets.as_object().into_iter().flat_map(Object::keys) {
                sets.known.push(set.clone());
                if name != version {
                    continue;
                }
                let mut ids = Vec::new();
                for (id, pointer) in elements(version_sets, set, &pointer)? {
                    ids.push((text(id, &pointer)?.to_owned(), pointer));
                }
                sets.of_version.insert(set.clone(), ids);
            }
        }
        Ok(sets)
    }

    fn check_version(&self, version: &str, pointer: &Pointer) -> Applied {
        if self.versions.iter().any(|known| known == version) {
            return Ok(());
        }
        Err(Fault::new(pointer, format!("`{version}` has no sets, so it is no version")))
    }

    /// The operation ids a rule applies to.
    fn of_rule(&self, rule: &Value, pointer: &Pointer) -> Applied<Vec<String>> {
        let mut ids = Vec::new();
        for (set, pointer) in elements(rule, "for", pointer)? {
            let set = text(set, &pointer)?;
            if !self.known.iter().any(|known| known == set) {
                return Err(Fault::new(&pointer, format!("no version has a set `{set}`")));
            }
            let found = self.of_version.get(set).into_iter().flatten();
            ids.extend(found.map(|(id, _)| id.clone()));
        }
        Ok(ids)
    }
}

struct Publisher {
    document: Value,
    sets: Sets,
}

impl Publisher {
    fn is_swagger2(&self) -> bool {
        self.document.get("swagger").is_some()
    }

    fn check_sets(&self) -> Applied {
        for (id, pointer) in self.sets.of_version.values().flatten() {
            if self.place_of(id).is_none() {
                return Err(Fault::new(pointer, format!("the document has no operation `{id}`")));
            }
        }
        Ok(())
    }

    /// JSON pointer of the operation with this id.
    fn place_of(&self, id: &str) -> Option<String> {
        let paths = Pointer::root().at("paths");
        for (path, item) in self.document["paths"].as_object()? {
            for method in METHODS {
                if item[method]["operationId"] == id {
                    return Some(paths.at(path).at(method).to_string());
                }
            }
        }
        None
    }

    /// The operations a rule applies to.
    fn places(&self, rule: &Value, pointer: &Pointer) -> Applied<Vec<String>> {
        let ids = self.sets.of_rule(rule, pointer)?;
        Ok(ids.iter().filter_map(|id| self.place_of(id)).collect())
    }

    /// What a reference names, or the value itself, to be changed on its own.
    fn copied(&self, value: &Value) -> Value {
        let reference = value.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| reference.strip_prefix('#'));
        target.and_then(|path| self.document.pointer(path)).unwrap_or(value).clone()
    }

    /// `operation[first][second]…` at a place, copied out of its component if it is a reference.
    fn own(&mut self, place: &str, path: &[&str]) -> Option<&mut Value> {
        let pointer = path.iter().fold(place.to_owned(), |at, step| {
            format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"))
        });
        let copy = self.copied(self.document.pointer(&pointer)?);
        let slot = self.document.pointer_mut(&pointer)?;
        *slot = copy;
        Some(slot)
    }

    fn response(&mut self, rule: &Value, pointer: &Pointer) -> Applied {
        only(rule, &["body", "description", "for", "status"], pointer)?;
        let status = member(rule, "status", pointer)?;
        let description = member(rule, "description", pointer)?;
        let body = rule.get("body").and_then(Value::as_str).unwrap_or("error");
        for place in self.places(rule, pointer)? {
            let mut response = json!({ "description": description });
            match (body, self.is_swagger2()) {
                ("none", _) => {}
                ("error", true) => response["schema"] = json!({ "$ref": "#/definitions/Error" }),
                ("error", false) => {
                    let schema = json!({ "$ref": "#/components/schemas/Error" });
                    response["content"] = json!({ "application/json": { "schema": schema } });
                }
                (repeated, _) => {
                    let Some(source) = self.own(&place, &["responses", repeated]) else {
                        let message = format!("{place} has no response {repeated}");
                        return Err(Fault::new(&pointer.at("body"), message));
                    };
                    for part in ["schema", "content", "headers"] {
                        if let Some(value) = source.get(part) {
                            response[part] = value.clone();
                        }
                    }
                }
            }
            let Some(responses) = self.own(&place, &["responses"]).and_then(Value::as_object_mut)
            else {
                continue;
            };
            if !responses.contains_key(status) {
                responses.insert(status.to_owned(), response);
            }
        }
        Ok(())
    }

    fn response_header(&mut self, rule: &Value, pointer: &Pointer) -> Applied {
        only(rule, &["description", "for", "name", "schema", "statuses"], pointer)?;
        let name = member(rule, "name", pointer)?;
        let mut header = self.described(rule, pointer)?;
        header.remove("name");
        for place in self.places(rule, pointer)? {
            for (status, pointer) in elements(rule, "statuses", pointer)? {
                let status = text(status, &pointer)?;
                let Some(response) = self.own(&place, &["responses", status]) else {
                    let message = format!("{place} has no response {status}");
                    return Err(Fault::new(&pointer, message));
                };
                let is_declared = response["headers"].get(name).is_some();
                if !is_declared {
                    response["headers"][name] = header.clone().into();
                }
            }
        }
        Ok(())
    }

    fn parameter(&mut self, rule: &Value, pointer: &Pointer) -> Applied {
        only(rule, &["description", "for", "in", "name", "schema"], pointer)?;
        let name = member(rule, "name", pointer)?;
        let parameter = self.described(rule, pointer)?;
        for place in self.places(rule, pointer)? {
            let known = self.document.pointer(&place).and_then(|o| o.get("parameters"));
            let known = known.and_then(Value::as_array).cloned().unwrap_or_default();
            let is_declared = known.iter().any(|known| {
                let known = self.copied(known);
                known.get("name") == Some(&json!(name)) && known.get("in") == rule.get("in")
            });
            if let (false, Some(operation)) = (is_declared, self.document.pointer_mut(&place)) {
                let all: Vec<Value> = known.into_iter().chain([parameter.clone().into()]).collect();
                operation["parameters"] = all.into();
            }
        }
        Ok(())
    }

    fn request_media(&mut self, rule: &Value, pointer: &Pointer) -> Applied {
        only(rule, &["for", "media_type", "same_as", "schema"], pointer)?;
        let media_type = member(rule, "media_type", pointer)?;
        if rule.get("schema").is_some() {
            for place in self.places(rule, pointer)? {
                let schema = self.reference(rule, "schema", pointer)?;
                let without_body = || Fault::new(pointer, format!("{place} takes no body"));
                self.request_schema(&place, media_type, &schema).ok_or_else(without_body)?;
            }
            return Ok(());
        }
        let same_as = member(rule, "same_as", pointer)?;
        let unknown =
            |place: &str| Fault::new(&pointer.at("same_as"), format!("{place} takes no {same_as}"));
        for place in self.places(rule, pointer)? {
            if self.is_swagger2() {
                let of_document = self.document.get("consumes").cloned();
                let operation = self.document.pointer_mut(&place).ok_or_else(|| unknown(&place))?;
                let known = operation.get("consumes").cloned().or(of_document);
                let mut known = known.and_then(|v| v.as_array().cloned()).unwrap_or_default();
                if !known.iter().filter_map(Value::as_str).any(|known| essence(known) == same_as) {
                    return Err(unknown(&place));
                }
                known.push(media_type.into());
                operation["consumes"] = known.into();
                continue;
            }
            let body = self.own(&place, &["requestBody"]).ok_or_else(|| unknown(&place))?;
            let content = body["content"].as_object_mut().ok_or_else(|| unknown(&place))?;
            let same = content.iter().find(|(known, _)| essence(known) == same_as);
            let schema = same.map(|(_, value)| json!({ "schema": value["schema"] }));
            let schema = schema.ok_or_else(|| unknown(&place))?;
            content.entry(media_type).or_insert(schema);
        }
        Ok(())
    }

    /// Name, place, description and schema of a header or parameter, as the document's version
    /// writes them.
    fn described(&self, rule: &Value, pointer: &Pointer) -> Applied<Object> {
        let mut out = Object::new();
        for name in ["name", "in", "description"] {
            if let Some(value) = rule.get(name) {
                out.insert(name.to_owned(), value.clone());
            }
        }
        let schema = rule.get("schema").and_then(Value::as_object);
        let schema = schema.ok_or_else(|| Fault::new(&pointer.at("schema"), "is missing"))?;
        if self.is_swagger2() {
            out.extend(schema.clone());
        } else {
            out.insert("schema".to_owned(), schema.clone().into());
        }
        Ok(out)
    }
}

fn only(rule: &Value, known: &[&str], pointer: &Pointer) -> Applied {
    let unknown = |key: &&String| !known.contains(&key.as_str());
    match rule.as_object().into_iter().flat_map(Object::keys).find(unknown) {
        None => Ok(()),
        Some(key) => Err(Fault::new(&pointer.at(key), "unknown member of a rule")),
    }
}

fn member<'a>(rule: &'a Value, name: &str, pointer: &Pointer) -> Applied<&'a str> {
    text(rule.get(name).unwrap_or(&Value::Null), &pointer.at(name))
}
