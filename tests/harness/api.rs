//! The APIs under test: each version at each of its bases, and a body every one of them takes.

use serde_json::{Value, json};

/// A version of TMF683.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Version {
    /// v4.0.0
    V4,
    /// v5.0.0
    V5,
}

/// A version at a base.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Api {
    /// What it speaks.
    pub version: Version,
    /// Where its paths hang.
    pub base: &'static str,
}

/// Every API the server serves; the table that runs each scenario for all of them.
pub static APIS: [Api; 3] = [Api::V4, Api::V4_SHORT, Api::V5];

impl Api {
    /// v4 at TM Forum's base.
    pub const V4: Self = Self { version: Version::V4, base: "/tmf-api/partyInteraction/v4" };
    /// v4 at the base of the reference vendor.
    pub const V4_SHORT: Self = Self { version: Version::V4, base: "/partyInteraction/v4" };
    /// v5 at TM Forum's base.
    pub const V5: Self = Self { version: Version::V5, base: "/tmf-api/partyInteraction/v5" };
    /// The operator's. It has no version of TMF683, so nothing is asked of it that depends on one.
    pub const ADMIN: Self = Self { version: Version::V5, base: "/admin/v1" };

    /// A create body with the mandatory members, and one party.
    pub fn sample(&self, reason: &str) -> Value {
        let mut body = json!({
            "reason": reason,
            "direction": "inbound",
            "status": "opened",
            "description": "The customer called",
            "interactionDate": {
                "startDateTime": "2020-10-02T11:36:18.758Z",
                "endDateTime": "2020-10-02T11:53:21.789Z"
            },
        });
        if self.version == Version::V5 {
            body["@type"] = json!("PartyInteraction");
        }
        body[self.channels()] = json!([self.channel("7", "Call centre")]);
        body["relatedParty"] = json!([self.party("42", "Ada", "customer")]);
        body
    }

    /// An entry of [`Self::channels`].
    pub fn channel(&self, id: &str, name: &str) -> Value {
        let href = format!("https://host.example/channel/{id}");
        match self.version {
            Version::V4 => json!({"id": id, "href": href, "name": name, "role": "creation"}),
            Version::V5 => json!({"@type": "RelatedChannel", "role": "creation",
                "channel": {"@type": "ChannelRef", "id": id, "href": href, "name": name}}),
        }
    }

    /// An entry of `relatedParty`.
    pub fn party(&self, id: &str, name: &str, role: &str) -> Value {
        let href = format!("https://host.example/party/{id}");
        match self.version {
            Version::V4 => json!({"id": id, "href": href, "name": name, "role": role,
                "@referredType": "Individual"}),
            Version::V5 => json!({"@type": "RelatedPartyOrPartyRole", "role": role,
                "partyOrPartyRole": {"@type": "PartyRef", "id": id, "href": href, "name": name,
                    "@referredType": "Individual"}}),
        }
    }

    /// An entry of `note`.
    pub fn note(&self, id: &str, text: &str) -> Value {
        match self.version {
            Version::V4 => json!({"id": id, "text": text}),
            Version::V5 => json!({"@type": "Note", "id": id, "text": text}),
        }
    }

    /// What this version calls the array of channels.
    pub fn channels(&self) -> &'static str {
        match self.version {
            Version::V4 => "channel",
            Version::V5 => "relatedChannel",
        }
    }

    /// A subscription.
    pub fn subscription(&self, callback: &str) -> Value {
        match self.version {
            Version::V4 => json!({"callback": callback}),
            Version::V5 => json!({"@type": "Hub", "callback": callback}),
        }
    }
}

/// One API is a table of one.
impl IntoIterator for Api {
    type Item = Self;
    type IntoIter = std::iter::Once<Self>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self)
    }
}

impl std::fmt::Display for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.base)
    }
}
