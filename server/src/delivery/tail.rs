//! The log, and those who are told as it grows: what delivery and the feed share.

use super::live::Registry;
use crate::store::contract::delivery::DeliveryStore;
use std::sync::Arc;

/// One per process, so that each new event is read once. Clones are the same.
#[derive(Clone)]
pub struct Tail {
    pub(super) store: Arc<dyn DeliveryStore>,
    pub(super) registry: Arc<Registry>,
}

impl Tail {
    /// Of the log of a store. The engine keeps it moving.
    pub fn of(store: Arc<dyn DeliveryStore>) -> Self {
        Self { store, registry: Arc::default() }
    }
}
