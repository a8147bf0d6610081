//! Follows the log: each new event is read once, parsed once, and handed to those who want it.
//!
//! Woken by commits of this process; what other processes write to the same store is found by looking
//! now and then. Reads nothing while nobody is live.

use super::live::Registry;
use crate::store::contract::StoreError;
use crate::store::contract::delivery::DeliveryStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

/// Events read at a time.
const PAGE: u32 = 128;
/// How long an event written by another process may wait to be seen.
const LOOK: Duration = Duration::from_secs(1);
/// How often subscriptions for which there is nothing learn how far they are.
const MARK: Duration = Duration::from_secs(5);
/// How long to wait when the log cannot be read.
const TROUBLE: Duration = Duration::from_secs(1);

/// Runs until the store is closed.
pub(super) async fn run(registry: Arc<Registry>, store: Arc<dyn DeliveryStore>) {
    let mut marked = Instant::now();
    loop {
        let position = registry.position().await;
        let page = match store.events_after(position, PAGE).await {
            Ok(page) => page,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "the event log cannot be read");
                sleep(TROUBLE).await;
                continue;
            }
        };
        for logged in page.events {
            registry.hand_over(position, logged);
            // A thousand filters take their time, and others want this thread as well.
            yield_now().await;
        }
        registry.pass(position, page.read_to);
        if marked.elapsed() >= MARK {
            marked = Instant::now();
            registry.mark();
        }
        if page.read_to >= page.head {
            // Time being up is as good a reason to look as news.
            if let Ok(Err(_)) = timeout(LOOK, store.log_beyond(page.read_to)).await {
                return;
            }
        }
    }
}
