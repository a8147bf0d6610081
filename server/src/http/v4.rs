//! v4: the generated trait, implemented by the operations all versions share.

use crate::error::ApiError;
use crate::http::call::Call;
use crate::http::context::Context;
use crate::http::version::Version;
use dropshot::{Path, RequestContext};
use tmf683_generated::serving::{JsonBody, RawQuery, Reply};
use tmf683_generated::v4::{api, operations, types};

/// The v4 API.
pub enum V4 {}

type Answered<T> = Result<Reply<T>, ApiError>;

fn call(rqctx: &RequestContext<Context>) -> Call<'_> {
    Call::new(Version::V4, rqctx)
}

impl api::PartyInteractionApi for V4 {
    type Context = Context;

    async fn list_party_interaction(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::ListPartyInteractionQuery>,
    ) -> Answered<api::ListPartyInteractionResponse> {
        Ok(call(rqctx).list().await?.reply())
    }

    async fn create_party_interaction(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::CreatePartyInteractionQuery>,
        body: JsonBody<types::PartyInteractionCreate>,
    ) -> Answered<api::CreatePartyInteractionResponse> {
        let call = call(rqctx);
        let body =
            call.read(body, operations::CREATE_PARTY_INTERACTION.request_media_types).await?;
        Ok(call.create(&body).await?.reply())
    }

    async fn bulk_create_party_interaction(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::BulkCreatePartyInteractionQuery>,
        body: JsonBody<types::PartyInteractionCreations>,
    ) -> Answered<api::BulkCreatePartyInteractionResponse> {
        let call = call(rqctx);
        let taken = operations::BULK_CREATE_PARTY_INTERACTION.request_media_types;
        let body = call.read(body, taken).await?;
        Ok(call.create_several(&body).await?.reply())
    }

    async fn retrieve_party_interaction(
        rqctx: &RequestContext<Context>,
        path: Path<api::RetrievePartyInteractionPath>,
        _query: RawQuery<api::RetrievePartyInteractionQuery>,
    ) -> Answered<api::RetrievePartyInteractionResponse> {
        Ok(call(rqctx).retrieve(&path.into_inner().id).await?.reply())
    }

    async fn patch_party_interaction(
        rqctx: &RequestContext<Context>,
        path: Path<api::PatchPartyInteractionPath>,
        _query: RawQuery<api::PatchPartyInteractionQuery>,
        body: JsonBody<types::PartyInteractionUpdate>,
    ) -> Answered<api::PatchPartyInteractionResponse> {
        let call = call(rqctx);
        let taken = operations::PATCH_PARTY_INTERACTION.request_media_types;
        let patch = call.read_patch(body, taken).await?;
        Ok(call.patch(&path.into_inner().id, &patch).await?.reply())
    }

    async fn delete_party_interaction(
        rqctx: &RequestContext<Context>,
        path: Path<api::DeletePartyInteractionPath>,
    ) -> Answered<api::DeletePartyInteractionResponse> {
        Ok(call(rqctx).delete(&path.into_inner().id).await?.reply())
    }

    async fn register_listener(
        rqctx: &RequestContext<Context>,
        body: JsonBody<types::EventSubscriptionInput>,
    ) -> Answered<api::RegisterListenerResponse> {
        let call = call(rqctx);
        let body = call.read(body, operations::REGISTER_LISTENER.request_media_types).await?;
        Ok(call.subscribe(&body).await?.reply())
    }

    async fn list_events(
        rqctx: &RequestContext<Context>,
        _query: RawQuery<api::ListEventsQuery>,
    ) -> Answered<api::ListEventsResponse> {
        Ok(call(rqctx).events(&operations::LIST_EVENTS).await?.reply())
    }

    async fn unregister_listener(
        rqctx: &RequestContext<Context>,
        path: Path<api::UnregisterListenerPath>,
    ) -> Answered<api::UnregisterListenerResponse> {
        Ok(call(rqctx).unsubscribe(&path.into_inner().id).await?.reply())
    }
}
