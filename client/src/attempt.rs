//! What belongs to one attempt and has to pass through the generated client: the credentials on the
//! way out, the status on the way back.
//!
//! The generated client drops the status of an answer whose body is no TMF `Error`, so it is noted
//! here where reqwest shows it: to the retry policy, which itself never repeats anything.

use std::cell::Cell;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Request, StatusCode};
use tokio::task_local;
use url::Url;

/// One attempt's own data, in scope while the generated call runs.
#[derive(Default)]
struct Attempt {
    authorization: Option<HeaderValue>,
    status: Cell<Option<StatusCode>>,
}

task_local! {
    static ATTEMPT: Attempt;
}

/// Runs a generated call with `authorization`; also gives the answer's status, if one came.
pub(crate) async fn run<T>(
    authorization: Option<HeaderValue>,
    call: impl Future<Output = T>,
) -> (T, Option<StatusCode>) {
    let attempt = Attempt { authorization, status: Cell::default() };
    let noted = async {
        let result = call.await;
        (result, ATTEMPT.with(|attempt| attempt.status.get()))
    };
    ATTEMPT.scope(attempt, noted).await
}

/// Adds the attempt's credentials; the generated clients call it last of all.
pub(crate) fn authorize(request: &mut Request) {
    let authorization = ATTEMPT.try_with(|attempt| attempt.authorization.clone());
    if let Ok(Some(value)) = authorization {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

/// The retry policy that notes statuses of `base`'s host, and repeats nothing.
pub(crate) fn note_status(base: &Url) -> reqwest::retry::Builder {
    let host = base.host_str().unwrap_or_default().to_owned();
    reqwest::retry::for_host(host).no_budget().classify_fn(|answer| {
        // Outside of an attempt there is nobody to tell.
        let _ = ATTEMPT.try_with(|attempt| attempt.status.set(answer.status()));
        answer.success()
    })
}
