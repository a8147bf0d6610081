//! The edge: HTTP in, HTTP out. Versions meet only here; each becomes canonical on the way in and
//! a view on the way out.

pub mod admin;
mod answer;
mod auth;
mod body;
mod bulk;
mod call;
pub mod context;
mod creation;
mod feed;
mod hub;
mod idempotency;
mod interactions;
mod list;
pub mod load;
mod media;
mod patch;
pub mod schema;
pub mod system;
mod v4;
mod v5;
pub mod version;

pub use auth::Tokens;

use context::Context;
use dropshot::ApiDescription;
use version::Version;

/// Every route: each version at each of its bases, administration, health, and the documents.
pub fn api() -> anyhow::Result<ApiDescription<Context>> {
    let mut api = ApiDescription::new();
    for version in Version::ALL {
        for (number, base) in version.bases().iter().enumerate() {
            // Operation ids are unique in dropshot, so each base has a prefix of its own.
            let prefix = format!("{}_{number}_", version.name());
            match version {
                Version::V4 => {
                    tmf683_generated::v4::api::register::<v4::V4>(&mut api, base, &prefix)?
                }
                Version::V5 => {
                    tmf683_generated::v5::api::register::<v5::V5>(&mut api, base, &prefix)?
                }
            }
        }
    }
    tmf683_generated::admin_v1::api::register::<admin::Admin>(&mut api, admin::BASE, "admin_")?;
    system::register(&mut api)?;
    Ok(api)
}
