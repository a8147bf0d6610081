//! Both versions' traits, implemented by a context that only says what it was asked.

use std::future::Future;

use dropshot::{
    ApiDescription, Body, ErrorStatusCode, HttpError, HttpResponseError, Path, RequestContext,
};
use http::{HeaderMap, Response, StatusCode};
use tmf683_generated::serving::{
    BodyError, Documented, Guard, JsonBody, Operation, PathMethods, RawQuery, Reply,
};
use tmf683_generated::{v4, v5};

pub(crate) struct Stub;

/// An error with the document's body. Both versions write it alike.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub(crate) struct Refused(v5::types::Error);

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        let reason = Some(error.external_message);
        Self(v5::types::Error { reason, ..Default::default() })
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl HttpResponseError for Refused {
    fn status_code(&self) -> ErrorStatusCode {
        ErrorStatusCode::BAD_REQUEST
    }
}

impl Guard for Stub {
    type Error = Refused;

    async fn guard<F>(
        rqctx: &RequestContext<Self>,
        operation: &'static Operation,
        run: F,
    ) -> Result<Response<Body>, Refused>
    where
        F: Future<Output = Result<Response<Body>, Refused>> + Send,
    {
        if rqctx.request.headers().contains_key("x-refuse") {
            return Err(HttpError::for_bad_request(None, operation.id.to_owned()).into());
        }
        run.await
    }

    async fn method_not_allowed(
        _: &RequestContext<Self>,
        path: &'static PathMethods,
    ) -> Result<Response<Body>, Refused> {
        let response = Response::builder().status(405).header("allow", path.allowed.join(", "));
        response.body(Body::empty()).map_err(|error| HttpError::from(error).into())
    }
}

pub(crate) type Answer<S> = Result<Reply<S>, Refused>;

pub(crate) fn said<S: Documented>(text: String) -> Reply<S> {
    Reply::success(HeaderMap::new(), text.into())
}

pub(crate) async fn heard<S: Documented, T>(body: JsonBody<T>) -> Answer<S> {
    let media_type = body.media_type().unwrap_or_default();
    match body.read(16).await {
        Ok(bytes) => Ok(said(format!("{media_type} {}", String::from_utf8_lossy(&bytes)))),
        Err(BodyError::TooLarge) => {
            Ok(Reply::new(StatusCode::PAYLOAD_TOO_LARGE, HeaderMap::new(), Body::empty()))
        }
        Err(error) => Err(HttpError::for_bad_request(None, error.to_string()).into()),
    }
}

macro_rules! stub {
    ($version:ident, $create_hub:ident($hub:ident) -> $hub_answer:ident,
     $delete_hub:ident($hub_path:ident) -> $delete_answer:ident,
     $create:ident, $update:ident, [$($listen:ident($event:ident) -> $heard:ident),*]) => {
        impl $version::api::PartyInteractionApi for Stub {
            type Context = Self;

            async fn $create_hub(
                _: &RequestContext<Self>,
                body: JsonBody<$version::types::$hub>,
            ) -> Answer<$version::api::$hub_answer> {
                heard(body).await
            }

            async fn $delete_hub(
                _: &RequestContext<Self>,
                _: Path<$version::api::$hub_path>,
            ) -> Answer<$version::api::$delete_answer> {
                Ok(said(String::new()))
            }

            async fn list_party_interaction(
                _: &RequestContext<Self>,
                query: RawQuery<$version::api::ListPartyInteractionQuery>,
            ) -> Answer<$version::api::ListPartyInteractionResponse> {
                Ok(said(query.raw().to_owned()))
            }

            async fn list_events(
                _: &RequestContext<Self>,
                query: RawQuery<$version::api::ListEventsQuery>,
            ) -> Answer<$version::api::ListEventsResponse> {
                Ok(said(query.raw().to_owned()))
            }

            async fn create_party_interaction(
                _: &RequestContext<Self>,
                _: RawQuery<$version::api::CreatePartyInteractionQuery>,
                body: JsonBody<$version::types::$create>,
            ) -> Answer<$version::api::CreatePartyInteractionResponse> {
                heard(body).await
            }

            async fn bulk_create_party_interaction(
                _: &RequestContext<Self>,
                _: RawQuery<$version::api::BulkCreatePartyInteractionQuery>,
                body: JsonBody<$version::types::PartyInteractionCreations>,
            ) -> Answer<$version::api::BulkCreatePartyInteractionResponse> {
                heard(body).await
            }

            async fn retrieve_party_interaction(
                _: &RequestContext<Self>,
                path: Path<$version::api::RetrievePartyInteractionPath>,
                _: RawQuery<$version::api::RetrievePartyInteractionQuery>,
            ) -> Answer<$version::api::RetrievePartyInteractionResponse> {
                Ok(said(path.into_inner().id))
            }

            async fn patch_party_interaction(
                _: &RequestContext<Self>,
                _: Path<$version::api::PatchPartyInteractionPath>,
                _: RawQuery<$version::api::PatchPartyInteractionQuery>,
                body: JsonBody<$version::types::$update>,
            ) -> Answer<$version::api::PatchPartyInteractionResponse> {
                heard(body).await
            }

            async fn delete_party_interaction(
                _: &RequestContext<Self>,
                _: Path<$version::api::DeletePartyInteractionPath>,
            ) -> Answer<$version::api::DeletePartyInteractionResponse> {
                Ok(said(String::new()))
            }
        }

        impl $version::api::ListenerApi for Stub {
            type Context = Self;

            $(
                async fn $listen(
                    _: &RequestContext<Self>,
                    body: JsonBody<$version::types::$event>,
                ) -> Answer<$version::api::$heard> {
                    heard(body).await
                }
            )*
        }
    };
}

