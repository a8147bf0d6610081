//! Connections: where the database is, how it is spoken to, and what each kind of connection is set to.
//!
//! The URL is libpq's: `postgres://user:password@host:port/database?sslmode=require`. Without `sslmode`
//! a host elsewhere is spoken to over TLS only, one on this machine without. With TLS the server has to
//! have a certificate the system trusts, for the host it was reached by; `SSL_CERT_FILE` names others.
//!
//! Of several [`hosts`](super::hosts) the one is meant that takes changes. It is looked for whenever a
//! connection is made, and [`Era`] sees to it that none is used that was made while the way led elsewhere.

use super::error::{Error, OpenError, Result as Done};
use super::hosts::Hosts;
use super::session::Sessions;
use super::store::PostgresOptions;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use futures::stream::{self, BoxStream, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What operators see in the list of connections.
const APPLICATION_NAME: &str = "tmf683";

/// Where the database is, and the settings all connections share.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    hosts: Hosts,
    tls: Option<MakeRustlsConnect>,
    patience: Duration,
    era: Era,
}

/// Since when the way has led where it leads now: older connections are not used again.
#[derive(Clone, Debug)]
pub(super) struct Era(Arc<RwLock<Instant>>);

impl Era {
    /// A new one begins.
    pub(super) fn begin(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_of(&self, made: Instant) -> bool {
        made >= *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Address {
    /// Reads the URL of a database that takes changes. Connects to nothing.
    pub(super) fn of(url: &str, options: &PostgresOptions) -> Result<Self, OpenError> {
        Self::among(url, options, TargetSessionAttrs::ReadWrite)
    }

    /// The same of one that need not.
    pub(super) fn of_replica(url: &str, options: &PostgresOptions) -> Result<Self, OpenError> {
        Self::among(url, options, TargetSessionAttrs::Any)
    }

    /// `meant`: which of several hosts, where the URL does not say.
    fn among(
        url: &str,
        options: &PostgresOptions,
        meant: TargetSessionAttrs,
    ) -> Result<Self, OpenError> {
        // The driver's error could repeat a part of the URL.
        let mut config = Config::from_str(url).map_err(|_| OpenError::Url)?;
        if config.get_ssl_mode() == SslMode::Prefer {
            let here = config.get_hosts().iter().all(is_here);
            config.ssl_mode(if here { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if hosts > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(meant);
        }
        // A machine that vanished without a word is noticed: the writer waits for no other.
        config.keepalives_idle(options.busy_timeout);
        config.tcp_user_timeout(options.statement_timeout);
        let hosts = Hosts::of(&config, options.busy_timeout).ok_or(OpenError::Url)?;
        let tls = (config.get_ssl_mode() != SslMode::Disable).then(tls).transpose()?;
        let era = Era(Arc::new(RwLock::new(Instant::now())));
        Ok(Self { config, hosts, tls, patience: options.busy_timeout, era })
    }

    /// Of all its pools.
    pub(super) fn era(&self) -> Era {
        self.era.clone()
    }

    /// A pool of connections with these settings. Opens none yet.
    pub(super) fn pool(&self, most: usize, settings: Settings) -> Result<Pool, OpenError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let (config, hosts) = (self.config.clone(), self.hosts.clone());
        let manager = match self.tls.clone() {
            Some(tls) => Manager::from_connect(config, Sessions { hosts, tls }, manager),
            None => Manager::from_connect(config, Sessions { hosts, tls: NoTls }, manager),
        };
        let (set_up, by_key, era) = (settings.sql(), settings.by_key, self.era());
        let patience = self.patience;
        Pool::builder(manager)
            .max_size(most.max(1))
            .wait_timeout(Some(self.patience))
            .create_timeout(Some(self.patience))
            .recycle_timeout(Some(self.patience))
            .runtime(Runtime::Tokio1)
            .pre_recycle(Hook::sync_fn(move |_, metrics| match era.is_of(metrics.created) {
                true => Ok(()),
                false => Err(HookError::message("made while the way led elsewhere")),
            }))
            .post_create(Hook::async_fn(move |client, _| {
                let set_up = set_up.clone();
                Box::pin(async move {
                    let done = set_up_with(client, &set_up, by_key);
                    // What the pool waits for does not include this.
                    match timeout(patience, done).await {
                        Ok(done) => done.map_err(HookError::Backend),
                        Err(_) => Err(HookError::message("the database does not answer")),
                    }
                })
            }))
            .build()
            .map_err(|e| OpenError::Failed { what: "making a pool", source: e.into() })
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> Done<(Client, Messages)> {
        in_time(self.patience, async {
            let failed = |error| Error::Connect(Arc::new(error));
            match self.tls.clone() {
                Some(tls) => {
                    let (client, connection) = self.hosts.connect(tls).await.map_err(failed)?;
                    Ok((client, messages(connection)))
                }
                None => {
                    let (client, connection) = self.hosts.connect(NoTls).await.map_err(failed)?;
                    Ok((client, messages(connection)))
                }
            }
        })
        .await
    }
}

/// What the server says on a connection without being asked. It works only while this is taken.
type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

fn messages<S>(mut connection: Connection<Socket, S>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    stream::poll_fn(move |context| connection.poll_message(context)).boxed()
}

/// What a connection is set to; milliseconds, 0: no bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Longest a statement may run.
    pub(super) statement: Duration,
    /// Longest to wait for a lock.
    pub(super) lock: Duration,
    /// Longest a transaction may be idle: whoever hangs inside one must not stop the others.
    pub(super) idle: Duration,
    /// All is looked up by keys. A plan that was made while a table was empty would read all of it, for as
    /// long as nobody has counted its rows.
    pub(super) by_key: bool,
}

impl Settings {
    fn sql(self) -> String {
        format!(
            "SET statement_timeout = {}; SET lock_timeout = {};
             SET idle_in_transaction_session_timeout = {}",
            self.statement.as_millis(),
            self.lock.as_millis(),
            self.idle.as_millis(),
        )
    }
}

/// Has the settings take effect on a new connection.
async fn set_up_with(
    client: &Client,
    sql: &str,
    by_key: bool,
) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(sql).await?;
    if by_key {
        // A database that does not know this setting has other plans.
        let _refused = client.batch_execute("SET enable_seqscan = off").await;
    }
    Ok(())
}

/// Waits no longer than that for a machine that may have frozen, its connections open. What was asked of
/// it may be done yet.
pub(super) async fn in_time<T>(bound: Duration, work: impl Future<Output = Done<T>>) -> Done<T> {
    timeout(bound, work).await.unwrap_or(Err(Error::Silent))
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn tls() -> Result<MakeRustlsConnect, OpenError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found
            .errors
            .first()
            .map_or("no certificate to trust".to_owned(), |error| error.to_string());
        return Err(OpenError::Tls(why.into()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| OpenError::Tls(e.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_unless_on_this_machine_or_told_otherwise() {
        for (url, tls) in [
            ("postgres://u@localhost/d", false),
            ("postgres://u@127.0.0.1:5433/d", false),
            ("postgres:///d?host=/run/postgresql", false),
            ("postgres://u@db.example/d", true),
            ("postgres://u@localhost,db.example/d", true),
            ("postgres://u@db.example/d?sslmode=disable", false),
        ] {
            let address = Address::of(url, &PostgresOptions::default());
            let is_tls = match address {
                Ok(address) => address.tls.is_some(),
                // The machine trusts nobody: it was asked for.
                Err(OpenError::Tls(_)) => true,
                Err(error) => panic!("{url}: {error}"),
            };
            assert_eq!(is_tls, tls, "{url}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_not_waited_for() {
        let silent = in_time(Duration::from_secs(35), std::future::pending::<Done<()>>());
        assert!(matches!(silent.await, Err(Error::Silent)));
    }

    #[test]
    fn what_is_no_url_is_not_repeated() {
        for url in ["postgres://u:secret@h:port/d", "postgres://u:secret@h/d?secret=1", "secret"] {
            let error = Address::of(url, &PostgresOptions::default()).err().unwrap();
            assert!(matches!(error, OpenError::Url) && !error.to_string().contains("secret"));
        }
    }
}
