//! The models and the raw client, by progenitor and typify, from the lowered document.
//!
//! One run makes both, so that the client's idea of a type's name is the models' own. What typify
//! cannot express (enums that keep unknown values, derives by feature) is rewritten in the syntax
//! tree afterwards; the client part is handed on to `client.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, anyhow, bail};
use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};
use proc_macro2::TokenStream;
use quote::quote;
use schemars::schema::{InstanceType, SchemaObject};
use syn::visit_mut::VisitMut;
use syn::{Attribute, Item, ItemImpl, ItemStruct, parse_quote};

use crate::lower::{Lowered, OpenEnum, Union};
use crate::rust::{docs, field_name, ident};

/// What progenitor made of a document.
pub(crate) struct Made {
    pub(crate) types: syn::File,
    pub(crate) client: Vec<Item>,
}

/// Runs progenitor and reworks its types.
pub(crate) fn make(lowered: &Lowered) -> anyhow::Result<Made> {
    let tokens = run_progenitor(lowered)?;
    let file: syn::File = syn::parse2(tokens).context("progenitor's output is not Rust")?;
    let mut types = None;
    let mut client = Vec::new();
    for item in file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => {
                types = module.content.map(|(_, items)| items);
            }
            other => client.push(other),
        }
    }
    let items = types.context("progenitor emitted no types")?;
    Ok(Made { types: rework(items, lowered)?, client })
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

