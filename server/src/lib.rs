//! TMF683 Party Interaction server. `http → app → domain + query → store`; nothing points back.
//! `delivery` reads what the store has logged.

mod app;
pub mod bulk;
pub mod config;
mod delivery;
mod domain;
mod error;
#[cfg(test)]
mod fuzz;
mod http;
mod log;
mod query;
mod store;

use crate::app::{App, Rules};
use crate::config::{Settings, StoreUrl};
use crate::delivery::address::AddressPolicy;
use crate::delivery::feed::Feed;
use crate::delivery::resolver::Resolver;
use crate::delivery::sender::{Sender, SenderSettings};
use crate::delivery::signature::Signer;
use crate::delivery::{Engine, Options, Reading, Readings, Tail};
use crate::http::Tokens;
use crate::http::admin::AdminSchemas;
use crate::http::context::Context;
use crate::http::load::Load;
use crate::http::version::{Schemas, Version};
use crate::query::parse::{QueryContext, QueryLimits};
use crate::query::subscription::EventFilter;
use crate::query::vocabulary::Vocabulary;
use crate::store::contract::{PageQuery, Store, Subscription};
use crate::store::postgres::{PostgresOptions, PostgresStore, PostgresSuccessor, ReplicaOptions};
use crate::store::sqlite::{SqliteOriginal, SqliteStore};
use anyhow::Context as _;
use dropshot::{ConfigDropshot, HandlerTaskMode, HttpServer, ServerBuilder};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub use crate::log::init as init_log;
pub use crate::store::sqlite::SqliteOptions;

/// A server that listens. Dropping it closes the listener; [`Running::stop`] is the orderly way.
pub struct Running {
    server: HttpServer<Context>,
    feed: Arc<Feed>,
    delivery: Engine,
    store: Arc<dyn Store>,
    grace: Duration,
}

/// Opens the store, brings it up to date, and listens.
///
/// # Errors
/// The store cannot be opened, the token file cannot be read, or the address is taken.
pub async fn start(settings: Settings) -> anyhow::Result<Running> {
    start_with(settings, SqliteOptions::default()).await
}

/// The same, with SQLite run as `sqlite` says where no setting does.
///
/// # Errors
/// As [`start`].
pub async fn start_with(settings: Settings, sqlite: SqliteOptions) -> anyhow::Result<Running> {
    let schemas = Arc::new([Schemas::compile(Version::V4)?, Schemas::compile(Version::V5)?]);
    let admin_schemas = AdminSchemas::compile()?;
    let vocabulary = vocabulary()?;
    let token_file = settings.auth.token_file.as_path();
    let tokens = (token_file != Path::new("")).then(|| Tokens::read(token_file)).transpose()?;
    let api = http::api()?;
    let resolver = Resolver::new(AddressPolicy::of(&settings.delivery, settings.listen));
    let sender = sender(&settings.delivery, resolver.clone())?;
    // Last of what can fail before listening, so that a bad setting leaves the database alone.
    let store = open_store(&settings, None, sqlite).await?;
    let rules = rules(&settings);
    let public_url = settings.public_url.0.clone();
    let tail = Tail::of(store.clone());
    let feed = Arc::new(Feed::new(tail.clone(), settings.events.streams));
    let context = Context {
        app: Arc::new(App::new(Arc::clone(&store), vocabulary.clone(), rules)),
        callbacks: resolver,
        feed: Arc::clone(&feed),
        public_url: settings.public_url.0,
        tokens,
        access_log: settings.log.access,
        explain: settings.explain,
        partial_status: settings.paging.partial_status,
        schemas,
        admin_schemas,
        load: Load::new(&settings.limits),
        limits: settings.limits,
    };
    let config = ConfigDropshot {
        bind_address: settings.listen,
        default_request_body_max_bytes: context.limits.body_bytes,
        // A queued write belongs to the writer, so a caller who goes away takes nothing along.
        default_handler_task_mode: HandlerTaskMode::CancelOnDisconnect,
        ..ConfigDropshot::default()
    };
    let server = ServerBuilder::new(api, context, log::for_dropshot())
        .config(config)
        .start()
        .with_context(|| format!("listen: {}", settings.listen))?;
    let local_addr = server.local_addr();
    let readings = readings(Arc::clone(&store), vocabulary, public_url, local_addr);
    let Settings { delivery, events, .. } = settings;
    let delivery = Engine::start(tail, sender, Options { delivery, events, readings });
    warm(Arc::clone(&store));
    let grace = Duration::from_secs(settings.shutdown.grace_seconds);
    Ok(Running { server, feed, delivery, store, grace })
}

