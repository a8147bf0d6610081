//! Version 5.0.0: what new systems speak.

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