/// Sorts, shortens and completes typify's items.
fn rework(items: Vec<Item>, lowered: &Lowered) -> anyhow::Result<syn::File> {
    let mut structs: Vec<(String, Vec<Item>)> = Vec::new();
    let mut shorten = Shorten { taken: lowered.names.keys().cloned().collect() };
    for mut item in items {
        shorten.visit_item_mut(&mut item);
        let (name, item) = match item {
            Item::Mod(module) if module.ident == "error" => continue,
            Item::Struct(item) => (item.ident.to_string(), Some(with_schema(item, lowered))),
            Item::Impl(item) => {
                let name = self_name(&item).context("typify emitted an impl for no type")?;
                (name, kept_impl(item, lowered))
            }
            other => bail!("typify emitted an item nobody expected: {}", quote!(#other)),
        };
        let Some(item) = item else { continue };
        match structs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, items)) => items.push(item),
            None => structs.push((name, vec![item])),
        }
    }
    for name in lowered.names.keys() {
        let is_made = structs.iter().any(|(known, _)| known == name);
        let is_ours = lowered.unions.contains_key(name) || lowered.enums.contains_key(name);
        anyhow::ensure!(is_made != is_ours, "typify emitted no type `{name}`");
    }
    for (name, union) in &lowered.unions {
        structs.push((name.clone(), union_items(name, union, lowered)?));
    }
    for (name, open) in &lowered.enums {
        structs.push((name.clone(), enum_items(name, open, lowered)?));
    }
    structs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(syn::File {
        shebang: None,
        attrs: vec![parse_quote! { #![doc = " The document's schemas as types that keep what they do not know."] }],
        items: structs.into_iter().flat_map(|(_, items)| items).collect(),
    })
}

fn self_name(item: &ItemImpl) -> Option<String> {
    // `impl From<&Name> for Name` and the like are for `Name`; conversions out of it too.
    match &*item.self_ty {
        syn::Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
        _ => None,
    }
}

/// Keeps `Default`, with a schema's own tag filled in; typify's other impls are conveniences.
fn kept_impl(mut item: ItemImpl, lowered: &Lowered) -> Option<Item> {
    let (_, path, _) = item.trait_.as_ref()?;
    if path.segments.last()?.ident != "Default" {
        return None;
    }
    let (tag, value) = match lowered.tags.get(&self_name(&item)?) {
        Some((tag, value)) => (ident(&field_name(tag)), value),
        None => return Some(item.into()),
    };
    struct Fill<'a>(&'a syn::Ident, &'a str);
    impl VisitMut for Fill<'_> {
        fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
            let value = self.1;
            if matches!(&field.member, syn::Member::Named(name) if name == self.0) {
                field.expr = parse_quote! { Some(#value.to_owned()) };
            }
        }
    }
    Fill(&tag, value).visit_item_impl_mut(&mut item);
    Some(item.into())
}

/// Adds the schema derive of the server feature, under the name the document uses.
fn with_schema(mut item: ItemStruct, lowered: &Lowered) -> Item {
    item.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
    let name = item.ident.to_string();
    let text = lowered
        .document
        .pointer(&format!("/components/schemas/{name}/description"))
        .and_then(serde_json::Value::as_str);
    let wire_name = lowered.names.get(&name).unwrap_or(&name);
    let text = text.map_or_else(|| format!("`{wire_name}` of the document."), str::to_owned);
    let docs = docs(text.trim());
    let mut attrs: Vec<Attribute> = parse_quote! {
        #docs
        #[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
    };
    if wire_name != &name {
        attrs.push(parse_quote! {
            #[cfg_attr(feature = "server", schemars(rename = #wire_name))]
        });
    }
    // Doc comments first, then typify's derive, then ours: helper attributes follow their derive.
    let doc_count = attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).count();
    let after = attrs.split_off(doc_count);
    attrs.append(&mut item.attrs);
    attrs.extend(after);
    item.attrs = attrs;
    for field in &mut item.fields {
        if field.attrs.iter().any(|attribute| attribute.path().is_ident("doc")) {
            continue;
        }
        if field.ident.as_ref().is_some_and(|name| name == "extra") {
            field.attrs.insert(0, parse_quote! { #[doc = " Members the document does not name."] });
        }
    }
    item.into()
}

/// The enum itself, and a macro call that makes it go by its tag.
fn union_items(name: &str, union: &Union, lowered: &Lowered) -> anyhow::Result<Vec<Item>> {
    let wire_name = lowered.names.get(name).map_or(name, String::as_str);
    let (docs, tag, name) = (type_docs(&union.docs, wire_name), &union.tag, ident(name));
    let members = union.variants.iter().map(|variant| {
        let text = format!("`{}`: {}.", union.tag, variant.tags.join(" or "));
        let (docs, name, target) = (self::docs(&text), ident(&variant.name), ident(&variant.target));
        quote! { #docs #name(Box<#target>) }
    });
    let cases = union.variants.iter().map(|variant| {
        let (name, target, tags) = (ident(&variant.name), ident(&variant.target), &variant.tags);
        quote! { #(#tags)|* => #name(#target) }
    });
    let tokens = quote! {
        #docs
        #[derive(Clone, Debug, PartialEq)]
        pub enum #name {
            #(#members,)*
            /// Another tag, or none: all members as they were sent.
            Other(::serde_json::Map<String, ::serde_json::Value>),
        }
        crate::open::open_union!(#name, #wire_name, #tag, [#(#cases),*]);
    };
    let file: syn::File = syn::parse2(tokens).context("an emitted union is not Rust")?;
    Ok(file.items)
}

/// The enum itself, and a macro call that makes it read and write as text.
fn enum_items(name: &str, open: &OpenEnum, lowered: &Lowered) -> anyhow::Result<Vec<Item>> {
    let wire_name = lowered.names.get(name).map_or(name, String::as_str);
    let (docs, name) = (type_docs(&open.docs, wire_name), ident(name));
    let members = open.values.iter().map(|(value, variant)| {
        let (docs, variant) = (self::docs(&format!("`{value}`")), ident(variant));
        quote! { #docs #variant }
    });
    let cases = open.values.iter().map(|(value, variant)| {
        let variant = ident(variant);
        quote! { #value => #variant }
    });
    let tokens = quote! {
        #docs
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum #name {
            #(#members,)*
            /// A value the document does not name.
            Other(String),
        }
        crate::open::open_enum!(#name, #wire_name, [#(#cases),*]);
    };
    let file: syn::File = syn::parse2(tokens).context("an emitted enum is not Rust")?;
    Ok(file.items)
}

fn type_docs(text: &str, wire_name: &str) -> TokenStream {
    if text.is_empty() { docs(&format!("`{wire_name}` of the document.")) } else { docs(text) }
}

/// Writes `Option` for `::std::option::Option` and the like, unless the document uses the name.
struct Shorten {
    taken: std::collections::BTreeSet<String>,
}

impl VisitMut for Shorten {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        syn::visit_mut::visit_path_mut(self, path);
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let keep = match names.as_slice() {
            ["std", "option" | "string" | "vec" | "boxed" | "default", name] => {
                (!self.taken.contains(*name)).then_some(1)
            }
            ["super", "types", _] => Some(1),
            _ => None,
        };
        if let Some(keep) = keep {
            path.leading_colon = None;
            let last = path.segments.len() - keep;
            path.segments = std::mem::take(&mut path.segments).into_iter().skip(last).collect();
        }
    }
}
