//! A call that is ready to be sent, and what can be said about it before it is.

use std::fmt;
use std::marker::PhantomData;

use futures::future::BoxFuture;

use crate::error::Error;

/// What kind of call a [`Call`] is, which tells what can be set on it.
pub mod kind {
    /// Creates: `fields`, `Idempotency-Key`.
    #[derive(Debug)]
    pub enum Create {}
    /// Retrieves: `fields`.
    #[derive(Debug)]
    pub enum Retrieve {}
    /// Patches: `fields`, `If-Match`.
    #[derive(Debug)]
    pub enum Patch {}
    /// Deletes: `If-Match`.
    #[derive(Debug)]
    pub enum Delete {}

    /// Kinds whose answer shows a record.
    pub trait Shows {}
    impl Shows for Create {}
    impl Shows for Retrieve {}
    impl Shows for Patch {}

    /// Kinds that change a record which is there.
    pub trait Changes {}
    impl Changes for Patch {}
    impl Changes for Delete {}
}

/// A call that is ready to be sent; `.await` sends it.
///
/// ```no_run
/// # async fn example(client: &tmf683_client::v5::Client) -> Result<(), tmf683_client::Error> {
/// let read = client.retrieve("42").fields("reason,status").await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until the call is awaited"]
pub struct Call<'a, T, K> {
    options: Options,
    send: Box<dyn FnOnce(Options) -> BoxFuture<'a, Result<T, Error>> + Send + 'a>,
    kind: PhantomData<fn() -> K>,
}

/// What was said about a call.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) fields: Option<String>,
    pub(crate) if_match: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

impl<'a, T, K> Call<'a, T, K> {
    pub(crate) fn new(
        send: impl FnOnce(Options) -> BoxFuture<'a, Result<T, Error>> + Send + 'a,
    ) -> Self {
        Self { options: Options::default(), send: Box::new(send), kind: PhantomData }
    }
}

impl<T, K: kind::Shows> Call<'_, T, K> {
    /// Has only these attributes returned: names separated by commas, dots reach nested ones, `id`
    /// and `href` always come.
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.options.fields = Some(fields.into());
        self
    }
}

impl<T> Call<'_, T, kind::Create> {
    /// Makes the create safe to repeat, by this client and by whoever calls it: under the same key
    /// the server creates once and gives the same answer again. For servers that know
    /// `Idempotency-Key`; one that does not would create twice.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.idempotency_key = Some(key.into());
        self
    }
}

impl<T, K: kind::Changes> Call<'_, T, K> {
    /// Changes the record only if it still has this ETag, else the call fails with 412
    /// ([`Error::is_precondition_failed`]). The ETag is given as the server sent it, quotes included.
    pub fn if_match(mut self, etag: impl Into<String>) -> Self {
        self.options.if_match = Some(etag.into());
        self
    }
}

impl<'a, T, K> IntoFuture for Call<'a, T, K> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'a, Result<T, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        (self.send)(self.options)
    }
}

impl<T, K> fmt::Debug for Call<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("options", &self.options).finish_non_exhaustive()
    }
}
