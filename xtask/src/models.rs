//! The models and the raw client, by progenitor and typify, from the lowered document.
//!
//! One run makes both, so that the client's idea of a type's name is the models' own. What typify
//! cannot express is added in `types.rs`, what progenitor cannot in `client.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, anyhow};
use proc_macro2::TokenStream;
use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};
use quote::quote;
use schemars::schema::{InstanceType, SchemaObject};

use syn::Item;

use crate::lower::Lowered;
use crate::types;

/// What progenitor made of a document.
pub(crate) struct Made {
    pub(crate) types: syn::File,
    pub(crate) client: Vec<Item>,
}

/// Runs progenitor and completes its types.
pub(crate) fn make(lowered: &Lowered) -> anyhow::Result<Made> {
    let tokens = run_progenitor(lowered)?;
    let file: syn::File = syn::parse2(tokens).context("progenitor's output is not Rust")?;
    let mut models = None;
    let mut client = Vec::new();
    for item in file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => {
                models = module.content.map(|(_, items)| items);
            }
            other => client.push(other),
        }
    }
    let items = models.context("progenitor emitted no types")?;
    Ok(Made { types: types::complete(items, lowered)?, client })
}

fn run_progenitor(lowered: &Lowered) -> anyhow::Result<TokenStream> {
    // Read from text by the YAML parser: openapiv3 buffers numbers in a way that serde_json's
    // `arbitrary_precision`, which the server enables for the whole workspace, does not survive.
    let text = lowered.document.to_string();
    let spec: openapiv3::OpenAPI =
        serde_yaml_ng::from_str(&text).context("the lowered document is not OpenAPI 3.0")?;
    let settings = settings(lowered);
    // The checks and steps before this keep progenitor from its panics; should one be left, it
    // becomes an error like any other.
    let run = AssertUnwindSafe(|| Generator::new(&settings).generate_tokens(&spec));
    match quietly(|| catch_unwind(run)) {
        Ok(result) => result.context("progenitor refused the lowered document"),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(anyhow!("progenitor gave up: {}", text.unwrap_or("no reason given")))
        }
    }
}

/// Runs `work` without a panic message of its own on standard error.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = work();
    std::panic::set_hook(hook);
    result
}

fn settings(lowered: &Lowered) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_map_type("::std::collections::BTreeMap")
        .with_derive("PartialEq")
        .with_inner_type(quote! { crate::calling::Hooks })
        .with_pre_hook(quote! { crate::calling::before });
    let of_type = |instance: InstanceType, format: Option<&str>| SchemaObject {
        instance_type: Some(instance.into()),
        format: format.map(str::to_owned),
        ..SchemaObject::default()
    };
    let text = [TypeImpl::Display, TypeImpl::FromStr];
    settings.with_conversion(
        of_type(InstanceType::String, Some("date-time")),
        "crate::timestamp::Timestamp",
        text.iter().cloned(),
    );
    settings.with_conversion(
        of_type(InstanceType::Number, None),
        "::serde_json::Number",
        [TypeImpl::Display].into_iter(),
    );
    for name in lowered.enums.keys() {
        settings.with_replacement(name, format!("super::types::{name}"), text.iter().cloned());
    }
    for name in lowered.unions.keys() {
        settings.with_replacement(name, format!("super::types::{name}"), std::iter::empty());
    }
    settings
}
