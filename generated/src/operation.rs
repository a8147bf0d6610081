//! What a document says about its operations, as tables.
//!
//! The statics themselves are emitted (`v4::operations`, `v5::operations`). No behaviour here.

/// One operation of a document.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The document's `operationId`, as it writes it.
    pub id: &'static str,
    /// HTTP method, in upper case.
    pub method: &'static str,
    /// Path template below the API's base, such as `/partyInteraction/{id}`.
    pub path: &'static str,
    /// Status of the answer when it worked.
    pub success: u16,
    /// Media types a request body may have, JSON first; empty where there is no body.
    pub request_media_types: &'static [&'static str],
    /// Media types its success may have, JSON first; empty where that has no body.
    pub response_media_types: &'static [&'static str],
    /// Request headers the document declares.
    pub request_headers: &'static [&'static str],
    /// Query parameters the document declares.
    pub query_parameters: &'static [&'static str],
    /// Whether the operation only reads (GET), so that it may be cancelled or repeated freely.
    pub reads_only: bool,
}

/// A path template and every method the document declares for it.
#[derive(Debug, PartialEq, Eq)]
pub struct PathMethods {
    /// Path template below the API's base.
    pub path: &'static str,
    /// Names of the template's variables.
    pub variables: &'static [&'static str],
    /// Declared methods, in upper case: the `Allow` header of a 405.
    pub allowed: &'static [&'static str],
}

/// The schema a request body is judged by.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestSchema {
    /// The operation's id.
    pub operation_id: &'static str,
    /// Media type of the body.
    pub media_type: &'static str,
    /// Name in the `$defs` of the version's `SCHEMAS`.
    pub definition: &'static str,
}