/// Counts the interactions while nobody waits for it yet: what that takes is kept for the lists to come.
fn warm(store: Arc<dyn Store>) {
    tokio::spawn(async move {
        let first = PageQuery { limit: Some(1), ..PageQuery::default() };
        if let Err(error) = store.page(first).await {
            tracing::debug!(%error, "interactions are not counted beforehand");
        }
    });
}

fn sender(settings: &config::Delivery, resolver: Resolver) -> anyhow::Result<Sender> {
    let secrets = settings.secret_file.as_path();
    Sender::new(SenderSettings {
        timeout: Duration::from_secs(settings.timeout_seconds),
        idle_connections: settings.connections.get(),
        resolver,
        signer: (secrets != Path::new("")).then(|| Signer::read(secrets)).transpose()?,
    })
}

/// How subscriptions are to be understood: by the version each was made through, with addresses its
/// maker can use.
fn readings(
    store: Arc<dyn Store>,
    vocabulary: Vocabulary,
    public_url: Option<String>,
    local_addr: SocketAddr,
) -> Readings {
    Box::new(move |subscription| {
        let Subscription { api_version, base_url, query, .. } = subscription;
        let version = Version::named(api_version);
        let version = version.ok_or_else(|| format!("there is no version {api_version}"))?;
        let bases = version.bases();
        let base = bases.iter().find(|base| base_url.ends_with(*base)).unwrap_or(&bases[0]);
        let root = match (&public_url, base_url.strip_suffix(base)) {
            (Some(root), _) => root.clone(),
            (None, Some(root)) => root.to_owned(),
            (None, None) => format!("http://{local_addr}"),
        };
        let (shape, href_prefix) = (version.shape(), format!("{root}{base}/partyInteraction/"));
        // What is allowed was judged when it was made.
        let context = QueryContext {
            vocabulary: &vocabulary,
            canonical_paths: &|path| shape.canonical_paths(path),
            knows_extension: &|path| store.knows_extension_path(path),
            shape,
            href_prefix: &href_prefix,
            limits: QueryLimits {
                comparisons: usize::MAX,
                items: None,
                regex_bytes: usize::MAX,
                jsonpath_bytes: usize::MAX,
            },
        };
        let filter = query.as_deref().map(|query| EventFilter::parse(query, &context));
        let filter = filter.transpose().map_err(|error| error.to_string())?;
        Ok(Reading { filter, shape, href_prefix })
    })
}

/// Imports into a store, beside a server that uses it or alone. What is written when it fails stays.
///
/// # Errors
/// The store cannot be opened or does not write, or the source cannot be read.
pub async fn import(
    settings: &Settings,
    order: &bulk::import::Order,
) -> anyhow::Result<bulk::Summary> {
    let app = bulk_app(settings).await?;
    let done = bulk::import::run(Arc::clone(&app), settings, order).await;
    let closed = app.close().await.context("closing the store");
    done.and_then(|summary| closed.map(|()| summary))
}