stub!(
    v4, register_listener(EventSubscriptionInput) -> RegisterListenerResponse,
    unregister_listener(UnregisterListenerPath) -> UnregisterListenerResponse,
    PartyInteractionCreate, PartyInteractionUpdate,
    [
        listen_to_party_interaction_create_event(PartyInteractionCreateEvent)
            -> ListenToPartyInteractionCreateEventResponse,
        listen_to_party_interaction_attribute_value_change_event(
            PartyInteractionAttributeValueChangeEvent)
            -> ListenToPartyInteractionAttributeValueChangeEventResponse,
        listen_to_party_interaction_delete_event(PartyInteractionDeleteEvent)
            -> ListenToPartyInteractionDeleteEventResponse,
        listen_to_party_interaction_status_change_event(PartyInteractionStatusChangeEvent)
            -> ListenToPartyInteractionStatusChangeEventResponse
    ]
);

stub!(
    v5, create_hub(HubFvo) -> CreateHubResponse,
    hub_delete(HubDeletePath) -> HubDeleteResponse,
    PartyInteractionFvo, PartyInteractionMvo,
    [
        party_interaction_create_event(PartyInteractionCreateEvent)
            -> PartyInteractionCreateEventResponse,
        party_interaction_attribute_value_change_event(PartyInteractionAttributeValueChangeEvent)
            -> PartyInteractionAttributeValueChangeEventResponse,
        party_interaction_delete_event(PartyInteractionDeleteEvent)
            -> PartyInteractionDeleteEventResponse,
        party_interaction_status_change_event(PartyInteractionStatusChange)
            -> PartyInteractionStatusChangeEventResponse
    ]
);

/// Both sides of one version at the root.
pub(crate) fn one(version: &str) -> ApiDescription<Stub> {
    let mut api = ApiDescription::new();
    match version {
        "v4" => {
            v4::api::register::<Stub>(&mut api, "", "").unwrap();
            v4::api::register_listener::<Stub>(&mut api, "", "").unwrap();
        }
        "admin" => return super::admin::admin(),
        _ => {
            v5::api::register::<Stub>(&mut api, "", "").unwrap();
            v5::api::register_listener::<Stub>(&mut api, "", "").unwrap();
        }
    }
    api
}

/// Both versions at their bases, one of them twice.
pub(crate) fn all() -> ApiDescription<Stub> {
    let mut api = ApiDescription::new();
    v4::api::register::<Stub>(&mut api, "/tmf-api/partyInteraction/v4", "v4.").unwrap();
    v4::api::register::<Stub>(&mut api, "/partyInteraction/v4", "short.").unwrap();
    v5::api::register::<Stub>(&mut api, "/tmf-api/partyInteraction/v5/", "v5.").unwrap();
    api
}
