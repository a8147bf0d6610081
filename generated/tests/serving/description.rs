//! The loop closed: the OpenAPI dropshot derives from the emitted traits and types says what the
//! document says.
//!
//! Both are reduced to facts, one line each. The facts only one side states are listed, each under
//! its reason, in `data/description.txt`, which is reviewed like code.
//!
//! Left out on purpose, because the types are lenient where the strict schemas judge: required
//! members, bounds, formats other than `date-time`, values of enums, error answers, and bodies in
//! other media types than JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tmf683_generated::{admin_v1, v4, v5};

use super::stub;

/// A name for the type a schema describes, without what lowering leaves to the strict schemas.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap().to_owned();
    }
    if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
        return kind(only);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => format!("[{}]", kind(&schema["items"])),
        (Some("string"), Some("date-time")) => "timestamp".to_owned(),
        (Some(name), _) => name.to_owned(),
        (None, _) => "anything".to_owned(),
    }
}

/// Kinds of the properties of a schema; its own win over inherited ones.
fn properties(document: &Value, schema: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(properties(document, at(document, part)));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        // An enum inside a property gets a type of its own, whose kind is the same.
        let kind = kind(property);
        let target = &document["components"]["schemas"][&kind];
        let kind = if target["type"] == "string" { "string".to_owned() } else { kind };
        found.insert(name.clone(), kind);
    }
    found
}

/// Adds what a schema states: its members, or what it may be.
fn members(document: &Value, owner: &str, schema: &Value, facts: &mut BTreeSet<String>) {
    if schema["type"] == "array" || schema["type"] == "string" {
        facts.insert(format!("{owner}: {}", kind(schema)));
    }
    for (name, kind) in properties(document, schema) {
        facts.insert(format!("{owner}.{name}: {kind}"));
    }
    for union in ["oneOf", "anyOf"] {
        for branch in schema[union].as_array().into_iter().flatten() {
            if kind(branch) != "object" {
                facts.insert(format!("{owner} may be {}", kind(branch)));
            }
        }
    }
    if schema["oneOf"].is_array() {
        for target in schema["discriminator"]["mapping"].as_object().into_iter().flatten() {
            let name = target.1.as_str().unwrap().rsplit('/').next().unwrap();
            facts.insert(format!("{owner} may be {name}"));
        }
    }
}

/// The value, or what it refers to.
fn at<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn json(content: &Value) -> Option<&Value> {
    let is_json = |(name, _): &(&String, &Value)| name.starts_with("application/json");
    let found = content["content"]
        .as_object()?
        .iter()
        .find(|entry| is_json(entry) && !entry.0.contains("patch"))?;
    found.1.get("schema")
}

fn facts(document: &Value) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            facts.insert(format!("{method} {path} is {id}"));
            for tag in operation["tags"].as_array().into_iter().flatten() {
                facts.insert(format!("{id} is about {tag}"));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let parameter = at(document, parameter);
                let name = parameter["name"].as_str().unwrap().to_ascii_lowercase();
                let required = if parameter["required"] == true { "required " } else { "" };
                let (place, kind) = (&parameter["in"], kind(&parameter["schema"]));
                facts.insert(format!("{id} takes {required}{kind} {name} in {place}"));
            }
            if !operation["requestBody"].is_null() {
                let body = at(document, &operation["requestBody"]);
                facts.extend(json(body).map(|body| format!("{id} takes body {}", kind(body))));
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = at(document, response);
                if !status.starts_with('2') || status.ends_with('X') {
                    continue;
                }
                let body = json(response).map_or("nothing".to_owned(), kind);
                facts.insert(format!("{id} answers {status} with {body}"));
                for (name, header) in response["headers"].as_object().into_iter().flatten() {
                    let kind = kind(&at(document, header)["schema"]);
                    facts.insert(format!("{id} answers {status} with {kind} in {name}"));
                }
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        facts.insert(format!("{name} is a schema"));
        members(document, name, schema, &mut facts);
    }
    facts
}

fn check(version: &str, document: &str) {
    let document: Value = serde_json::from_str(document).unwrap();
    let semver = "1.0.0".parse().unwrap();
    let derived = stub::one(version).openapi("derived", semver).json().unwrap();
    let (stated, derived) = (facts(&document), facts(&derived));
    // Facts about a schema nothing derived are covered by its absence.
    let absent: Vec<String> = stated
        .difference(&derived)
        .filter_map(|fact| fact.strip_suffix(" is a schema"))
        .flat_map(|name| [format!("{name}."), format!("{name}:"), format!("{name} may be ")])
        .collect();
    let is_covered = |fact: &&String| absent.iter().any(|start| fact.starts_with(start));
    let lacking = stated.difference(&derived).filter(|fact| !is_covered(fact));
    let mut found: BTreeSet<String> = lacking.map(|fact| format!("- {fact}")).collect();
    found.extend(derived.difference(&stated).map(|fact| format!("+ {fact}")));
    let allowed: BTreeSet<String> = include_str!("../data/description.txt")
        .lines()
        .filter_map(|line| line.strip_prefix(version))
        .map(|fact| fact.trim().to_owned())
        .collect();
    let news: Vec<_> = found.difference(&allowed).collect();
    assert!(news.is_empty(), "differences nobody allowed: {news:#?}");
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(gone.is_empty(), "allowed differences that are none any more: {gone:#?}");
}

#[test]
fn v4_is_described_as_the_document_says() {
    check("v4", v4::operations::OPENAPI);
}

#[test]
fn v5_is_described_as_the_document_says() {
    check("v5", v5::operations::OPENAPI);
}

#[test]
fn the_admin_api_is_described_as_the_document_says() {
    check("admin", admin_v1::operations::OPENAPI);
}
