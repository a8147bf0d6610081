//! What is asked of a store with so many generated interactions: each load goes through thousands of
//! ids, parties or bodies, as often as they occur.

use super::generate::{Generator, Random, Size, Traits};
use super::wrk::Load;

pub(super) const V5: &str = "/tmf-api/partyInteraction/v5/partyInteraction";
pub(super) const V4: &str = "/tmf-api/partyInteraction/v4/partyInteraction";

/// Two conditions on the same party: no index knows which belong together.
pub(super) const JSON_PATH: &str =
    "[?@.relatedParty[?@.role=='customer'%26%26@.partyOrPartyRole.name=='Ada%20Berg']]";

/// Targets or bodies that a load goes through.
const VARIANTS: u64 = 2_000;
/// Connections of a load with lists.
const LISTING: usize = 4;

/// Loads for a store with that many.
#[derive(Clone, Copy)]
pub(super) struct Loads {
    pub(super) documents: u64,
}

impl Loads {
    pub(super) fn get(self, base: &str) -> Load {
        let generator = Generator { documents: self.documents, size: Size::Small };
        let targets = self.numbers().map(|number| format!("{base}/{}", generator.id(number)));
        Load::get("GET by id, 32 connections", 32, targets.collect())
    }

    pub(super) fn post(self, connections: usize, size: Size) -> Load {
        let generator = Generator { documents: self.documents, size };
        let bodies: Vec<String> = self.numbers().map(|number| generator.body(number)).collect();
        let what = match (size, connections) {
            (Size::Small, 1) => "POST, 1 connection".to_owned(),
            (Size::Small, _) => format!("POST, {connections} connections"),
            (Size::Large, _) => format!("POST of 3.5 KB, {connections} connections"),
        };
        Load::post(&what, connections, V5, &bodies)
    }

    pub(super) fn by_party(self) -> Load {
        self.list("20 of a party", |of| {
            format!("relatedParty.partyOrPartyRole.id={}&limit=20", of.party)
        })
    }

    /// Of three fifths of all.
    pub(super) fn by_status(self) -> Load {
        self.list("20 completed", |_| "status=completed&limit=20".to_owned())
    }

    pub(super) fn by_status_and_channel(self) -> Load {
        self.list("20 completed of a channel", |of| {
            format!("status=completed&relatedChannel.channel.id={}&limit=20", of.channel)
        })
    }

    pub(super) fn first_page(self) -> Load {
        self.list("20 of all", |_| "limit=20".to_owned())
    }

    /// Nine tenths of the way.
    pub(super) fn deep_page(self) -> Load {
        let offset = self.documents / 10 * 9;
        self.list("20 of all, at 9/10 of them", |_| format!("offset={offset}&limit=20"))
    }

    pub(super) fn latest(self) -> Load {
        self.list("20 by sort=-creationDate", |_| "sort=-creationDate&limit=20".to_owned())
    }

    /// The index finds the party's, and the path is asked of each.
    pub(super) fn by_json_path(self) -> Load {
        self.list("20 of a party, with a JSONPath", |of| {
            let party = format!("relatedParty.partyOrPartyRole.id={}", of.party);
            format!("{party}&filter={JSON_PATH}&limit=20")
        })
    }

    pub(super) fn count(self) -> Load {
        self.list("count of a status", |of| format!("status={}&limit=0", of.status))
    }

    /// The lists that the plain server can answer too.
    pub(super) fn plain_lists(self) -> Vec<Load> {
        vec![
            self.by_party(),
            self.by_status(),
            self.by_status_and_channel(),
            self.first_page(),
            self.deep_page(),
        ]
    }

    /// All lists.
    pub(super) fn lists(self) -> Vec<Load> {
        let others = [self.latest(), self.by_json_path(), self.count()];
        self.plain_lists().into_iter().chain(others).collect()
    }

    fn list(self, name: &str, query: impl Fn(&Traits) -> String) -> Load {
        let targets = self.numbers().map(|number| format!("{V5}?{}", query(&Traits::of(number))));
        Load::get(name, LISTING, targets.collect())
    }

    /// Of documents in no order.
    fn numbers(self) -> impl Iterator<Item = u64> {
        let mut random = Random::new(self.documents);
        (0..VARIANTS).map(move |_| random.below(self.documents))
    }
}
