//! The admin trait, implemented by the same stub; it is only described.

use dropshot::{ApiDescription, Path, RequestContext};
use tmf683_generated::admin_v1::{api, types};
use tmf683_generated::serving::{JsonBody, RawQuery, StreamBody};

use super::stub::{Answer, Stub, heard, said};

type Rqctx = RequestContext<Stub>;

impl api::AdminApi for Stub {
    type Context = Self;

    async fn list_deliveries(
        _: &Rqctx,
        query: RawQuery<api::ListDeliveriesQuery>,
    ) -> Answer<api::ListDeliveriesResponse> {
        Ok(said(query.raw().to_owned()))
    }

    async fn export_interactions(
        _: &Rqctx,
        query: RawQuery<api::ExportInteractionsQuery>,
    ) -> Answer<api::ExportInteractionsResponse> {
        Ok(said(query.raw().to_owned()))
    }

    async fn import_interactions(
        _: &Rqctx,
        _: RawQuery<api::ImportInteractionsQuery>,
        body: StreamBody,
    ) -> Answer<api::ImportInteractionsResponse> {
        Ok(said(body.media_type().unwrap_or_default()))
    }

    async fn redeliver(
        _: &Rqctx,
        path: Path<api::RedeliverPath>,
    ) -> Answer<api::RedeliverResponse> {
        Ok(said(path.into_inner().id))
    }

    async fn list_subscriptions(
        _: &Rqctx,
        query: RawQuery<api::ListSubscriptionsQuery>,
    ) -> Answer<api::ListSubscriptionsResponse> {
        Ok(said(query.raw().to_owned()))
    }

    async fn retrieve_subscription(
        _: &Rqctx,
        path: Path<api::RetrieveSubscriptionPath>,
        _: RawQuery<api::RetrieveSubscriptionQuery>,
    ) -> Answer<api::RetrieveSubscriptionResponse> {
        Ok(said(path.into_inner().id))
    }

    async fn pause_subscription(
        _: &Rqctx,
        path: Path<api::PauseSubscriptionPath>,
    ) -> Answer<api::PauseSubscriptionResponse> {
        Ok(said(path.into_inner().id))
    }

    async fn resume_subscription(
        _: &Rqctx,
        path: Path<api::ResumeSubscriptionPath>,
    ) -> Answer<api::ResumeSubscriptionResponse> {
        Ok(said(path.into_inner().id))
    }

    async fn replay_subscription(
        _: &Rqctx,
        _: Path<api::ReplaySubscriptionPath>,
        body: JsonBody<types::Replay>,
    ) -> Answer<api::ReplaySubscriptionResponse> {
        heard(body).await
    }
}

/// At the root.
pub(crate) fn admin() -> ApiDescription<Stub> {
    let mut description = ApiDescription::new();
    api::register::<Stub>(&mut description, "", "").unwrap();
    description
}