/// Exports from a store that exists, beside a server that uses it or alone.
///
/// # Errors
/// The store cannot be opened, the query cannot be honoured, or the output takes no more.
pub async fn export(
    settings: &Settings,
    order: &bulk::export::Order,
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<bulk::Exported> {
    if let StoreUrl::Sqlite(path) = &settings.store {
        anyhow::ensure!(path.is_file(), "store: there is no {}", settings.store);
    }
    let app = bulk_app(settings).await?;
    let done = bulk::export::run(&app, settings, order, interrupted).await;
    app.close().await.context("closing the store")?;
    done
}

/// Copies a store to a file, while servers go on using it. Answers how many interactions are in it.
///
/// # Errors
/// The store is not there or damaged, or the file is there already; then there is no new file.
pub fn backup(settings: &Settings, to: &Path, replace: bool) -> anyhow::Result<u64> {
    Ok(store::sqlite::backup::copy(sqlite_file(settings)?, to, replace)?)
}

/// Puts a backup in place of a store nobody uses. Answers how many interactions are in it.
///
/// # Errors
/// The file is no sound store of ours, or the store is there already or in use; then the store is as
/// it was.
pub fn restore(settings: &Settings, from: &Path, replace: bool) -> anyhow::Result<u64> {
    Ok(store::sqlite::backup::copy(from, sqlite_file(settings)?, replace)?)
}

/// Makes one store what another is, which may be in use meanwhile, or ends that. Answers whether they
/// have the same now.
///
/// # Errors
/// One of the stores cannot be used so, or, where they have to, they have not the same.
pub async fn migrate(
    from: &StoreUrl,
    to: &StoreUrl,
    order: bulk::migrate::Order,
) -> anyhow::Result<bool> {
    let (StoreUrl::Sqlite(path), StoreUrl::Postgres(url)) = (from, to) else {
        anyhow::bail!("a store moves from sqlite: to postgres:, not from {from} to {to}");
    };
    let path = path.canonicalize().with_context(|| from.to_string())?;
    let original = match order {
        bulk::migrate::Order::Finish => SqliteOriginal::hold(&path)?,
        _ => SqliteOriginal::open(&path)?,
    };
    let successor = PostgresSuccessor::open(url.secret()).await.with_context(|| to.to_string())?;
    let name = StoreUrl::Sqlite(path).to_string();
    bulk::migrate::run(&name, Arc::new(original), Arc::new(successor), order).await
}

/// A database server has backups of its own, which know its clusters and logs.
fn sqlite_file(settings: &Settings) -> anyhow::Result<&Path> {
    match &settings.store {
        StoreUrl::Sqlite(path) => Ok(path),
        StoreUrl::Postgres(_) => {
            anyhow::bail!("store: {}: PostgreSQL is backed up by its own tools", settings.store)
        }
    }
}

/// The use cases, for work that may wait: for a server to write, and for a slow reader.
async fn bulk_app(settings: &Settings) -> anyhow::Result<Arc<App>> {
    const PATIENCE: Duration = Duration::from_secs(3600);
    let store = open_store(settings, Some(PATIENCE), SqliteOptions::default()).await?;
    Ok(Arc::new(App::new(store, vocabulary()?, rules(settings))))
}

fn vocabulary() -> anyhow::Result<Vocabulary> {
    Ok(Vocabulary::from_schema(tmf683_generated::v5::operations::SCHEMAS, "PartyInteraction")?)
}

fn rules(settings: &Settings) -> Rules {
    Rules {
        document_bytes: settings.limits.document_bytes,
        document_values: settings.limits.json_values,
        idempotency_hours: settings.idempotency.hours,
        subscriptions: settings.delivery.subscriptions,
    }
}

/// `patience`: for a lock and for a reader, where that is not a server's. Who has it is not sent to a
/// replica, which ends what is read for too long.
async fn open_store(
    settings: &Settings,
    patience: Option<Duration>,
    sqlite: SqliteOptions,
) -> anyhow::Result<Arc<dyn Store>> {
    let limits = &settings.limits;
    let stream_stall = patience.unwrap_or(Duration::from_secs(limits.stream_stall_seconds));
    let scan_documents = Some(limits.scan_documents).filter(|most| *most > 0 && patience.is_none());
    let (queue_length, max_batch) = (limits.write_queue, limits.write_batch.get());
    let (queue_bytes, index_cache_bytes) = (limits.write_queue_bytes, limits.index_cache_bytes);
    let described = || format!("store: {}", settings.store);
    match &settings.store {
        StoreUrl::Sqlite(path) => {
            let busy_timeout = patience.unwrap_or(sqlite.busy_timeout);
            let options = SqliteOptions {
                max_batch,
                queue_length,
                queue_bytes,
                busy_timeout,
                stream_stall,
                scan_documents,
                index_cache_bytes,
                ..sqlite
            };
            Ok(Arc::new(SqliteStore::open(path, options).with_context(described)?))
        }
        StoreUrl::Postgres(url) => {
            let replica = settings.replica.url.0.as_ref().filter(|_| patience.is_none());
            let replica = replica.map(|replica| ReplicaOptions {
                url: replica.secret().to_owned(),
                most_stale: Duration::from_millis(settings.replica.staleness_ms),
            });
            let default = PostgresOptions::default();
            let busy_timeout = patience.unwrap_or(default.busy_timeout);
            let options = PostgresOptions {
                replica,
                max_batch,
                queue_length,
                queue_bytes,
                busy_timeout,
                stream_stall,
                scan_documents,
                index_cache_bytes,
                ..default
            };
            let store = PostgresStore::open(url.secret(), options).await;
            Ok(Arc::new(store.with_context(described)?))
        }
    }
}

impl Running {
    /// Where the server listens; the port is known even when port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The bases of the API, oldest version first.
    pub fn bases() -> impl Iterator<Item = &'static str> {
        Version::ALL.into_iter().flat_map(|version| version.bases().iter().copied())
    }

    /// Stops in order: streams of events end, no new connections, requests in flight finish, then notifications in flight
    /// (all within the grace time), queued writes commit, the database is checkpointed and closed.
    ///
    /// # Errors
    /// The store could not be closed cleanly. What was acknowledged is safe all the same.
    pub async fn stop(self) -> anyhow::Result<()> {
        let deadline = Instant::now() + self.grace;
        // Streams have no end of their own to wait for.
        self.feed.close();
        match tokio::time::timeout_at(deadline, self.server.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the listener did not close cleanly"),
            Err(_) => tracing::warn!("requests still in flight after the grace time were cut off"),
        }
        self.delivery.stop(deadline).await;
        self.store.close().await.context("closing the store")
    }
}
