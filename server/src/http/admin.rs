//! The admin API: the generated trait over the operator's use cases.
//!
//! Not of any version of TMF683, so there is no [`super::call::Call`] here; what goes around an
//! operation is the guard's, as everywhere.

use crate::error::ApiError;
use crate::http::answer::Answer;
use crate::http::body;
use crate::http::bulk;
use crate::http::context::Context;
use crate::http::schema::Schema;
use crate::query::error::QueryError;
use crate::query::{parameters, parse};
use crate::store::contract::administration::{
    DeadDelivery, DeadQuery, Listed, ReplayFrom, State, SubscriptionStatus,
};
use chrono::{DateTime, SecondsFormat};
use dropshot::{Path, RequestContext};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tmf683_generated::admin_v1::{api, operations, types};
use tmf683_generated::serving::{JsonBody, RawQuery, Reply, StreamBody};
use tmf683_generated::timestamp::Timestamp;

/// Where it hangs.
pub const BASE: &str = "/admin/v1";

const DEFAULT_LIMIT: u64 = 100;
const MOST_ITEMS: u64 = 1000;

/// The admin API.
pub enum Admin {}

/// The compiled schema of the one body there is.
#[derive(Debug)]
pub struct AdminSchemas {
    replay: Schema,
}

impl AdminSchemas {
    /// Compiles the generated schema.
    ///
    /// # Errors
    /// The generated text is not what the generator emits.
    pub fn compile() -> anyhow::Result<Self> {
        Ok(Self { replay: Schema::compile(operations::SCHEMAS, "Replay")? })
    }
}

type Answered<T> = Result<Reply<T>, ApiError>;

impl api::AdminApi for Admin {
    type Context = Context;

    async fn list_subscriptions(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::ListSubscriptionsQuery>,
    ) -> Answered<api::ListSubscriptionsResponse> {
        let [state, offset, limit] =
            parameters::named(raw_query(rqctx), ["state", "offset", "limit"])?;
        let state = state.map(|name| State::of_name(&name).ok_or_else(|| no_state(&STATES)));
        let (offset, limit) = window(offset, limit)?;
        let app = &rqctx.context().app;
        let found = app.subscriptions(state.transpose()?, offset, limit).await?;
        Ok(listed(found, subscription)?.reply())
    }

    async fn retrieve_subscription(
        rqctx: &RequestContext<Context>,
        path: Path<api::RetrieveSubscriptionPath>,
        _query: RawQuery<api::RetrieveSubscriptionQuery>,
    ) -> Answered<api::RetrieveSubscriptionResponse> {
        parse::nothing(raw_query(rqctx))?;
        let found = rqctx.context().app.subscription(&path.into_inner().id).await?;
        Ok(one(&subscription(found))?.reply())
    }

    async fn pause_subscription(
        rqctx: &RequestContext<Context>,
        path: Path<api::PauseSubscriptionPath>,
    ) -> Answered<api::PauseSubscriptionResponse> {
        parse::nothing(raw_query(rqctx))?;
        let paused = rqctx.context().app.pause(&path.into_inner().id).await?;
        Ok(one(&subscription(paused))?.reply())
    }

    async fn resume_subscription(
        rqctx: &RequestContext<Context>,
        path: Path<api::ResumeSubscriptionPath>,
    ) -> Answered<api::ResumeSubscriptionResponse> {
        parse::nothing(raw_query(rqctx))?;
        let resumed = rqctx.context().app.resume(&path.into_inner().id).await?;
        Ok(one(&subscription(resumed))?.reply())
    }

    async fn replay_subscription(
        rqctx: &RequestContext<Context>,
        path: Path<api::ReplaySubscriptionPath>,
        body: JsonBody<types::Replay>,
    ) -> Answered<api::ReplaySubscriptionResponse> {
        parse::nothing(raw_query(rqctx))?;
        let context = rqctx.context();
        let taken = operations::REPLAY_SUBSCRIPTION.request_media_types;
        let body = body::read(context, rqctx.request.headers(), body, taken).await?;
        let body = body::parse(&context.limits, &body)?;
        context.admin_schemas.replay.judge(&(&body).into())?;
        let from = replay_from(&body)?;
        let set_back = context.app.replay(&path.into_inner().id, from).await?;
        Ok(one(&subscription(set_back))?.reply())
    }

    async fn list_deliveries(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::ListDeliveriesQuery>,
    ) -> Answered<api::ListDeliveriesResponse> {
        let names = ["state", "subscriptionId", "offset", "limit"];
        let [state, subscription_id, offset, limit] = parameters::named(raw_query(rqctx), names)?;
        let queued = match state.as_deref() {
            None => None,
            Some("dead") => Some(false),
            Some("queued") => Some(true),
            Some(_) => return Err(no_state(&["dead", "queued"])),
        };
        let (offset, limit) = window(offset, limit)?;
        let query = DeadQuery { subscription_id, queued };
        let found = rqctx.context().app.deliveries(query, offset, limit).await?;
        Ok(listed(found, delivery)?.reply())
    }

