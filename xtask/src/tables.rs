//! The operation tables: `operations.rs` of a version.
//!
//! Facts only, as statics; the types they are made of are hand-written in `generated`.

use std::collections::BTreeMap;

use anyhow::Context;
use proc_macro2::TokenStream;
use quote::quote;

use crate::operation::{Operation, component};
use crate::rust::{docs, ident, static_name};

/// The tables of all operations, served ones and listener ones apart.
pub(crate) fn tables(operations: &[Operation], is_swagger2: bool) -> anyhow::Result<syn::File> {
    let each = operations.iter().map(one);
    let served = || operations.iter().filter(|operation| !operation.is_listener());
    let listening = || operations.iter().filter(|operation| operation.is_listener());
    let served_table = table("OPERATIONS", "PATHS", "the server serves", served());
    let listener_table =
        table("LISTENER_OPERATIONS", "LISTENER_PATHS", "a receiver of events serves", listening());
    let schemas = operations.iter().flat_map(|operation| {
        let id = &operation.id;
        operation.bodies.iter().filter_map(move |(media_type, schema)| {
            let definition = component(schema)?;
            Some(quote! {
                RequestSchema { operation_id: #id, media_type: #media_type, definition: #definition }
            })
        })
    });
    let swagger = is_swagger2.then(|| {
        quote! {
            /// The published document in the form it was written in, Swagger 2.0.
            pub const SWAGGER: &str = include_str!("swagger.json");
        }
    });
    let tokens = quote! {
        #![doc = " The document's operations as tables, and the documents themselves."]

        use crate::operation::{Operation, PathMethods, RequestSchema};

        /// JSON Schema (2020-12) of everything in the document, under `$defs`.
        pub const SCHEMAS: &str = include_str!("schemas.json");

        /// The published document, OpenAPI 3.0.
        pub const OPENAPI: &str = include_str!("openapi.json");

        #swagger

        /// What each request body is judged by.
        pub static REQUEST_SCHEMAS: &[RequestSchema] = &[#(#schemas),*];

        #served_table
        #listener_table
        #(#each)*
    };
    syn::parse2(tokens).context("the emitted tables are not Rust")
}

/// Name of the static that describes an operation.
pub(crate) fn operation_static(operation: &Operation) -> proc_macro2::Ident {
    ident(&static_name(&operation.id))
}

/// Name of the static that lists the methods of a path.
pub(crate) fn path_static(path: &str) -> proc_macro2::Ident {
    ident(&format!("PATH{}", static_name(path).trim_start_matches('_')).replace("PATH", "PATH_"))
}

fn one(operation: &Operation) -> TokenStream {
    let name = operation_static(operation);
    let (id, path) = (&operation.id, &operation.path);
    let method = operation.method.to_uppercase();
    let success = proc_macro2::Literal::u16_unsuffixed(operation.success.status);
    let media_types = operation.bodies.iter().map(|(media_type, _)| media_type);
    let answers = &operation.success.media_types;
    let headers = operation.header_parameters.iter().map(|parameter| &parameter.name);
    let query = operation.query_parameters.iter().map(|parameter| &parameter.name);
    let reads_only = operation.method == "get";
    let docs = docs(&format!("`{method} {path}`"));
    quote! {
        #docs
        pub static #name: Operation = Operation {
            id: #id,
            method: #method,
            path: #path,
            success: #success,
            request_media_types: &[#(#media_types),*],
            response_media_types: &[#(#answers),*],
            request_headers: &[#(#headers),*],
            query_parameters: &[#(#query),*],
            reads_only: #reads_only,
        };
    }
}

fn table<'a>(
    operations_name: &str,
    paths_name: &str,
    who: &str,
    operations: impl Iterator<Item = &'a Operation>,
) -> TokenStream {
    let mut paths: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    let mut statics = Vec::new();
    for operation in operations {
        paths.entry(&operation.path).or_default().push(operation);
        let name = operation_static(operation);
        statics.push(quote! { &#name });
    }
    let (operations_name, paths_name) = (ident(operations_name), ident(paths_name));
    let path_names = paths.keys().map(|path| path_static(path));
    let path_statics = paths.iter().map(|(path, operations)| {
        let name = path_static(path);
        let allowed = operations.iter().map(|operation| operation.method.to_uppercase());
        let variables = operations.first().map(|operation| &operation.path_parameters);
        let variables = variables.into_iter().flatten().map(|parameter| &parameter.name);
        let docs = docs(&format!("`{path}`"));
        quote! {
            #docs
            pub static #name: PathMethods = PathMethods {
                path: #path,
                variables: &[#(#variables),*],
                allowed: &[#(#allowed),*],
            };
        }
    });
    let operation_docs = docs(&format!("Every operation {who}."));
    let path_docs = docs(&format!("Every path {who}, with the methods it has."));
    quote! {
        #operation_docs
        pub static #operations_name: &[&Operation] = &[#(#statics),*];

        #path_docs
        pub static #paths_name: &[&PathMethods] = &[#(&#path_names),*];

        #(#path_statics)*
    }
}
