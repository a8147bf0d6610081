//! TMF683 Party Interaction server. `http → app → domain + query → store`; nothing points back.
//! `delivery` reads what the store has logged.

mod app;
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
use crate::delivery::resolver::Resolver;
use crate::delivery::sender::{Sender, SenderSettings};
use crate::delivery::signature::Signer;
use crate::delivery::{Engine, Options, Reading, Readings};
use crate::http::Tokens;
use crate::http::admin::AdminSchemas;
use crate::http::context::Context;
use crate::http::version::{Schemas, Version};
use crate::query::parse::{QueryContext, QueryLimits};
use crate::query::subscription::EventFilter;
use crate::query::vocabulary::Vocabulary;
use crate::store::contract::delivery::DeliveryStore;
use crate::store::contract::{Store, Subscription};
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use anyhow::Context as _;
use dropshot::{ConfigDropshot, HandlerTaskMode, HttpServer, ServerBuilder};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub use crate::log::init as init_log;

/// A server that listens. Dropping it closes the listener; [`Running::stop`] is the orderly way.
pub struct Running {
    server: HttpServer<Context>,
    delivery: Engine,
    store: Arc<dyn Store>,
    grace: Duration,
}

/// Opens the store, brings it up to date, and listens.
///
/// # Errors
/// The store cannot be opened, the token file cannot be read, or the address is taken.
pub async fn start(settings: Settings) -> anyhow::Result<Running> {
    let schemas = [Schemas::compile(Version::V4)?, Schemas::compile(Version::V5)?];
    let admin_schemas = AdminSchemas::compile()?;
    let vocabulary =
        Vocabulary::from_schema(tmf683_generated::v5::operations::SCHEMAS, "PartyInteraction")?;
    let token_file = settings.auth.token_file.as_path();
    let tokens = (token_file != Path::new("")).then(|| Tokens::read(token_file)).transpose()?;
    let api = http::api()?;
    let resolver = Resolver::new(AddressPolicy::of(&settings.delivery, settings.listen));
    let sender = sender(&settings.delivery, resolver.clone())?;
    // Last of what can fail before listening, so that a bad setting leaves the database alone.
    let store = open_store(&settings).await?;
    let rules = Rules {
        document_bytes: settings.limits.document_bytes,
        document_values: settings.limits.json_values,
        idempotency_hours: settings.idempotency.hours,
        subscriptions: settings.delivery.subscriptions,
    };
    let public_url = settings.public_url.0.clone();
    let context = Context {
        app: App::new(Arc::clone(&store), vocabulary.clone(), rules),
        callbacks: resolver,
        public_url: settings.public_url.0,
        tokens,
        access_log: settings.log.access,
        explain: settings.explain,
        partial_status: settings.paging.partial_status,
        schemas,
        admin_schemas,
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
    let log: Arc<dyn DeliveryStore> = store.clone();
    let delivery = Engine::start(log, sender, Options { delivery, events, readings });
    let grace = Duration::from_secs(settings.shutdown.grace_seconds);
    Ok(Running { server, delivery, store, grace })
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
        let version = Version::ALL.into_iter().find(|version| version.name() == api_version);
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

async fn open_store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let stream_stall = Duration::from_secs(settings.limits.stream_stall_seconds);
    let scan_documents = Some(settings.limits.scan_documents).filter(|most| *most > 0);
    let queue_length = settings.limits.write_queue;
    let described = || format!("store: {}", settings.store);
    match &settings.store {
        StoreUrl::Sqlite(path) => {
            let options = SqliteOptions {
                queue_length,
                stream_stall,
                scan_documents,
                ..SqliteOptions::default()
            };
            Ok(Arc::new(SqliteStore::open(path, options).with_context(described)?))
        }
        StoreUrl::Postgres(url) => {
            let options = PostgresOptions {
                queue_length,
                stream_stall,
                scan_documents,
                ..PostgresOptions::default()
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

    /// Stops in order: no new connections, requests in flight finish, then notifications in flight
    /// (all within the grace time), queued writes commit, the database is checkpointed and closed.
    ///
    /// # Errors
    /// The store could not be closed cleanly. What was acknowledged is safe all the same.
    pub async fn stop(self) -> anyhow::Result<()> {
        let deadline = Instant::now() + self.grace;
        match tokio::time::timeout_at(deadline, self.server.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the listener did not close cleanly"),
            Err(_) => tracing::warn!("requests still in flight after the grace time were cut off"),
        }
        self.delivery.stop(deadline).await;
        self.store.close().await.context("closing the store")
    }
}
