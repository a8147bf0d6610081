//! What the scenarios of delivery have in common: to subscribe, and to watch through the admin API how it
//! goes until it has come to what is expected.

use harness::{Caller, DEADLINE};
use serde_json::{Value, json};
use tokio::time::timeout;

pub use harness::eventually;

/// Subscribes, which must succeed; answers the subscription's id.
pub async fn subscribe(caller: &Caller, callback: &str, query: Option<&str>) -> String {
    let mut body = caller.api.subscription(callback);
    if let Some(query) = query {
        body["query"] = json!(query);
    }
    caller.post("/hub", &body).await.is(201).id()
}

/// A subscription as the admin API shows it.
pub async fn state_of(admin: &Caller, subscription: &str) -> Value {
    admin.get(&format!("/subscriptions/{subscription}")).await.is(200).json()
}

/// Waits until a subscription is shown as expected, and answers how.
pub async fn until(admin: &Caller, subscription: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let wait = async {
        while {
            last = state_of(admin, subscription).await;
            !holds(&last)
        } {
            tokio::task::yield_now().await;
        }
    };
    let in_time = timeout(DEADLINE, wait).await.is_ok();
    assert!(in_time, "it stays at {last}");
    last
}

/// Waits until so many events are ahead of a subscription.
pub async fn lag_is(admin: &Caller, subscription: &str, lag: u64) {
    until(admin, subscription, |now| now["lag"] == lag).await;
}
