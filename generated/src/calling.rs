//! What every generated client does before it sends a request.
//!
//! One hook, given at construction, so that a facade can add credentials that change over time. No
//! retries and no errors of its own: those belong to the facade.

use std::fmt;
use std::sync::Arc;

use reqwest::Request;

type Before = dyn Fn(&mut Request) + Send + Sync;

/// What a client does around its calls; the default does nothing.
#[derive(Clone, Default)]
pub struct Hooks {
    before: Option<Arc<Before>>,
}

impl Hooks {
    /// Runs `before` on every request, last of all.
    pub fn before(before: impl Fn(&mut Request) + Send + Sync + 'static) -> Self {
        Self { before: Some(Arc::new(before)) }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("before", &self.before.is_some()).finish()
    }
}

/// Called by the generated client with each request, ready to be sent.
pub(crate) fn before(hooks: &Hooks, request: &mut Request) {
    if let Some(before) = &hooks.before {
        before(request);
    }
}
