//! Events as version 4.0.0 writes them.

super::event::events! {
    generated: v4,
    created: PartyInteractionCreateEvent
        by listen_to_party_interaction_create_event
        -> ListenToPartyInteractionCreateEventResponse,
    changed: PartyInteractionAttributeValueChangeEvent
        by listen_to_party_interaction_attribute_value_change_event
        -> ListenToPartyInteractionAttributeValueChangeEventResponse,
    status_changed: PartyInteractionStatusChangeEvent
        by listen_to_party_interaction_status_change_event
        -> ListenToPartyInteractionStatusChangeEventResponse,
    deleted: PartyInteractionDeleteEvent
        by listen_to_party_interaction_delete_event
        -> ListenToPartyInteractionDeleteEventResponse,
}
