//! The dropshot traits: `api.rs` of a version.
//!
//! One trait for the operations the server serves, one for the listener's; each with a `register`
//! function that puts every operation behind the guard. Routing, extraction and answers are the
//! hand-written `serving` module's; this only says which operation has which.

use anyhow::Context;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::operation::{Operation, Parameter, component};
use crate::rust::{docs, field_name, ident, type_name};
use crate::tables::{operation_static, path_static};

/// The file with both traits.
pub(crate) fn api(operations: &[Operation], stem: &str) -> anyhow::Result<syn::File> {
    let served: Vec<&Operation> = operations.iter().filter(|o| !o.is_listener()).collect();
    let listening: Vec<&Operation> = operations.iter().filter(|o| o.is_listener()).collect();
    let mut parts = Vec::new();
    if !served.is_empty() {
        let side = Side { name: stem, register: "register", operations: &served };
        parts.push(side.emit("The operations the server serves."));
    }
    if !listening.is_empty() {
        let side = Side { name: "Listener", register: "register_listener", operations: &listening };
        parts.push(side.emit("The operations a receiver of events serves."));
    }
    let mut described = Vec::new();
    for operation in operations {
        described.push(parameters(operation));
        described.push(documented(operation));
    }
    let bodies = match operations.iter().any(Operation::takes_a_stream) {
        true => quote! { JsonBody, StreamBody, },
        false => quote! { JsonBody, },
    };
    let tokens = quote! {
        #![doc = " The document's operations as dropshot traits."]

        use std::future::Future;

        use dropshot::{
            ApiDescription, ApiDescriptionRegisterError, ApiEndpoint, ApiEndpointResponse,
            ApiEndpointVersions, Path, RequestContext,
        };
        use http::{Method, StatusCode};

        use super::{operations, types};
        use crate::serving::{self, Documented, Guard, #bodies RawQuery, Reply, Route};

        #(#parts)*
        #(#described)*
    };
    syn::parse2(tokens).context("the emitted traits are not Rust")
}

/// One trait and its registration.
struct Side<'a> {
    name: &'a str,
    register: &'a str,
    operations: &'a [&'a Operation],
}

