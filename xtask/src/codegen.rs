//! The pipeline: parse → publish → convert → check → lower → emit → format → write or compare.
//!
//! Each stage is a module of its own; this knows their order, what files come out, and how to tell
//! people what happened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use quote::quote;
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::Outcome;
use crate::document::{self, Fault};
use crate::lower::{self, Step};
use crate::operation::{Operation, operations};
use crate::{client, diff, models, publish, resolve, rust, schemas, server_trait, structure};
use crate::{supported, swagger2, tables};

/// One version to generate.
pub(crate) struct Job {
    /// The document.
    pub(crate) spec: PathBuf,
    /// Additions for publication; a version it does not name gets none.
    pub(crate) publication: Option<PathBuf>,
    /// Module and version name, such as `v5`.
    pub(crate) name: String,
    /// What the trait of the operations is called, without its `Api`.
    pub(crate) stem: &'static str,
    /// Directory the files go to.
    pub(crate) out: PathBuf,
}

/// Stem of the documents about party interactions.
pub(crate) const PARTY_INTERACTION: &str = "PartyInteraction";

impl Job {
    /// The documents of this project.
    pub(crate) fn ours() -> Vec<Self> {
        let root = workspace();
        let documents = [
            ("v4", "tmf683-v4.swagger.json", PARTY_INTERACTION),
            ("v5", "tmf683-v5.oas.yaml", PARTY_INTERACTION),
            ("admin_v1", "admin-v1.oas.yaml", "Admin"),
        ];
        let job = |(name, file, stem): (&str, &str, &'static str)| Self {
            spec: root.join("openapi").join(file),
            publication: Some(root.join("openapi/publication.yaml")),
            name: name.to_owned(),
            stem,
            out: root.join("generated/src").join(name),
        };
        documents.into_iter().map(job).collect()
    }

    /// Any document. What we publish beyond it applies where the version is one of ours.
    pub(crate) fn foreign(spec: PathBuf, name: String, out: PathBuf) -> Self {
        let publication = Some(workspace().join("openapi/publication.yaml"));
        Self { spec, publication, name, stem: PARTY_INTERACTION, out }
    }
}

/// The workspace's root, seen from where it is built, so that messages stay short.
fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    match (root.canonicalize(), here) {
        (Ok(root), Ok(here)) => root.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(root),
        _ => root,
    }
}

/// Generates every job, then writes, or compares and is not good on a difference.
pub(crate) fn run(jobs: &[Job], check: bool) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome { text: String::new(), is_good: true };
    for job in jobs {
        let emitted = emit(job)?;
        if check {
            let drift = drift(job, &emitted)?;
            outcome.is_good &= drift.is_empty();
            outcome.text.extend(drift);
            continue;
        }
        let written = write(job, &emitted)?;
        for line in emitted.report.iter().chain(&written) {
            outcome.text.push_str(line);
            outcome.text.push('\n');
        }
    }
    Ok(outcome)
}

/// The files of a version by name, and what happened on the way.
pub(crate) struct Emitted {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) report: Vec<String>,
}

/// Generates one version, in memory.
pub(crate) fn emit(job: &Job) -> anyhow::Result<Emitted> {
    let source = document::read(&job.spec)?;
    let at_spec = |fault: Fault| at_file(&job.spec, &source, &fault);
    let published = match &job.publication {
        None => source.clone(),
        Some(path) => {
            let publication = document::read(path)?;
            publish::publish(&source, &publication, &job.name)
                .map_err(|fault| anyhow::anyhow!("{}{fault}", path.display()))?
        }
    };
    let is_swagger2 = swagger2::is_swagger2(&published);
    let openapi = match is_swagger2 {
        true => swagger2::convert(&published).map_err(at_spec)?,
        false => published.clone(),
    };
    supported::check(&openapi).map_err(at_spec)?;
    let digest = structure::digest(&published);
    let marked = rust::marked(&digest);

    let resolved = resolve::resolve(&structure::sorted(&openapi)).map_err(at_spec)?;
    let operations = operations(&resolved).map_err(at_spec)?;
    let strict = schemas::strict(&resolved, &marked).map_err(at_spec)?;
    let lowered = lower::lower(&resolved).map_err(at_spec)?;
    let made = models::make(&lowered).with_context(|| job.spec.display().to_string())?;

    let mut files = BTreeMap::new();
    let mut rust_file = |name: &str, file: &syn::File| {
        files.insert(name.to_owned(), rust::format(&digest, file));
    };
    rust_file("mod.rs", &module(&openapi)?);
    rust_file("types.rs", &made.types);
    rust_file("client.rs", &client::client(made.client, &operations)?);
    rust_file("api.rs", &server_trait::api(&operations, job.stem)?);
    rust_file("operations.rs", &tables::tables(&operations, is_swagger2)?);
    files.insert("schemas.json".into(), json(&strict)?);
    files.insert("openapi.json".into(), json(&signed(&openapi, &marked))?);
    if is_swagger2 {
        files.insert("swagger.json".into(), json(&signed(&published, &marked))?);
    }
    let mut steps = vec![
        Step { mends: "published beyond the document", count: additions(&source, &published) },
        Step { mends: "converted from Swagger 2.0", count: usize::from(is_swagger2) },
    ];
    steps.extend(lowered.steps);
    let report = report(job, &steps, &operations);
    Ok(Emitted { files, report })
}

