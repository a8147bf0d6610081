//! TMF683 Party Interaction server. `http → app → domain + query → store`; nothing points back.

mod app;
pub mod config;
mod domain;
mod error;
mod http;
mod log;
mod query;
mod store;

use crate::app::{App, Rules};
use crate::config::{Settings, StoreUrl};
use crate::http::Tokens;
use crate::http::admin::AdminSchemas;
use crate::http::context::Context;
use crate::http::version::{Schemas, Version};
use crate::query::vocabulary::Vocabulary;
use crate::store::contract::Store;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use anyhow::Context as _;
use dropshot::{ConfigDropshot, HandlerTaskMode, HttpServer, ServerBuilder};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use crate::log::init as init_log;

/// A server that listens. Dropping it closes the listener; [`Running::stop`] is the orderly way.
pub struct Running {
    server: HttpServer<Context>,
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
    // Last of what can fail before listening, so that a bad setting leaves the database alone.
    let store = open_store(&settings)?;
    let rules = Rules {
        document_bytes: settings.limits.document_bytes,
        document_values: settings.limits.json_values,
        idempotency_hours: settings.idempotency.hours,
        subscriptions: settings.delivery.subscriptions,
    };
    let context = Context {
        app: App::new(Arc::clone(&store), vocabulary, rules),
        public_url: settings.public_url.0,
        tokens,
        access_log: settings.log.access,
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
    let grace = Duration::from_secs(settings.shutdown.grace_seconds);
    Ok(Running { server, store, grace })
}

fn open_store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    match &settings.store {
        StoreUrl::Sqlite(path) => {
            let options = SqliteOptions {
                queue_length: settings.limits.write_queue,
                ..SqliteOptions::default()
            };
            let store = SqliteStore::open(path, options)
                .with_context(|| format!("store: {}", settings.store))?;
            Ok(Arc::new(store))
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

    /// Stops in order: no new connections, requests in flight finish (within the grace time),
    /// queued writes commit, the database is checkpointed and closed.
    ///
    /// # Errors
    /// The store could not be closed cleanly. What was acknowledged is safe all the same.
    pub async fn stop(self) -> anyhow::Result<()> {
        match tokio::time::timeout(self.grace, self.server.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the listener did not close cleanly"),
            Err(_) => tracing::warn!("requests still in flight after the grace time were cut off"),
        }
        self.store.close().await.context("closing the store")
    }
}
