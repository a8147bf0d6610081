//! The document an API publishes, read as what it promises: operations, statuses, headers, schemas.
//!
//! The schemas are OpenAPI's own, not those the server judges requests by: shared schemas would
//! share mistakes. One thing is rewritten: `oneOf` with a discriminator becomes "the schema its
//! `@type` names, if it names one", for documents are open to other `@type`s and several branches
//! may fit at once.

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// Paths in the documents that whoever subscribes serves, not we.
const LISTENER: &str = "/listener/";

/// A published document.
pub struct Document {
    root: Value,
    operations: Vec<Operation>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An operation of a document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `operationId`
    pub id: String,
    /// HTTP method.
    pub method: Method,
    /// Path template below the base.
    pub path: String,
    /// Media types its body may have, without parameters; none where it has no body.
    pub takes: Vec<String>,
    responses: Map<String, Value>,
}

impl Operation {
    /// Whether it is the contract of the receiving side of events.
    pub fn is_listener(&self) -> bool {
        self.path.starts_with(LISTENER)
    }

    /// The statuses it declares by number.
    pub fn statuses(&self) -> impl Iterator<Item = u16> + '_ {
        self.responses.keys().filter_map(|status| status.parse().ok())
    }

    fn has_path(&self, path: &str) -> bool {
        let (mut template, mut path) = (self.path.split('/'), path.split('/'));
        loop {
            match (template.next(), path.next()) {
                (None, None) => return true,
                (Some(name), Some(text)) if name.starts_with('{') && !text.is_empty() => {}
                (Some(name), Some(text)) if name == text => {}
                _ => return false,
            }
        }
    }
}

impl Document {
    /// Reads a document; the same text is read once.
    pub fn read(text: &str) -> Arc<Self> {
        static READ: LazyLock<Mutex<HashMap<String, Arc<Document>>>> =
            LazyLock::new(Mutex::default);
        let mut read = READ.lock().unwrap();
        Arc::clone(read.entry(text.to_owned()).or_insert_with(|| Arc::new(Self::parse(text))))
    }

    /// Reads a document anew.
    pub fn parse(text: &str) -> Self {
        let mut root: Value = serde_json::from_str(text).expect("a document is JSON");
        by_discriminator(&mut root);
        let mut operations = Vec::new();
        for (path, methods) in root["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let Some(id) = operation["operationId"].as_str() else { continue };
                let body = resolved_in(&root, &operation["requestBody"]);
                let takes = body["content"].as_object().into_iter().flat_map(Map::keys);
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    takes: takes.map(|media_type| essence(media_type)).collect(),
                    responses: operation["responses"].as_object().expect("responses").clone(),
                });
            }
        }
        Self { root, operations, validators: Mutex::default() }
    }

    /// All of it.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Every operation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What a request to `path` (below the base) is for, if we serve it.
    pub fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        self.served(path).find(|operation| operation.method == *method)
    }

    /// The methods of a path, in alphabetical order; empty when we do not serve it.
    pub fn methods(&self, path: &str) -> Vec<String> {
        let mut methods: Vec<_> = self.served(path).map(|op| op.method.to_string()).collect();
        methods.sort();
        methods
    }

    fn served(&self, path: &str) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(move |op| !op.is_listener() && op.has_path(path))
    }

    /// What an operation declares for a status.
    pub fn response<'a>(&'a self, operation: &'a Operation, status: u16) -> Option<&'a Value> {
        Some(self.resolved(operation.responses.get(&status.to_string())?))
    }

    /// Follows a `$ref`, if it is one.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        resolved_in(&self.root, value)
    }

    /// Compiles a schema of this document, once.
    pub fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let compile = || {
            let schema = json!({"allOf": [schema], "components": self.root["components"]});
            let options = jsonschema::options().should_validate_formats(true);
            let draft = options.with_draft(jsonschema::Draft::Draft202012);
            Arc::new(draft.build(&schema).expect("a schema that compiles"))
        };
        Arc::clone(validators.entry(schema.to_string()).or_insert_with(compile))
    }
}

/// `application/json; charset=utf-8` is `application/json`.
pub fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn resolved_in<'a>(root: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let target = root.pointer(reference.trim_start_matches('#'));
            target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => value,
    }
}

/// Rewrites every `oneOf` with a discriminator.
fn by_discriminator(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mapping = members.get("discriminator").and_then(|d| d["mapping"].as_object());
            if let (true, Some(mapping)) = (members.contains_key("oneOf"), mapping) {
                let branch = |(name, schema): (&String, &Value)| {
                    let named = json!({"properties": {"@type": {"const": name}},
                        "required": ["@type"]});
                    json!({"if": named, "then": {"$ref": schema}})
                };
                let branches: Value = mapping.iter().map(branch).collect();
                members.remove("oneOf");
                members.insert("allOf".into(), branches);
            }
            members.values_mut().for_each(by_discriminator);
        }
        Value::Array(items) => items.iter_mut().for_each(by_discriminator),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
