//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;

use crate::base;
use crate::connection::{Connection, Token, bearer};
use crate::error::Error;
use crate::retry::Retries;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: usize = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Settings of a client that is about to connect; made by a client's `builder`.
///
/// ```
/// use std::time::Duration;
/// use tmf683_client::v5::Client;
///
/// # fn main() -> Result<(), tmf683_client::Error> {
/// let client = Client::builder("https://care.example/tmf-api/partyInteraction/v5")
///     .timeout(Duration::from_secs(10))
///     .bearer_token("s3cret")
///     .user_agent("ivr/1.4")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "settings do nothing until `build` is called"]
pub struct Builder<C> {
    base: String,
    connect_timeout: Duration,
    timeout: Duration,
    token: Option<Token>,
    fixed_token: Option<String>,
    retries: Retries,
    user_agent: String,
    finish: fn(Connection) -> C,
}

impl<C> Builder<C> {
    pub(crate) fn new(base: &str, finish: fn(Connection) -> C) -> Self {
        Self {
            base: base.to_owned(),
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            token: None,
            fixed_token: None,
            retries: Retries { attempts: ATTEMPTS, longest_wait: LONGEST_WAIT },
            user_agent: USER_AGENT.to_owned(),
            finish,
        }
    }

    /// How long making a connection may take; 5 s unless set.
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// How long a call may take in all, its repeats and waits included; 30 s unless set. A stream
    /// over a list makes one call per page.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends `token` as bearer token with every request. It is never shown in any output.
    pub fn bearer_token(self, token: impl Into<String>) -> Self {
        Self { fixed_token: Some(token.into()), token: None, ..self }
    }

    /// Asks `token` for the bearer token before every attempt, for tokens that change. It should
    /// answer at once: keep the token at hand and renew it elsewhere.
    ///
    /// ```
    /// use std::sync::{Arc, RwLock};
    /// use tmf683_client::v5::Client;
    ///
    /// # fn main() -> Result<(), tmf683_client::Error> {
    /// let current = Arc::new(RwLock::new("first".to_owned()));
    /// let shared = Arc::clone(&current);
    /// let client = Client::builder("https://care.example/tmf-api/partyInteraction/v5")
    ///     .bearer_token_with(move || shared.read().map(|token| token.clone()).unwrap_or_default())
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bearer_token_with(self, token: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { token: Some(Arc::new(token)), fixed_token: None, ..self }
    }

    /// How many attempts a call has where repeating is safe, the first included; 3 unless set.
    /// 1 never repeats anything.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.retries.attempts = attempts;
        self
    }

    /// The longest wait between two attempts, also where the server asks for a longer one by
    /// `Retry-After`; 10 s unless set.
    pub fn longest_wait(mut self, longest_wait: Duration) -> Self {
        self.retries.longest_wait = longest_wait;
        self
    }

    /// What the client calls itself; `tmf683-client/` and its version unless set.
    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        Self { user_agent: user_agent.into(), ..self }
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBase`] for an address that is not http or https or cannot be a base,
    /// [`Error::InvalidToken`] for a fixed token that no header can hold, [`Error::Setup`] where
    /// the HTTP client cannot be made (a user agent no header can hold, no TLS).
    pub fn build(self) -> Result<C, Error> {
        let base = base::parse(&self.base)?;
        let nowhere = base::nowhere()?;
        let token = match self.fixed_token {
            Some(fixed) => {
                bearer(&fixed)?;
                let token: Token = Arc::new(move || fixed.clone());
                Some(token)
            }
            None => self.token,
        };
        let http = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            .redirect(redirect::Policy::none())
            .user_agent(self.user_agent)
            .build()
            .map_err(Error::Setup)?;
        let (retries, timeout) = (self.retries, self.timeout);
        Ok((self.finish)(Connection { base, nowhere, http, token, retries, timeout }))
    }
}

/// The token is never shown.
impl<C> fmt::Debug for Builder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("base", &self.base)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("token", &(self.token.is_some() || self.fixed_token.is_some()))
            .field("retries", &self.retries)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
