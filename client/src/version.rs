//! The calls every version has, written once.
//!
//! The versions differ in the names of their operations and models, which is all the macro takes.

/// Makes the client of one version from its generated one.
macro_rules! client {
    (
        generated: $version:ident,
        create: $create:ident,
        subscribe: $subscribe:ident($subscription_input:ident) -> $subscription:ident,
        unsubscribe: $unsubscribe:ident,
        notify_created: $notify_created:ident($created:ident),
        notify_changed: $notify_changed:ident($changed:ident),
        notify_status_changed: $notify_status_changed:ident($status_changed:ident),
        notify_deleted: $notify_deleted:ident($deleted:ident),
    ) => {
        use std::sync::Arc;

        use futures::FutureExt;
        use tmf683_generated::$version::operations::{LIST_EVENTS, LIST_PARTY_INTERACTION};
        pub use tmf683_generated::$version::types;

        use crate::answer::Versioned;
        use crate::builder::Builder;
        use crate::call::{Call, kind};
        use crate::connection::Connection;
        use crate::error::Error;
        use crate::events::{EventQuery, Events};
        use crate::list::{ListQuery, Listing};
        use crate::retry::Repeat;
        use crate::{base, written};
        use types::PartyInteraction;

        type Generated = tmf683_generated::$version::client::Client;

        /// A client of one server. Clones share its connections.
        ///
        /// Every call can fail in the ways [`Error`] lists; which calls are repeated is told at the
        /// top of the crate.
        #[derive(Clone, Debug)]
        pub struct Client {
            generated: Generated,
            connection: Connection,
        }

        impl Client {
            /// A client of the API at `base`, such as
            #[doc = concat!("`http://127.0.0.1:8683/tmf-api/partyInteraction/", stringify!($version), "`,")]
            /// with default settings. Nothing is sent yet.
            ///
            /// # Errors
            ///
            /// [`Error::InvalidBase`] for an address that is not http or https or cannot be a base,
            /// [`Error::Setup`] where the HTTP client cannot be made.
            pub fn connect(base: &str) -> Result<Self, Error> {
                Self::builder(base).build()
            }

            /// A client of the API at `base` with settings of one's own.
            pub fn builder(base: &str) -> Builder<Self> {
                Builder::new(base, Self::new)
            }

            fn new(connection: Connection) -> Self {
                let hooks = written::keeping(connection.nowhere.clone());
                let (base, http) = (base::text(&connection.base), connection.http.clone());
                Self { generated: Generated::new_with_client(&base, http, hooks), connection }
            }

            /// Records an interaction. The answer has what the server set: `id`, `href`, dates.
            pub fn create<'a>(
                &'a self,
                interaction: &'a types::$create,
            ) -> Call<'a, Versioned<PartyInteraction>, kind::Create> {
                Call::new(move |options| {
                    async move {
                        let (fields, key) =
                            (options.fields.as_deref(), options.idempotency_key.as_deref());
                        let repeat = key.map_or(Repeat::Unseen, |_| Repeat::Freely);
                        let call =
                            self.generated.create_party_interaction(fields, key, interaction);
                        Ok(self.connection.call(repeat, call).await?.into())
                    }
                    .boxed()
                })
            }

            /// Records several interactions in one request, all or none, and gives them as they are
            /// stored, in the same order. An empty slice records nothing.
            pub fn create_all<'a>(
                &'a self,
                interactions: &'a [types::$create],
            ) -> Call<'a, Vec<PartyInteraction>, kind::Create> {
                let creation = |interaction: &types::$create| types::PartyInteractionCreation {
                    op: Some(types::PartyInteractionCreationOp::Add),
                    path: Some("/".to_owned()),
                    value: Some(interaction.clone()),
                    ..types::PartyInteractionCreation::default()
                };
                Call::new(move |options| {
                    async move {
                        let (fields, key) =
                            (options.fields.as_deref(), options.idempotency_key.as_deref());
                        let repeat = key.map_or(Repeat::Unseen, |_| Repeat::Freely);
                        let creations = interactions.iter().map(creation).collect();
                        let creations = types::PartyInteractionCreations(creations);
                        let call =
                            self.generated.bulk_create_party_interaction(fields, key, &creations);
                        Ok(self.connection.call(repeat, call).await?.body)
                    }
                    .boxed()
                })
            }

            /// One interaction, with its ETag.
            pub fn retrieve<'a>(
                &'a self,
                id: &'a str,
            ) -> Call<'a, Versioned<PartyInteraction>, kind::Retrieve> {
                Call::new(move |options| {
                    async move {
                        let (id, fields) = (base::segment(id)?, options.fields.as_deref());
                        let call = self.generated.retrieve_party_interaction(id, fields, None);
                        Ok(self.connection.call(Repeat::Freely, call).await?.into())
                    }
                    .boxed()
                })
            }

            /// One interaction if it no longer has the ETag `etag`; `None` if it is unchanged.
            pub async fn retrieve_if_changed(
                &self,
                id: &str,
                etag: &str,
            ) -> Result<Option<Versioned<PartyInteraction>>, Error> {
                let id = base::segment(id)?;
                let call = self.generated.retrieve_party_interaction(id, None, Some(etag));
                match self.connection.call(Repeat::Freely, call).await {
                    Ok(answer) => Ok(Some(answer.into())),
                    Err(error) if error.status() == Some(304) => Ok(None),
                    Err(error) => Err(error),
                }
            }

            /// Changes an interaction by a merge patch (RFC 7396): members replace members, null
            /// removes one, arrays are replaced whole. Gives the interaction as it is now.
            pub fn patch<'a>(
                &'a self,
                id: &'a str,
                patch: &'a serde_json::Value,
            ) -> Call<'a, Versioned<PartyInteraction>, kind::Patch> {
                Call::new(move |options| {
                    async move {
                        let (id, fields) = (base::segment(id)?, options.fields.as_deref());
                        let etag = options.if_match.as_deref();
                        let repeat = etag.map_or(Repeat::Freely, |_| Repeat::Unseen);
                        let call =
                            self.generated.merge_patch_party_interaction(id, fields, etag, patch);
                        Ok(self.connection.call(repeat, call).await?.into())
                    }
                    .boxed()
                })
            }

            /// Changes an interaction by a JSON patch (RFC 6902): all operations or none.
            pub fn json_patch<'a>(
                &'a self,
                id: &'a str,
                patch: &'a types::JsonPatchOperations,
            ) -> Call<'a, Versioned<PartyInteraction>, kind::Patch> {
                Call::new(move |options| {
                    async move {
                        let (id, fields) = (base::segment(id)?, options.fields.as_deref());
                        let etag = options.if_match.as_deref();
                        let call =
                            self.generated.json_patch_party_interaction(id, fields, etag, patch);
                        Ok(self.connection.call(Repeat::Unseen, call).await?.into())
                    }
                    .boxed()
                })
            }

            /// Changes an interaction by a JSON patch query: a JSON patch whose paths may select
            /// array elements by content (`/note?id=7`).
            pub fn json_patch_query<'a>(
                &'a self,
                id: &'a str,
                patch: &'a types::JsonPatchOperations,
            ) -> Call<'a, Versioned<PartyInteraction>, kind::Patch> {
                Call::new(move |options| {
                    async move {
                        let (id, fields) = (base::segment(id)?, options.fields.as_deref());
                        let etag = options.if_match.as_deref();
                        let call =
                            self.generated.json_patch_query_party_interaction(id, fields, etag, patch);
                        Ok(self.connection.call(Repeat::Unseen, call).await?.into())
                    }
                    .boxed()
                })
            }

            /// Deletes an interaction.
            pub fn delete<'a>(&'a self, id: &'a str) -> Call<'a, (), kind::Delete> {
                Call::new(move |options| {
                    async move {
                        let (id, etag) = (base::segment(id)?, options.if_match.as_deref());
                        let call = self.generated.delete_party_interaction(id, etag);
                        self.connection.delete(call).await
                    }
                    .boxed()
                })
            }

            /// The interactions that pass `query`, as pages or as a stream. Nothing is sent yet.
            pub fn list(&self, query: ListQuery) -> Listing<PartyInteraction> {
                let collection = base::below(&self.connection.base, LIST_PARTY_INTERACTION.path);
                let client = self.clone();
                let fetch = Arc::new(move |pairs: Vec<(String, String)>| {
                    let client = client.clone();
                    async move {
                        let pairs: Vec<(&str, &str)> =
                            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                        // All parameters are among the pairs.
                        let call = client.generated.list_party_interaction_filtered(
                            None, None, None, None, None, None, &pairs,
                        );
                        client.connection.call(Repeat::Freely, call).await
                    }
                    .boxed()
                });
                Listing::new(query, collection, fetch, |interaction| interaction.id.as_deref())
            }

            /// The events that pass `query`, for who cannot be called. Nothing is sent yet.
            pub fn events(&self, query: EventQuery) -> Events<types::Notification> {
                let log = base::below(&self.connection.base, LIST_EVENTS.path);
                let client = self.clone();
                let fetch = Arc::new(move |pairs: Vec<(String, String)>| {
                    let client = client.clone();
                    async move {
                        let pairs: Vec<(&str, &str)> =
                            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                        // All parameters are among the pairs.
                        let call = client.generated.list_events_filtered(None, None, None, &pairs);
                        client.connection.call(Repeat::Freely, call).await
                    }
                    .boxed()
                });
                Events::new(query, log, fetch)
            }

            /// Subscribes a callback to events.
            pub async fn subscribe(
                &self,
                subscription: &types::$subscription_input,
            ) -> Result<types::$subscription, Error> {
                let call = self.generated.$subscribe(subscription);
                Ok(self.connection.call(Repeat::Unseen, call).await?.body)
            }

            /// Ends a subscription.
            pub async fn unsubscribe(&self, id: &str) -> Result<(), Error> {
                let id = base::segment(id)?;
                self.connection.delete(self.generated.$unsubscribe(id)).await
            }

            /// Tells a listener that an interaction was created, as a server would. For trying out
            /// one's own listener: the client's base is then the listener's, and the path below it
            /// the one the document gives.
            pub async fn notify_created(&self, event: &types::$created) -> Result<(), Error> {
                self.connection.tell(self.generated.$notify_created(event)).await
            }

            /// Tells a listener that an attribute changed; see [`Self::notify_created`].
            pub async fn notify_changed(&self, event: &types::$changed) -> Result<(), Error> {
                self.connection.tell(self.generated.$notify_changed(event)).await
            }

            /// Tells a listener that the status changed; see [`Self::notify_created`].
            pub async fn notify_status_changed(
                &self,
                event: &types::$status_changed,
            ) -> Result<(), Error> {
                self.connection.tell(self.generated.$notify_status_changed(event)).await
            }

            /// Tells a listener that an interaction was deleted; see [`Self::notify_created`].
            pub async fn notify_deleted(&self, event: &types::$deleted) -> Result<(), Error> {
                self.connection.tell(self.generated.$notify_deleted(event)).await
            }
        }
    };
}
pub(crate) use client;
