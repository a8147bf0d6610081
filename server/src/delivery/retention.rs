//! Takes events out of the log that need not be kept, in small batches between other writes.

use crate::config::Events;
use crate::store::contract::StoreError;
use crate::store::contract::delivery::{DeliveryStore, Retention};
use chrono::{SecondsFormat, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often to look for what is old.
const EVERY: Duration = Duration::from_secs(60);
/// Events of one transaction: a few milliseconds of the writer's time.
const BATCH: u32 = 500;

/// Runs until the store is closed; at once over when everything is kept.
pub(super) async fn run(store: Arc<dyn DeliveryStore>, settings: Events) {
    if settings.retention_hours == 0 && settings.retention_count == 0 {
        return;
    }
    loop {
        match store.prune(retention(&settings)).await {
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "old events were not removed"),
            Ok(pruned) => {
                if pruned.losers > 0 {
                    let (events, losers) = (pruned.events, pruned.losers);
                    tracing::warn!(
                        events,
                        losers,
                        "events were removed that some had still to get"
                    );
                }
                if pruned.events == u64::from(BATCH) {
                    continue;
                }
            }
        }
        sleep(EVERY).await;
    }
}

fn retention(settings: &Events) -> Retention {
    let now = Utc::now();
    let hours = i64::from(settings.retention_hours);
    // As events have it: RFC 3339 in UTC, to the millisecond.
    let older_than = (now - TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Millis, true);
    Retention {
        now: now.timestamp_millis(),
        older_than: (hours > 0).then_some(older_than),
        keep: (settings.retention_count > 0).then_some(settings.retention_count),
        beyond_cursors: settings.prune_beyond_cursors,
        most: BATCH,
    }
}