    async fn redeliver(
        rqctx: &RequestContext<Context>,
        path: Path<api::RedeliverPath>,
    ) -> Answered<api::RedeliverResponse> {
        parse::nothing(raw_query(rqctx))?;
        let queued = rqctx.context().app.redeliver(&path.into_inner().id).await?;
        Ok(one(&delivery(queued))?.reply())
    }

    async fn import_interactions(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::ImportInteractionsQuery>,
        body: StreamBody,
    ) -> Answered<api::ImportInteractionsResponse> {
        let operation = &operations::IMPORT_INTERACTIONS;
        Ok(bulk::import(rqctx.context(), &rqctx.request, body, operation).await?.reply())
    }

    async fn export_interactions(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::ExportInteractionsQuery>,
    ) -> Answered<api::ExportInteractionsResponse> {
        let operation = &operations::EXPORT_INTERACTIONS;
        Ok(bulk::export(rqctx.context(), &rqctx.request, operation).await?.reply())
    }
}

const STATES: [&str; 3] = ["active", "paused", "ended"];

fn raw_query(rqctx: &RequestContext<Context>) -> &str {
    rqctx.request.uri().query().unwrap_or_default()
}

fn no_state(known: &[&str]) -> ApiError {
    ApiError::invalid_request(format!("state: expected {}", known.join(" or ")))
}

fn window(offset: Option<String>, limit: Option<String>) -> Result<(u64, u64), QueryError> {
    let offset = parameters::count("offset", offset.as_deref())?.unwrap_or(0);
    match parameters::count("limit", limit.as_deref())?.unwrap_or(DEFAULT_LIMIT) {
        limit if limit > MOST_ITEMS => Err(QueryError::LimitTooLarge(MOST_ITEMS)),
        limit => Ok((offset, limit)),
    }
}

/// Exactly one of `fromEventId` and `fromTime`; a misspelt name is neither.
fn replay_from(body: &Value) -> Result<ReplayFrom, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (text("fromEventId"), text("fromTime")) {
        (Some(id), None) => Ok(ReplayFrom::Event(id.to_owned())),
        (None, Some(time)) => {
            let time = DateTime::parse_from_rfc3339(time);
            let time = time.map_err(|_| ApiError::invalid_body("/fromTime is not a date-time"))?;
            Ok(ReplayFrom::Time(time.timestamp_millis()))
        }
        _ => Err(ApiError::invalid_body("expected either /fromEventId or /fromTime")),
    }
}

fn one<T: Serialize>(record: &T) -> Result<Answer, ApiError> {
    let text = serde_json::to_string(record).map_err(ApiError::internal)?;
    Ok(Answer::json(StatusCode::OK, text))
}

fn listed<T, S: Serialize>(found: Listed<T>, show: fn(T) -> S) -> Result<Answer, ApiError> {
    let shown: Vec<S> = found.items.into_iter().map(show).collect();
    one(&shown)?.counts(found.total, shown.len() as u64)
}

fn subscription(status: SubscriptionStatus) -> types::SubscriptionStatus {
    let SubscriptionStatus { subscription, state, last_failure, .. } = status;
    let (last_error, last_error_at) = last_failure.map(|f| (f.error, time(f.at))).unzip();
    types::SubscriptionStatus {
        id: Some(subscription.id),
        api_version: Some(subscription.api_version),
        callback: Some(subscription.callback),
        query: subscription.query,
        state: Some(state.name().to_owned().into()),
        created_at: Some(subscription.created_at.into()),
        lag: Some(count(status.lag)),
        oldest_pending_at: status.oldest_pending.map(Timestamp::from),
        failed_attempts: Some(i64::from(status.attempts)),
        last_success_at: status.last_success.map(time),
        last_error,
        last_error_at,
        next_attempt_at: status.next_attempt.map(time),
        lost_events_at: status.lost_events.map(time),
        dead_deliveries: Some(count(status.dead)),
        ..types::SubscriptionStatus::default()
    }
}

fn delivery(dead: DeadDelivery) -> types::Delivery {
    let state = if dead.queued { "queued" } else { "dead" };
    types::Delivery {
        id: Some(dead.id.to_string()),
        state: Some(state.to_owned().into()),
        subscription_id: Some(dead.subscription_id),
        event_id: Some(dead.event_id),
        event_type: Some(dead.kind.name().to_owned()),
        event_time: Some(dead.time.into()),
        interaction_id: Some(dead.interaction_id),
        attempts: Some(i64::from(dead.attempts)),
        last_error: Some(dead.failed.error),
        died_at: Some(time(dead.failed.at)),
        ..types::Delivery::default()
    }
}

/// RFC 3339 in UTC, of milliseconds since 1970.
fn time(milliseconds: i64) -> Timestamp {
    let time = DateTime::from_timestamp_millis(milliseconds).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true).into()
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