/// A fault with its file. In Swagger 2.0 it points to where the schema stood; what has no such
/// place is said to be seen after the conversion.
fn at_file(file: &Path, source: &Value, fault: &Fault) -> anyhow::Error {
    let (file, mut text) = (file.display(), fault.to_string());
    if swagger2::is_swagger2(source) {
        text = text.replacen("#/components/schemas/", "#/definitions/", 1);
        let pointer = text.split(": ").next().unwrap_or_default().trim_start_matches('#');
        if source.pointer(pointer).is_none() {
            text.push_str(" (seen after conversion to OpenAPI 3.0)");
        }
    }
    anyhow::anyhow!("{file}{text}")
}

fn module(openapi: &Value) -> anyhow::Result<syn::File> {
    let part = |name: &str| openapi["info"][name].as_str().unwrap_or_default().trim();
    let about = format!(" {} {}, as the document states it.", part("title"), part("version"));
    let tokens = quote! {
        #![doc = #about]
        #[cfg(feature = "server")]
        pub mod api;
        #[cfg(feature = "client")]
        #[allow(
            missing_docs,
            unused_imports,
            clippy::all,
            clippy::allow_attributes_without_reason,
            reason = "progenitor's output, read by nobody but the compiler"
        )]
        pub mod client;
        pub mod operations;
        #[allow(missing_docs, reason = "the document does not describe every property")]
        pub mod types;
    };
    syn::parse2(tokens).context("the emitted module is not Rust")
}

fn json(value: &Value) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    text.push('\n');
    Ok(text)
}

/// The document with a first member that says where it comes from.
fn signed(document: &Value, marked: &str) -> Value {
    let mut out = Map::new();
    out.insert("x-generated".into(), marked.into());
    out.extend(document.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
    Value::Object(out)
}

/// How many facts publication added.
fn additions(source: &Value, published: &Value) -> usize {
    diff::differences(published, source).len()
}

fn report(job: &Job, steps: &[Step], operations: &[Operation]) -> Vec<String> {
    let mut report =
        vec![format!("{} from {}: {} operations", job.name, job.spec.display(), operations.len())];
    report.extend(steps.iter().map(|step| format!("  {:>5}  {}", step.count, step.mends)));
    report
}

/// Writes the files that differ; says which.
pub(crate) fn write(job: &Job, emitted: &Emitted) -> anyhow::Result<Vec<String>> {
    std::fs::create_dir_all(&job.out)
        .with_context(|| format!("cannot create {}", job.out.display()))?;
    let mut written = Vec::new();
    for (name, text) in &emitted.files {
        let path = job.out.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|known| known == *text) {
            continue;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        written.push(format!("  wrote  {}", path.display()));
    }
    Ok(written)
}

/// Unified diffs of the files that differ, or are there and should not be.
pub(crate) fn drift(job: &Job, emitted: &Emitted) -> anyhow::Result<Vec<String>> {
    let mut names: Vec<String> = emitted.files.keys().cloned().collect();
    if let Ok(entries) = std::fs::read_dir(&job.out) {
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut drift = Vec::new();
    for name in names {
        let path = job.out.join(&name);
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        let wanted = emitted.files.get(&name).map_or("", String::as_str);
        if known != wanted {
            let path = path.display().to_string();
            let diff = TextDiff::from_lines(known.as_str(), wanted);
            drift.push(diff.unified_diff().header(&path, "generated now").to_string());
        }
    }
    Ok(drift)
}