impl Side<'_> {
    fn emit(&self, about: &str) -> TokenStream {
        let name = format_ident!("{}Api", self.name);
        let register = ident(self.register);
        let methods = self.operations.iter().map(|operation| method(operation));
        let routes = self.operations.iter().map(|operation| registration(operation));
        let undeclared = self.undeclared_methods();
        let about = docs(about);
        let register_docs = docs(&format!(
            "Registers every operation of [`{name}`] below `base`, and hidden answers to the\n\
             methods its paths lack. `operation_prefix` goes before every operation id, so that\n\
             several bases fit one description.\n\n\
             # Errors\n\
             What dropshot says about an operation it cannot register."
        ));
        quote! {
            #about
            pub trait #name: Send + Sync + 'static {
                /// What the server knows, and what runs around every operation.
                type Context: Guard;

                #(#methods)*
            }

            #register_docs
            pub fn #register<T: #name>(
                api: &mut ApiDescription<T::Context>,
                base: &str,
                operation_prefix: &str,
            ) -> Result<(), ApiDescriptionRegisterError> {
                let route = Route { base, operation_prefix };
                #(#routes)*
                #(#undeclared)*
                Ok(())
            }
        }
    }

    /// One call per path, with the path structure of any of its operations.
    fn undeclared_methods(&self) -> Vec<TokenStream> {
        let mut operations = self.operations.to_vec();
        operations.dedup_by(|a, b| a.path == b.path);
        let call = |operation: &Operation| {
            let path = path_static(&operation.path);
            let parameters = if operation.path_parameters.is_empty() {
                quote! { Vec::new }
            } else {
                let name = format_ident!("{}Path", operation.type_name());
                quote! { serving::path_parameters::<#name> }
            };
            quote! {
                serving::route_undeclared_methods(api, route, &operations::#path, #parameters)?;
            }
        };
        operations.into_iter().map(call).collect()
    }
}

/// Name and type of the extractors of an operation.
fn extractors(operation: &Operation) -> Vec<(TokenStream, TokenStream)> {
    let stem = operation.type_name();
    let mut extractors = Vec::new();
    if !operation.path_parameters.is_empty() {
        let name = format_ident!("{stem}Path");
        extractors.push((quote! { path }, quote! { Path<#name> }));
    }
    if operation.method == "get" || !operation.query_parameters.is_empty() {
        let name = format_ident!("{stem}Query");
        extractors.push((quote! { query }, quote! { RawQuery<#name> }));
    }
    if operation.takes_a_stream() {
        extractors.push((quote! { body }, quote! { StreamBody }));
    } else if let Some(model) = operation.bodies.first().and_then(|(_, schema)| component(schema)) {
        let model = ident(&type_name(model));
        extractors.push((quote! { body }, quote! { JsonBody<types::#model> }));
    }
    extractors
}

fn method(operation: &Operation) -> TokenStream {
    let mut text = operation.docs.clone();
    for header in &operation.header_parameters {
        text.push_str(&format!("\n\nRequest header `{}`: {}", header.name, header.docs));
    }
    let docs = docs(&text);
    let name = ident(&operation.method_name());
    let answer = format_ident!("{}Response", operation.type_name());
    let arguments = extractors(operation).into_iter().map(|(name, of)| quote! { #name: #of });
    quote! {
        #docs
        fn #name(
            rqctx: &RequestContext<Self::Context>,
            #(#arguments),*
        ) -> impl Future<
            Output = Result<Reply<#answer>, <Self::Context as Guard>::Error>,
        > + Send;
    }
}

fn registration(operation: &Operation) -> TokenStream {
    let table = operation_static(operation);
    let name = ident(&operation.method_name());
    let answer = format_ident!("{}Response", operation.type_name());
    let tags = &operation.tags;
    let extractors = extractors(operation);
    let arguments = extractors.iter().map(|(name, of)| quote! { #name: #of });
    let names = extractors.iter().map(|(name, _)| name);
    let method = ident(&operation.method.to_uppercase());
    let headers = (!operation.header_parameters.is_empty()).then(|| {
        let headers = format_ident!("{}Headers", operation.type_name());
        quote! { endpoint.parameters.extend(serving::header_parameters::<#headers>()); }
    });
    quote! {
        let mut endpoint = ApiEndpoint::new(
            route.operation_id(&operations::#table),
            |rqctx: RequestContext<T::Context>, #(#arguments),*| async move {
                let run = async {
                    T::#name(&rqctx, #(#names),*).await.map(Reply::into_response)
                };
                let answer = T::Context::guard(&rqctx, &operations::#table, run).await;
                answer.map(Reply::<#answer>::from)
            },
            Method::#method,
            "application/json",
            &route.path(operations::#table.path),
            ApiEndpointVersions::All,
        );
        endpoint.tags = vec![#(#tags.to_owned()),*];
        #headers
        api.register(endpoint)?;
    }
}

/// Structs that name the parameters and the headers of the answer; nothing is read through the
/// latter, they describe.
fn parameters(operation: &Operation) -> TokenStream {
    let has_query = operation.method == "get" || !operation.query_parameters.is_empty();
    // dropshot describes no headers of a stream.
    let answer = &operation.success;
    let headers = answer.schema.as_ref().map_or(&[][..], |_| &answer.headers);
    let groups: [(_, _, &[Parameter], _); 4] = [
        ("Path", "Path parameters", &operation.path_parameters, false),
        ("Query", "Query parameters", &operation.query_parameters, has_query),
        ("Headers", "Request headers", &operation.header_parameters, false),
        ("ResponseHeaders", "Headers of the success", headers, false),
    ];
    let structs =
        groups.into_iter().filter(|(.., parameters, needed)| *needed || !parameters.is_empty());
    let structs = structs.map(|(suffix, what, parameters, _)| {
        let name = format_ident!("{}{suffix}", operation.type_name());
        let docs = docs(&format!("{what} of `{}`.", operation.id));
        let fields = parameters.iter().map(|parameter| field(parameter, suffix == "Path"));
        quote! {
            #docs
            #[derive(
                Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
            )]
            pub struct #name {
                #(#fields),*
            }
        }
    });
    quote! { #(#structs)* }
}

fn field(parameter: &Parameter, is_path: bool) -> TokenStream {
    let rust_name = field_name(&parameter.name);
    let wire_name = &parameter.name;
    let docs = docs(&parameter.docs);
    let rename = (rust_name != *wire_name).then(|| quote! { #[serde(rename = #wire_name)] });
    let kind = scalar(&parameter.kind);
    let kind = if is_path || parameter.required {
        kind
    } else {
        quote! { Option<#kind> }
    };
    let name = ident(&rust_name);
    quote! { #docs #rename pub #name: #kind }
}

fn scalar(kind: &str) -> TokenStream {
    match kind {
        "integer" => quote! { i64 },
        "number" => quote! { f64 },
        "boolean" => quote! { bool },
        _ => quote! { String },
    }
}

/// The type that documents an operation's success.
fn documented(operation: &Operation) -> TokenStream {
    let success = &operation.success;
    let name = format_ident!("{}Response", operation.type_name());
    let status = ident(status_constant(success.status));
    let description = match &success.schema {
        None if success.media_types.is_empty() => quote! { serving::no_content() },
        None => quote! { serving::streamed() },
        Some(schema) => {
            let model = model(schema);
            if success.headers.is_empty() {
                quote! { serving::described::<#model>() }
            } else {
                let headers = format_ident!("{}ResponseHeaders", operation.type_name());
                quote! { serving::described_with_headers::<#model, #headers>() }
            }
        }
    };
    let docs = docs(&format!("The success of `{}`.", operation.id));
    quote! {
        #docs
        #[derive(Clone, Copy, Debug)]
        pub enum #name {}

        impl Documented for #name {
            const STATUS: StatusCode = StatusCode::#status;

            fn description() -> ApiEndpointResponse {
                #description
            }
        }
    }
}

/// The type of a documented body: a component, or an array of one.
fn model(schema: &Value) -> TokenStream {
    let element = component(&schema["items"]);
    match (component(schema), element) {
        (None, Some(element)) => {
            let element = ident(&type_name(element));
            quote! { Vec<types::#element> }
        }
        (model, _) => {
            let model = ident(&type_name(model.unwrap_or_default()));
            quote! { types::#model }
        }
    }
}

/// The statuses a success may have; `operation` admits no other.
fn status_constant(status: u16) -> &'static str {
    match status {
        201 => "CREATED",
        202 => "ACCEPTED",
        204 => "NO_CONTENT",
        _ => "OK",
    }
}
