//! The client: progenitor's, plus the calls it cannot emit.
//!
//! Those are variants of calls it did emit: the same patch under another media type, the same list
//! with filters the document does not enumerate. They are made from progenitor's own method, so
//! that paths, parameters and errors cannot differ.

use anyhow::Context;
use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::VisitMut;
use syn::{ImplItem, ImplItemFn, Item, parse_quote};

use crate::operation::{JSON, Operation, component};
use crate::rust::{docs, ident, type_name};

/// The client file.
pub(crate) fn client(items: Vec<Item>, operations: &[Operation]) -> anyhow::Result<syn::File> {
    let mut kept: Vec<Item> = vec![parse_quote! { pub use super::types; }];
    for mut item in items {
        match &mut item {
            // `new` unwraps; a client is built from a configured `reqwest::Client`.
            Item::Impl(block) if block.trait_.is_none() => {
                block.items.retain(|item| !is_named(item, "new"));
                let variants = variants(&block.items, operations)?;
                own_media_types(&mut block.items, operations)?;
                block.items.extend(variants);
            }
            Item::Mod(module) if module.ident == "prelude" => continue,
            _ => {}
        }
        kept.push(item);
    }
    Ok(syn::File {
        shebang: None,
        attrs: vec![parse_quote! { #![doc = " The document's operations as calls."] }],
        items: kept,
    })
}

fn is_named(item: &ImplItem, name: &str) -> bool {
    matches!(item, ImplItem::Fn(function) if function.sig.ident == name)
}

fn variants(items: &[ImplItem], operations: &[Operation]) -> anyhow::Result<Vec<ImplItem>> {
    let mut variants = Vec::new();
    for operation in operations {
        let name = operation.method_name();
        let made = items.iter().find_map(|item| match item {
            ImplItem::Fn(function) if function.sig.ident == name => Some(function),
            _ => None,
        });
        let Some(made) = made else { continue };
        for (media_type, schema) in operation.bodies.iter().skip(1) {
            let body = component(schema).map(type_name).unwrap_or_default();
            variants.push(with_media_type(made, operation, media_type, &body)?.into());
        }
        let answer = operation.success.schema.as_ref();
        let is_list = answer.is_some_and(|schema| schema["type"] == "array");
        if operation.method == "get" && is_list {
            variants.push(with_filters(made, operation)?.into());
        }
    }
    Ok(variants)
}

/// Operations whose body is JSON by another name say so: progenitor was told it is plain JSON.
fn own_media_types(items: &mut [ImplItem], operations: &[Operation]) -> anyhow::Result<()> {
    for operation in operations {
        let Some((media_type, _)) = operation.bodies.first().filter(|(first, _)| first != JSON)
        else {
            continue;
        };
        let made = items.iter_mut().find(|item| is_named(item, &operation.method_name()));
        if let Some(ImplItem::Fn(function)) = made {
            insert_before(function, "json", &content_type(media_type))?;
        }
    }
    Ok(())
}

/// `patch_party_interaction` + `application/merge-patch+json` → `merge_patch_party_interaction`.
fn variant_name(operation: &Operation, media_type: &str) -> String {
    let kind = media_type.trim_start_matches("application/").trim_end_matches("+json");
    let kind = kind.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let name = operation.method_name();
    match name.split_once('_') {
        // The media type usually says what the verb said.
        Some((verb, rest)) if kind.split('_').any(|word| word == verb) => format!("{kind}_{rest}"),
        _ => format!("{kind}_{name}"),
    }
}

fn with_media_type(
    made: &ImplItemFn,
    operation: &Operation,
    media_type: &str,
    body: &str,
) -> anyhow::Result<ImplItemFn> {
    let mut function = made.clone();
    let text = format!("{}\n\nSends the body as `{media_type}`.", operation.docs);
    renamed(&mut function, &variant_name(operation, media_type), &text);
    // A merge patch says null for "remove", which the models cannot: it stays a JSON value.
    let is_patch_of_model = operation.bodies.iter().any(|(known, schema)| {
        known == JSON && component(schema).map(type_name).as_deref() == Some(body)
    });
    let body = ident(body);
    let body: syn::Type = match is_patch_of_model {
        true => parse_quote! { &'a ::serde_json::Value },
        false => parse_quote! { &'a types::#body },
    };
    for argument in &mut function.sig.inputs {
        if let syn::FnArg::Typed(argument) = argument
            && matches!(&*argument.pat, syn::Pat::Ident(name) if name.ident == "body")
        {
            *argument.ty = body.clone();
        }
    }
    insert_before(&mut function, "json", &content_type(media_type))?;
    Ok(function)
}

/// The call that says what a body is.
fn content_type(media_type: &str) -> TokenStream {
    quote! {
        .header(
            ::reqwest::header::CONTENT_TYPE,
            ::reqwest::header::HeaderValue::from_static(#media_type),
        )
    }
}

fn with_filters(made: &ImplItemFn, operation: &Operation) -> anyhow::Result<ImplItemFn> {
    let mut function = made.clone();
    let text = format!(
        "{}\n\n`filters` are further query parameters, such as `(\"status\", \"opened\")`.",
        operation.docs
    );
    renamed(&mut function, &format!("{}_filtered", operation.method_name()), &text);
    function.sig.inputs.push(parse_quote! { filters: &'a [(&'a str, &'a str)] });
    insert_before(&mut function, "headers", &quote! { .query(filters) })?;
    Ok(function)
}

fn renamed(function: &mut ImplItemFn, name: &str, text: &str) {
    let docs = docs(text);
    function.sig.ident = ident(name);
    function.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
    let mut attrs: Vec<syn::Attribute> = parse_quote! { #docs };
    attrs.append(&mut function.attrs);
    function.attrs = attrs;
}

/// Puts calls in front of the call of `method` in the request's builder chain.
fn insert_before(
    function: &mut ImplItemFn,
    method: &str,
    calls: &TokenStream,
) -> anyhow::Result<()> {
    struct Insert<'a> {
        method: &'a str,
        calls: &'a TokenStream,
        done: Option<syn::Result<()>>,
    }
    impl VisitMut for Insert<'_> {
        fn visit_expr_method_call_mut(&mut self, call: &mut syn::ExprMethodCall) {
            if call.method == self.method && self.done.is_none() {
                let (receiver, calls) = (&call.receiver, self.calls);
                self.done = Some(syn::parse2(quote! { #receiver #calls }).map(|chain| {
                    *call.receiver = chain;
                }));
                return;
            }
            syn::visit_mut::visit_expr_method_call_mut(self, call);
        }
    }
    let mut insert = Insert { method, calls, done: None };
    insert.visit_impl_item_fn_mut(function);
    let done = insert.done.with_context(|| format!("progenitor's call has no `.{method}(…)`"))?;
    done.context("the changed call is not Rust")
}
