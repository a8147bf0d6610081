//! Client for TM Forum's TMF683 Party Interaction Management, v4.0.0 and v5.0.0.
//!
//! One client per version, [`v4::Client`] and [`v5::Client`], with the same calls under the same
//! names. The models and the calls themselves are generated from the API documents; this crate adds
//! what a program wants around them: one error type that shows the server's TMF `Error`, a bound on
//! how long a call takes, repeats where they are safe, bearer tokens, ETags, and lists as streams.
//!
//! ```no_run
//! use futures::TryStreamExt;
//! use serde_json::json;
//! use tmf683_client::ListQuery;
//! use tmf683_client::v5::{Client, types::PartyInteractionFvo};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("http://127.0.0.1:8683/tmf-api/partyInteraction/v5")?;
//!
//! let call: PartyInteractionFvo = serde_json::from_value(json!({
//!     "@type": "PartyInteraction",
//!     "reason": "Invoice too high",
//!     "direction": "inbound",
//! }))?;
//! let created = client.create(&call).await?;
//! let id = created.id.as_deref().unwrap_or_default();
//!
//! let read = client.retrieve(id).await?;
//! let change = json!({"status": "completed"});
//! client.patch(id, &change).if_match(read.etag.as_deref().unwrap_or("*")).await?;
//!
//! let mut found = client.list(ListQuery::new().filter("status", "completed")).stream();
//! while let Some(interaction) = found.try_next().await? {
//!     println!("{}", interaction.reason.as_deref().unwrap_or("no reason"));
//! }
//!
//! // Several at once: all are recorded, or none.
//! let calls = vec![call; 100];
//! let recorded = client.create_all(&calls).idempotency_key("import-7").await?;
//! assert_eq!(recorded.len(), calls.len());
//! # Ok(())
//! # }
//! ```
//!
//! Receiving events is in `listener`, which the feature of that name brings. Who cannot be called reads
//! them: `client.events(EventQuery::new())`, see [`Events::stream`].
//!
//! # What is repeated
//!
//! A call takes up to three attempts by default, with growing, jittered waits between them; all of
//! it within the call's total timeout. A `Retry-After` of the server is honoured up to the longest
//! wait.
//!
//! | call | repeated |
//! |---|---|
//! | retrieve, list, events; delete and unsubscribe; merge patch without `If-Match`; create and create_all with `idempotency_key` | after connection errors, lost answers, and 429, 502, 503, 504 |
//! | everything else | only when no connection could be made, so that the server has seen nothing |
//!
//! A merge patch says what is to be, so applying it twice is applying it once. With `If-Match` its
//! repeat would meet its own success as a 412, and a JSON patch may append twice; both are left to
//! the caller. A delete that finds nothing (404) after an earlier attempt may have reached the
//! server has done its work, and succeeds.
//!
//! # Other vendors
//!
//! Answers are read leniently: `@type` and required members may be missing, members the document
//! does not name are kept in each model's `extra`, and every 2xx status is a success. Redirects are
//! not followed; they are errors that show the status. `create_all` is an operation that TMF630 suggests
//! and TM Forum's documents do not have, `events` is our own: a server that lacks them answers 405 and 404.
//!
//! # Numbers
//!
//! By default `serde_json` reads numbers as it always does, and `0.10` becomes `0.1`. The feature
//! `exact-numbers` keeps their spelling. It turns on `serde_json/arbitrary_precision`, which acts on
//! the whole program, so no library should enable it for others.

mod answer;
mod base;
mod builder;
mod call;
mod connection;
mod error;
mod events;
mod link;
mod list;
mod retry;
mod version;
mod written;

#[cfg(feature = "listener")]
pub mod listener;
pub mod v4;
pub mod v5;

pub use answer::Versioned;
pub use builder::Builder;
pub use call::{Call, kind};
pub use error::{Error, TmfError};
pub use events::{EventPage, EventQuery, Events};
pub use list::{ListQuery, Listing, Page};
