//! Version 4.0.0: what deployed systems speak.

crate::version::client! {
    generated: v4,
    create: PartyInteractionCreate,
    subscribe: register_listener(EventSubscriptionInput) -> EventSubscription,
    unsubscribe: unregister_listener,
    notify_created: listen_to_party_interaction_create_event(PartyInteractionCreateEvent),
    notify_changed: listen_to_party_interaction_attribute_value_change_event(
        PartyInteractionAttributeValueChangeEvent
    ),
    notify_status_changed: listen_to_party_interaction_status_change_event(
        PartyInteractionStatusChangeEvent
    ),
    notify_deleted: listen_to_party_interaction_delete_event(PartyInteractionDeleteEvent),
}
