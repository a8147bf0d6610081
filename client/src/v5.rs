//! Version 5.0.0: what new systems speak. On top of v4's calls it has JSON patch.

crate::version::client! {
    generated: v5,
    create: PartyInteractionFvo,
    subscribe: create_hub(HubFvo) -> Hub,
    unsubscribe: hub_delete,
    notify_created: party_interaction_create_event(PartyInteractionCreateEvent),
    notify_changed: party_interaction_attribute_value_change_event(
        PartyInteractionAttributeValueChangeEvent
    ),
    notify_status_changed: party_interaction_status_change_event(PartyInteractionStatusChange),
    notify_deleted: party_interaction_delete_event(PartyInteractionDeleteEvent),
}

impl Client {
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
                let call = self.generated.json_patch_party_interaction(id, fields, etag, patch);
                Ok(self.connection.call(Repeat::Unseen, call).await?.into())
            }
            .boxed()
        })
    }

    /// Changes an interaction by a JSON patch query: a JSON patch whose paths may select array
    /// elements by content (`/note?id=7`).
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
}
