//! Events as version 5.0.0 writes them.

super::event::events! {
    generated: v5,
    created: PartyInteractionCreateEvent
        by party_interaction_create_event
        -> PartyInteractionCreateEventResponse,
    changed: PartyInteractionAttributeValueChangeEvent
        by party_interaction_attribute_value_change_event
        -> PartyInteractionAttributeValueChangeEventResponse,
    status_changed: PartyInteractionStatusChange
        by party_interaction_status_change_event
        -> PartyInteractionStatusChangeEventResponse,
    deleted: PartyInteractionDeleteEvent
        by party_interaction_delete_event
        -> PartyInteractionDeleteEventResponse,
}
