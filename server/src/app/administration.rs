//! What an operator asks about subscriptions and deliveries, and does about them.

use super::{App, AppError};
use crate::store::contract::StoreResult;
use crate::store::contract::administration::{
    Administered, DeadDelivery, DeadQuery, Listed, ReplayFrom, State, SubscriptionStatus,
};

const SUBSCRIPTION: &str = "subscription";
const DELIVERY: &str = "delivery";

impl App {
    /// Subscriptions of every version, oldest first.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn subscriptions(
        &self,
        state: Option<State>,
        offset: u64,
        limit: u64,
    ) -> StoreResult<Listed<SubscriptionStatus>> {
        self.store.subscriptions(state, offset, Some(limit)).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Store`].
    pub async fn subscription(&self, id: &str) -> Result<SubscriptionStatus, AppError> {
        self.store.subscription(id).await?.ok_or_else(|| missing(SUBSCRIPTION, id))
    }

    /// Stops delivery to one until it is resumed.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Ended`], [`AppError::Store`].
    pub async fn pause(&self, id: &str) -> Result<SubscriptionStatus, AppError> {
        administered(self.store.pause(id.to_owned()).await?, SUBSCRIPTION, id)?;
        self.subscription(id).await
    }

    /// Goes on with delivery, at once.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub async fn resume(&self, id: &str) -> Result<SubscriptionStatus, AppError> {
        administered(self.store.resume(id.to_owned()).await?, SUBSCRIPTION, id)?;
        self.subscription(id).await
    }

    /// Delivers again from a point on.
    ///
    /// # Errors
    /// As [`Self::pause`], and [`AppError::NotKept`].
    pub async fn replay(&self, id: &str, from: ReplayFrom) -> Result<SubscriptionStatus, AppError> {
        administered(self.store.replay(id.to_owned(), from).await?, SUBSCRIPTION, id)?;
        self.subscription(id).await
    }

    /// Deliveries given up, and those to be tried again, oldest first.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn deliveries(
        &self,
        query: DeadQuery,
        offset: u64,
        limit: u64,
    ) -> StoreResult<Listed<DeadDelivery>> {
        self.store.dead(query, offset, Some(limit)).await
    }

    /// Has a delivery tried again. It is told as it was when it was queued: by the time of the
    /// answer it may be delivered and gone.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Ended`], [`AppError::Store`].
    pub async fn redeliver(&self, id: &str) -> Result<DeadDelivery, AppError> {
        let number = id.parse::<i64>().map_err(|_| missing(DELIVERY, id))?;
        let found = self.store.dead_delivery(number).await?;
        let found = found.ok_or_else(|| missing(DELIVERY, id))?;
        administered(self.store.redeliver(number).await?, DELIVERY, id)?;
        Ok(DeadDelivery { queued: true, ..found })
    }
}

fn administered(outcome: Administered, what: &'static str, id: &str) -> Result<(), AppError> {
    match outcome {
        Administered::Done => Ok(()),
        Administered::Missing => Err(missing(what, id)),
        Administered::Ended => Err(AppError::Ended),
        Administered::NotKept => Err(AppError::NotKept),
    }
}

fn missing(resource: &'static str, id: &str) -> AppError {
    AppError::NotFound { resource, id: id.to_owned() }
}
