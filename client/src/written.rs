//! Requests as the generated client writes them.
//!
//! The generated client knows every operation's method, path, parameters, media types and models.
//! Its reading of answers is too strict for what is out there: it drops status and headers of an
//! answer whose body is no TMF `Error`, and knows only the statuses the document names. So it writes
//! the requests, and `connection` sends them and reads the answers.
//!
//! The generated client hands each finished request to a hook before it sends it. The hook keeps the
//! request and leaves one in its place that has no address: that one fails before any I/O.

use std::cell::RefCell;

use reqwest::{Method, Request};
use tmf683_generated::calling::Hooks;
use tmf683_generated::v5::client::{Error as CallError, ResponseValue};
use tokio::task_local;
use url::Url;

use crate::error::Error;

task_local! {
    static KEPT: RefCell<Option<Request>>;
}

/// What a generated client is made with, so that it keeps its requests. `nowhere` is an address that
/// is neither http nor https.
pub(crate) fn keeping(nowhere: Url) -> Hooks {
    Hooks::before(move |request| {
        let unsent = Request::new(Method::GET, nowhere.clone());
        let written = std::mem::replace(request, unsent);
        // Generated calls are polled by `request` alone, so there is always somebody to keep it.
        let _ = KEPT.try_with(|kept| kept.replace(Some(written)));
    })
}

/// The request that a generated call would send.
pub(crate) async fn request<T, E>(
    call: impl Future<Output = Result<ResponseValue<T>, CallError<E>>>,
) -> Result<Request, Error> {
    let written = async {
        let unsent = call.await;
        KEPT.with(RefCell::take).ok_or(unsent.err())
    };
    let unwritten = match KEPT.scope(RefCell::default(), written).await {
        Ok(request) => return Ok(request),
        Err(unwritten) => unwritten,
    };
    Err(Error::InvalidRequest(match unwritten {
        Some(CallError::InvalidRequest(why)) => why,
        Some(CallError::CommunicationError(error)) => error.without_url().to_string(),
        _ => "the generated client did not write it".to_owned(),
    }))
}
