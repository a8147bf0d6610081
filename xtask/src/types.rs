//! The models file: typify's structures, sorted, documented, and with what typify has no words for.
//!
//! That is: enums that keep unknown values, schemas for the server feature, `Default` with a schema's
//! own tag. typify's conveniences (conversions, error types) are left out; nothing here uses them.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Attribute, Item, ItemStruct, parse_quote};

use crate::lower::{Lowered, OpenEnum, Union};
use crate::rust::{docs, field_name, ident};

/// Sorts, shortens and completes typify's items.
pub(crate) fn complete(items: Vec<Item>, lowered: &Lowered) -> anyhow::Result<syn::File> {
    let mut types: Vec<(String, Vec<Item>)> = Vec::new();
    let mut shorten = Shorten { taken: lowered.names.keys().cloned().collect() };
    for mut item in items {
        shorten.visit_item_mut(&mut item);
        let item = match item {
            Item::Mod(module) if module.ident == "error" => continue,
            Item::Struct(item) => item,
            // Conversions and such: conveniences nobody here asked for.
            Item::Impl(_) => continue,
            other => bail!("typify emitted an item nobody expected: {}", quote!(#other)),
        };
        types.push((item.ident.to_string(), with_schema(item, lowered)));
    }
    for name in lowered.names.keys() {
        let is_made = types.iter().any(|(known, _)| known == name);
        let is_ours = lowered.unions.contains_key(name) || lowered.enums.contains_key(name);
        anyhow::ensure!(is_made != is_ours, "typify emitted no type `{name}`");
    }
    for (name, union) in &lowered.unions {
        types.push((name.clone(), union_items(name, union, lowered)?));
    }
    for (name, open) in &lowered.enums {
        types.push((name.clone(), enum_items(name, open, lowered)?));
    }
    types.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(syn::File {
        shebang: None,
        attrs: vec![
            parse_quote! { #![doc = " The document's schemas as types that keep what they do not know."] },
        ],
        items: types.into_iter().flat_map(|(_, items)| items).collect(),
    })
}

/// `Default` for a structure: typify has none where members it does not know are collected. A
/// schema known by a tag starts with the tag filled in.
fn default_impl(item: &ItemStruct, lowered: &Lowered) -> Option<Item> {
    let name = &item.ident;
    let tag = lowered.tags.get(&name.to_string());
    let tag = tag.map(|(tag, value)| (field_name(tag), value));
    let mut fields = Vec::new();
    for field in &item.fields {
        let field = field.ident.as_ref()?;
        fields.push(match &tag {
            Some((tag, value)) if field == tag => quote! { #field: Some(#value.to_owned()) },
            _ => quote! { #field: Default::default() },
        });
    }
    Some(parse_quote! {
        impl Default for #name {
            fn default() -> Self {
                Self { #(#fields),* }
            }
        }
    })
}

/// Derives `Default` where every member starts absent or empty.
fn derive_default(item: &mut ItemStruct, lowered: &Lowered) {
    let is_list = |field: &syn::Field| {
        let kind = field.ty.to_token_stream().to_string();
        field.ident.is_some() || kind.contains("Vec <") || kind.contains("Map <")
    };
    let has_tag = lowered.tags.contains_key(&item.ident.to_string());
    if has_tag || !item.fields.iter().all(is_list) {
        return;
    }
    for attribute in &mut item.attrs {
        if let (true, syn::Meta::List(list)) =
            (attribute.path().is_ident("derive"), &mut attribute.meta)
        {
            let known = &list.tokens;
            list.tokens = quote! { #known, Default };
        }
    }
}

/// Adds the schema derive of the server feature, under the name the document uses.
fn with_schema(mut item: ItemStruct, lowered: &Lowered) -> Vec<Item> {
    derive_default(&mut item, lowered);
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
    let default =
        if lowered.tags.contains_key(&name) { default_impl(&item, lowered) } else { None };
    [Some(item.into()), default].into_iter().flatten().collect()
}

/// The enum itself, and a macro call that makes it go by its tag.
fn union_items(name: &str, union: &Union, lowered: &Lowered) -> anyhow::Result<Vec<Item>> {
    let wire_name = lowered.names.get(name).map_or(name, String::as_str);
    let (docs, tag, name) = (type_docs(&union.docs, wire_name), &union.tag, ident(name));
    let members = union.variants.iter().map(|variant| {
        let text = format!("`{}`: {}.", union.tag, variant.tags.join(" or "));
        let (docs, name, target) =
            (self::docs(&text), ident(&variant.name), ident(&variant.target));
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
    taken: BTreeSet<String>,
}

impl VisitMut for Shorten {
    /// serde names functions in strings.
    fn visit_attribute_mut(&mut self, attribute: &mut Attribute) {
        let syn::Meta::List(list) = &mut attribute.meta else { return };
        let text = list.tokens.to_string();
        let shorter = text.replace("\"::std::option::Option::is_none\"", "\"Option::is_none\"");
        if let (false, Ok(tokens)) = (self.taken.contains("Option"), shorter.parse()) {
            list.tokens = tokens;
        }
    }

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
