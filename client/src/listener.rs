//! Receiving events: the other end of a subscription.
//!
//! A server posts each event to the callback that was registered at its hub, at least once, in
//! order per interaction, until it is acknowledged. What receives them has to verify that they come
//! from the server, to recognise repeats, and to acknowledge only what it has dealt with. That is
//! what is here; the feature `listener` brings it.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use serde_json::json;
//! use tmf683_client::listener::{Listener, Receiver};
//! use tmf683_client::v5::Client;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let receiver = Receiver::v5(|event| async move {
//!     let id = event.interaction().and_then(|interaction| interaction.id.as_deref());
//!     println!("{} {id:?}", event.kind());
//!     Ok::<_, std::io::Error>(())
//! })
//! .secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?);
//! let listener = Listener::new(receiver).start("127.0.0.1:9683".parse()?).await?;
//!
//! let client = Client::connect("http://127.0.0.1:8683/tmf-api/partyInteraction/v5")?;
//! let callback = json!({"@type": "Hub", "callback": "http://127.0.0.1:9683/events"});
//! let subscription = client.subscribe(&serde_json::from_value(callback)?).await?;
//!
//! tokio::signal::ctrl_c().await?;
//! client.unsubscribe(subscription.id.as_deref().unwrap_or_default()).await?;
//! listener.stop(Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Listener`] is a server of its own. Who has one already gives requests to a [`Receiver`]:
//! headers and body go in, the answer comes out.
//!
//! # What is promised to the handler
//!
//! - It is called only with events that are signed, where a secret is set, and can be read.
//! - It is not called again for an event it has returned `Ok` for, as long as the event is
//!   [remembered](Seen), and never twice at the same time for one event: a repeat that comes
//!   meanwhile is told to come back (503, `Retry-After`).
//! - An error, a panic or a timeout of it acknowledges nothing, and the event comes again. Errors
//!   go to `tracing`, not to the sender, and so does the reason of every refusal.
//!
//! Events are known by their `eventId`. A sender that leaves it out gets no such promise: each of
//! its notifications is handed over.
//!
//! | answer | why |
//! |---|---|
//! | 204 (201 at v4's own paths) | handled, now or before |
//! | 400 | not an event of this API: not JSON, unknown `eventType`, members of the wrong type |
//! | 401 | a signature is missing, wrong or too old |
//! | 405, 408, 413, 415 | not a POST, too slow, too large, not plain JSON |
//! | 500, 503 | the handler panicked; failed, is busy, or has this event in hand |
//!
//! # Verifying in any language
//!
//! Signed notifications follow Standard Webhooks 1.0, so its libraries can verify them. By hand:
//!
//! 1. Keep the body as the bytes that came. Parsing and writing it again changes it.
//! 2. Take the headers `webhook-id`, `webhook-timestamp` (seconds since 1970, decimal) and
//!    `webhook-signature`. One missing: refuse. The timestamp more than 5 minutes away from your
//!    clock, either way: refuse, or an old request could be replayed.
//! 3. The key is the secret without `whsec_`, base64-decoded.
//! 4. The signed bytes are the id, a dot, the timestamp, a dot, the body, as they came.
//! 5. Compute HMAC-SHA256 over them with the key, and base64-encode it (standard alphabet, padded).
//! 6. `webhook-signature` is a list separated by blanks; while a secret is being replaced it has
//!    several. Accept if one entry is `v1,` followed by your result; compare in constant time.
//!    Ignore entries that begin otherwise.
//! 7. Answer 401 to what you refuse; 2xx only when the event is safe with you.
//!
//! With secret `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`, id `msg_p5jXN8AQM9LWM0D4loKWxJek`,
//! timestamp `1614265330` and body `{"test": 2432232314}` the signature is
//! `v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=`.

mod event;
mod receiver;
mod refused;
mod seen;
mod server;
mod signature;
pub mod v4;
pub mod v5;

pub use event::{Kind, Notification, Wire};
pub use receiver::{Received, Receiver};
pub use refused::Refused;
pub use seen::{Seen, SeenInMemory};
pub use server::{Context, ListenError, Listener, Running};
pub use signature::{InvalidSecret, Secret};

/// Why an event could not be handled. Every error type and every text becomes one.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;
