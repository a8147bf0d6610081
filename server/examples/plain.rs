//! The plainest honest server of the same resource: what `cargo xtask bench` compares ours with, so
//! that every trick of ours has to earn its place.
//!
//! Create, read and list of v5, written as one would first: typed bodies, a pool of SQLite connections
//! on blocking threads, a transaction for each create, filters and totals in SQL. Where it answers it
//! promises what ours does: a create is on disk with its index entries and its event before it is
//! acknowledged; totals are exact; lists are in creation order. It does less: no v4, no JSON Schema,
//! no changes, filters by equality of indexed attributes only, and nobody is told of events.
//!
//! `plain FILE` serves on a free port of loopback and prints which; `plain FILE LINES` fills the file
//! with interactions, one a line, and ends.

use anyhow::Context as _;
use chrono::{SecondsFormat, Utc};
use dropshot::{
    ApiDescription, ConfigDropshot, HttpError, HttpResponseCreated, HttpResponseHeaders,
    HttpResponseOk, Path, RequestContext, ServerBuilder, TypedBody, endpoint,
};
use http::HeaderValue;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex, PoisonError};
use tmf683_generated::v5::types::{PartyInteraction, PartyInteractionFvo};

const BASE: &str = "/tmf-api/partyInteraction/v5/partyInteraction";

/// What can be filtered by: the paths that ours indexes.
const INDEXED: [&str; 15] = [
    "status",
    "direction",
    "reason",
    "creationDate",
    "lastUpdate",
    "statusChangeDate",
    "interactionDate.startDateTime",
    "interactionDate.endDateTime",
    "relatedParty.partyOrPartyRole.id",
    "relatedParty.partyOrPartyRole.name",
    "relatedParty.role",
    "relatedChannel.channel.id",
    "relatedChannel.channel.name",
    "interactionItem.item.entity.id",
    "externalIdentifier.id",
];

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS interaction (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS attribute (
        path INTEGER NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (path, value, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        interaction_id TEXT NOT NULL, time TEXT NOT NULL, document TEXT NOT NULL);";

/// The interactions that have a value.
const FILTER: &str = "(SELECT seq FROM attribute WHERE path = ? AND value = ?)";

/// SQLite has one writer at a time: those who wait for a lock do so in order, those who poll do not.
struct Store {
    writer: Mutex<Connection>,
    readers: Pool<SqliteConnectionManager>,
}

type Context = Arc<Store>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().context("plain FILE [LINES]")?;
    let mut writer = Connection::open(&file)?;
    writer.execute_batch(SCHEMA)?;
    if let Some(lines) = arguments.next() {
        return load(&mut writer, &lines);
    }
    let readers = Pool::builder().max_size(8).build(SqliteConnectionManager::file(&file))?;
    let mut api = ApiDescription::new();
    api.register(create)?;
    api.register(retrieve)?;
    api.register(list)?;
    let config =
        ConfigDropshot { default_request_body_max_bytes: 1 << 20, ..ConfigDropshot::default() };
    let store = Arc::new(Store { writer: Mutex::new(writer), readers });
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let server = ServerBuilder::new(api, store, log).config(config).start()?;
    println!("listening on http://{}", server.local_addr());
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?.recv().await;
    server.close().await.map_err(anyhow::Error::msg)
}

#[endpoint { method = POST, path = "/tmf-api/partyInteraction/v5/partyInteraction" }]
async fn create(
    rqctx: RequestContext<Context>,
    body: TypedBody<PartyInteractionFvo>,
) -> Result<HttpResponseCreated<PartyInteraction>, HttpError> {
    let mut members = serde_json::to_value(body.into_inner()).map_err(internal)?;
    let id = uuid::Uuid::now_v7().to_string();
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    for date in ["creationDate", "lastUpdate", "statusChangeDate"] {
        members[date] = Value::String(now.clone());
    }
    if members["status"].is_null() {
        members["status"] = "opened".into();
    }
    members["href"] = format!("{BASE}/{id}").into();
    members["id"] = id.into();
    let created = serde_json::from_value(members.clone()).map_err(internal)?;
    blocking(&rqctx, move |store| {
        let mut writer = store.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction()?;
        let text = insert(&transaction, &members, "attribute")?;
        let event = params![uuid::Uuid::new_v4().to_string(), text_of(&members["id"]), now, text];
        transaction
            .prepare_cached(
                "INSERT INTO outbox (event_id, kind, interaction_id, time, document)
                 VALUES (?1, 'PartyInteractionCreateEvent', ?2, ?3, ?4)",
            )?
            .execute(event)?;
        Ok(transaction.commit()?)
    })
    .await?;
    Ok(HttpResponseCreated(created))
}

#[derive(Deserialize, JsonSchema)]
struct OnePath {
    id: String,
}

#[endpoint { method = GET, path = "/tmf-api/partyInteraction/v5/partyInteraction/{id}" }]
async fn retrieve(
    rqctx: RequestContext<Context>,
    path: Path<OnePath>,
) -> Result<HttpResponseOk<PartyInteraction>, HttpError> {
    let id = path.into_inner().id;
    let found = blocking(&rqctx, move |store| {
        let reader = store.readers.get()?;
        let mut select = reader.prepare_cached("SELECT document FROM interaction WHERE id = ?1")?;
        let text: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    });
    let found = found.await?;
    found.map(HttpResponseOk).ok_or_else(|| HttpError::for_not_found(None, "unknown id".into()))
}

#[endpoint { method = GET, path = "/tmf-api/partyInteraction/v5/partyInteraction" }]
async fn list(
    rqctx: RequestContext<Context>,
) -> Result<HttpResponseHeaders<HttpResponseOk<Vec<PartyInteraction>>>, HttpError> {
    let query = rqctx.request.uri().query().unwrap_or_default();
    let (mut offset, mut limit, mut values) = (0, -1, Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match (name.as_ref(), value.parse::<i64>(), number(&name)) {
            ("offset", Ok(value), _) => offset = value,
            ("limit", Ok(value), _) => limit = value,
            (_, _, Some(path)) => {
                values.extend([SqlValue::Integer(path), SqlValue::Text(value.into_owned())]);
            }
            _ => return Err(HttpError::for_bad_request(None, format!("unknown: {name}"))),
        }
    }
    let (total, found) = blocking(&rqctx, move |store| {
        let mut reader = store.readers.get()?;
        // Total and page of one snapshot.
        let reader = reader.transaction()?;
        let filters = vec![FILTER; values.len() / 2].join(" NATURAL JOIN ");
        let matching = if filters.is_empty() { "interaction" } else { &filters };
        let total: i64 = reader
            .prepare_cached(&format!("SELECT count(*) FROM {matching}"))?
            .query_row(params_from_iter(&values), |row| row.get(0))?;
        let page = format!(
            "SELECT document FROM interaction WHERE seq IN
             (SELECT seq FROM {matching} ORDER BY seq LIMIT ? OFFSET ?) ORDER BY seq"
        );
        values.extend([SqlValue::Integer(limit), SqlValue::Integer(offset)]);
        let mut select = reader.prepare_cached(&page)?;
        let mut rows = select.query(params_from_iter(&values))?;
        let mut found: Vec<PartyInteraction> = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(serde_json::from_str(row.get_ref(0)?.as_str()?)?);
        }
        Ok((total, found))
    })
    .await?;
    let mut answer = HttpResponseHeaders::new_unnamed(HttpResponseOk(found));
    answer.headers_mut().insert("X-Total-Count", HeaderValue::from(total));
    Ok(answer)
}

/// Runs on a thread that may wait.
async fn blocking<T: Send + 'static>(
    rqctx: &RequestContext<Context>,
    work: impl FnOnce(&Store) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, HttpError> {
    let store = Arc::clone(rqctx.context());
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.map_err(internal)?.map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> HttpError {
    HttpError::for_internal_error(error.to_string())
}

/// Writes an interaction and, into `index`, its entries; returns its text.
fn insert(connection: &Connection, members: &Value, index: &str) -> anyhow::Result<String> {
    let text = members.to_string();
    connection
        .prepare_cached("INSERT INTO interaction (id, document) VALUES (?1, ?2)")?
        .execute(params![text_of(&members["id"]), text])?;
    let seq = connection.last_insert_rowid();
    let sql = format!("INSERT OR IGNORE INTO {index} (path, value, seq) VALUES (?1, ?2, ?3)");
    let mut insert = connection.prepare_cached(&sql)?;
    for path in INDEXED {
        let mut found = Vec::new();
        collect(members, path, &mut found);
        for value in found {
            insert.execute(params![number(path), value, seq])?;
        }
    }
    Ok(text)
}

/// The texts at a dotted path, through arrays.
fn collect<'a>(value: &'a Value, path: &str, found: &mut Vec<&'a str>) {
    match (value, path.split_once('.')) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, path, found)),
        (Value::String(text), _) if path.is_empty() => found.push(text),
        (Value::Object(_), Some((name, rest))) => collect(&value[name], rest, found),
        (Value::Object(_), None) if !path.is_empty() => collect(&value[path], "", found),
        _ => {}
    }
}

/// How the index calls a path.
fn number(path: &str) -> Option<i64> {
    INDEXED.iter().position(|indexed| *indexed == path).and_then(|at| i64::try_from(at).ok())
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// As fast as SQLite takes them, with the index sorted once: filling a file is not what is compared.
fn load(writer: &mut Connection, lines: &str) -> anyhow::Result<()> {
    writer.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    let transaction = writer.transaction()?;
    transaction
        .execute_batch("CREATE TEMP TABLE loaded (path INTEGER, value TEXT, seq INTEGER)")?;
    for line in BufReader::new(std::fs::File::open(lines)?).lines() {
        insert(&transaction, &serde_json::from_str(&line?)?, "loaded")?;
    }
    transaction.execute_batch(
        "INSERT OR IGNORE INTO attribute SELECT path, value, seq FROM loaded ORDER BY 1, 2, 3",
    )?;
    Ok(transaction.commit()?)
}
