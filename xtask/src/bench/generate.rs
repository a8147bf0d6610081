//! Interactions to measure with: document by document from its number, the same in every run.
//!
//! What decides the cost of a query is how often values occur, so that is made like a company's: a
//! quarter of a million parties of whom few call often, three dozen channels of which few are busy,
//! most interactions completed, two years in the order they happened. The words mean nothing.

use chrono::{DateTime, SecondsFormat};

/// Draws everything; another one would make another company.
const SEED: u64 = 0x0683_0683_0683_0683;
/// Numbers of parties are below this.
pub(super) const PARTIES: u64 = 300_000;
/// Numbers of channels are below this.
pub(super) const CHANNELS: u64 = 36;
/// Days over which the interactions are spread.
const DAYS: u64 = 730;
const SECONDS_A_DAY: u64 = 86_400;
/// 2024-01-01T00:00:00Z.
const FIRST_SECOND: u64 = 1_704_067_200;

#[rustfmt::skip]
const GIVEN: [&str; 16] = [
    "Ada", "Bela", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hana", "Ivo", "Jorge", "Katja", "Lars",
    "Mina", "Noor", "Otto", "Pia",
];
#[rustfmt::skip]
const FAMILY: [&str; 16] = [
    "Adler", "Berg", "Costa", "Duarte", "Eriksen", "Fonseca", "Gruber", "Haas", "Ito", "Janssen", "Keller",
    "Lopez", "Moreau", "Novak", "Okafor", "Petrov",
];
#[rustfmt::skip]
const WORDS: [&str; 32] = [
    "invoice", "roaming", "router", "contract", "refund", "delivery", "asked", "explained", "call", "again",
    "customer", "satisfied", "upgrade", "fibre", "mobile", "number", "address", "changed", "technician",
    "appointment", "cancelled", "because", "of", "the", "a", "new", "old", "in", "with", "after", "late",
    "price",
];

/// How much is said in an interaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Size {
    /// About 650 bytes as it is posted: one party, one channel, a note.
    Small,
    /// About 3.5 KB: what a desk keeps of a long case.
    Large,
}

/// The interactions of a company that has had so many of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generator {
    pub(super) documents: u64,
    pub(super) size: Size,
}

/// What lists are filtered by.
pub(super) struct Traits {
    pub(super) party: u64,
    pub(super) channel: u64,
    pub(super) status: &'static str,
}

impl Generator {
    /// A line of an import, in v5's shape: with an id, and dates in the order of the numbers.
    pub(super) fn line(&self, number: u64) -> String {
        let mut text = self.document(number);
        let (start, end) = (time(self.second(number)), time(self.second(number) + 600));
        let id = self.id(number);
        text.pop();
        text + &format!(
            r#","id":"{id}","creationDate":"{start}","lastUpdate":"{end}","statusChangeDate":"{end}"}}"#
        )
    }

    /// The same as it is posted: what the server sets is left out.
    pub(super) fn body(&self, number: u64) -> String {
        self.document(number)
    }

    /// Where the interaction of an import is found.
    pub(super) fn id(&self, number: u64) -> String {
        id(number, self.second(number))
    }

    fn second(&self, number: u64) -> u64 {
        FIRST_SECOND + number * DAYS * SECONDS_A_DAY / self.documents.max(1)
    }

    /// Written as text, whose words need no escaping: there may be ten million of them.
    fn document(&self, number: u64) -> String {
        let traits = Traits::of(number);
        let mut random = Random::new(number ^ 0x5EED);
        let start = self.second(number);
        let (description, notes, said, items) = match self.size {
            Size::Small => (15, 1, 15, 0),
            Size::Large => (300, 4, 75, 3),
        };
        let mut parties = party("customer", traits.party);
        if items > 0 {
            parties = parties + "," + &party("agent", PARTIES + random.below(2_000));
        }
        let mut text = format!(
            r#"{{"@type":"PartyInteraction","reason":"{}","direction":"{}","status":"{}","description":"{}","interactionDate":{},"relatedChannel":[{}],"relatedParty":[{parties}],"note":[{}]"#,
            reason(&mut random),
            if random.below(4) == 0 { "outbound" } else { "inbound" },
            traits.status,
            random.words(description),
            period(start, 600),
            channel(traits.channel),
            joined(notes, || note(&mut random, start, said)),
        );
        if items > 0 {
            let items = joined(items, || item(&mut random, start));
            text += &format!(
                r#","interactionItem":[{items}],"attachment":[{}]"#,
                attachment(&mut random)
            );
        }
        if random.below(5) == 0 {
            text += &format!(
                r#","externalIdentifier":[{{"@type":"ExternalIdentifier","id":"CRM-{}","owner":"crm","externalIdentifierType":"ticket"}}]"#,
                random.below(1 << 30)
            );
        }
        if random.below(10) == 0 {
            text += &format!(r#","vip":{{"level":{}}}"#, 1 + random.below(5));
        }
        text + "}"
    }
}

impl Traits {
    pub(super) fn of(number: u64) -> Self {
        let mut random = Random::new(number);
        Self {
            party: random.skewed(PARTIES),
            channel: random.skewed(CHANNELS),
            status: match random.below(20) {
                0..12 => "completed",
                12..17 => "opened",
                _ => "inProgress",
            },
        }
    }
}

fn party(role: &str, number: u64) -> String {
    let mut random = Random::new(number ^ 0xDA7A);
    let (given, family) = (random.one_of(&GIVEN), random.one_of(&FAMILY));
    format!(
        r#"{{"@type":"RelatedPartyOrPartyRole","role":"{role}","partyOrPartyRole":{{"@type":"PartyRef","id":"{number}","name":"{given} {family}","@referredType":"Individual"}}}}"#
    )
}

fn channel(number: u64) -> String {
    format!(
        r#"{{"@type":"RelatedChannel","role":"creation","channel":{{"@type":"ChannelRef","id":"{number}","name":"Channel {number}"}}}}"#
    )
}

fn note(random: &mut Random, second: u64, bytes: usize) -> String {
    let (author, date) = (random.one_of(&GIVEN), time(second));
    let text = random.words(bytes);
    format!(r#"{{"@type":"Note","author":"{author}","date":"{date}","text":"{text}"}}"#)
}

fn item(random: &mut Random, second: u64) -> String {
    format!(
        r#"{{"@type":"InteractionItem","interactionItemType":"complaint","itemDate":{},"reason":"{}","resolution":"{}","item":{{"@type":"RelatedEntityRefOrValue","role":"subject","entity":{{"@type":"EntityRef","id":"{}","name":"{}","@referredType":"ProductOrder"}}}}}}"#,
        period(second, 300),
        reason(random),
        random.words(120),
        random.below(1 << 30),
        random.words(20),
    )
}

fn attachment(random: &mut Random) -> String {
    format!(
        r#"{{"@type":"Attachment","attachmentType":"document","mimeType":"application/pdf","name":"{}","url":"https://files.example/{}"}}"#,
        random.words(20),
        random.below(1 << 30),
    )
}

fn period(second: u64, seconds: u64) -> String {
    let (start, end) = (time(second), time(second + seconds));
    format!(r#"{{"startDateTime":"{start}","endDateTime":"{end}"}}"#)
}

/// So many, as an array has them.
fn joined(count: usize, make: impl FnMut() -> String) -> String {
    std::iter::repeat_with(make).take(count).collect::<Vec<_>>().join(",")
}

fn reason(random: &mut Random) -> String {
    let at = usize::try_from(random.skewed(24)).unwrap_or_default();
    format!("{} {}", WORDS[at % 6], WORDS[6 + at / 6])
}

/// A UUID of version 7, which are in the order of time, as the server's own are.
fn id(number: u64, second: u64) -> String {
    let mut random = Random::new(number ^ 0x1D);
    let (milliseconds, a, b) = (second * 1000 + number % 1000, random.next(), random.next());
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        milliseconds >> 16 & 0xFFFF_FFFF,
        milliseconds & 0xFFFF,
        a & 0xFFF,
        0x8000 | (a >> 12 & 0x3FFF),
        b & 0xFFFF_FFFF_FFFF,
    )
}

/// RFC 3339 of seconds since 1970.
fn time(second: u64) -> String {
    let time = i64::try_from(second).ok().and_then(|second| DateTime::from_timestamp(second, 0));
    time.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// SplitMix64: a few lines, and as good as is needed here.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(number: u64) -> Self {
        Self(SEED ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Evenly among the numbers below `bound`, which is below 2³².
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((self.next() >> 32) * (bound & 0xFFFF_FFFF)) >> 32
    }

    /// Low numbers more often: a hundredth of them is a tenth of what is drawn (Zipf's law with the
    /// exponent ½).
    fn skewed(&mut self, bound: u64) -> u64 {
        let even = self.next() >> 32;
        (((even * even) >> 32) * bound) >> 32
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        let at = self.below(choices.len() as u64);
        usize::try_from(at).ok().and_then(|at| choices.get(at)).copied().unwrap_or_default()
    }

    /// So many bytes or a few more.
    fn words(&mut self, bytes: usize) -> String {
        let mut text = self.one_of(&WORDS).to_owned();
        while text.len() < bytes {
            text.push(' ');
            text.push_str(self.one_of(&WORDS));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::collections::{BTreeMap, BTreeSet};

    fn mean(size: Size, text: impl Fn(&Generator, u64) -> String) -> usize {
        let generator = Generator { documents: 1_000, size };
        (0..1_000).map(|number| text(&generator, number).len()).sum::<usize>() / 1_000
    }

    #[test]
    fn every_run_measures_with_the_same_bytes() {
        let mut digest = Sha256::new();
        for size in [Size::Small, Size::Large] {
            let generator = Generator { documents: 1_000, size };
            (0..1_000).for_each(|number| digest.update(generator.line(number)));
        }
        let digest: String = digest.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
        // Whoever changes this cannot compare with earlier reports.
        assert_eq!(digest, "5c79c247d4321a0b");
    }

    #[test]
    fn sizes_are_as_promised() {
        let (small, large) =
            (mean(Size::Small, Generator::body), mean(Size::Large, Generator::body));
        assert!((600..700).contains(&small), "{small}");
        assert!((3_300..3_700).contains(&large), "{large}");
    }

    #[test]
    fn values_occur_as_often_as_promised() {
        let (mut parties, mut channels, mut statuses) =
            (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        for Traits { party, channel, status } in (0..1_000_000).map(Traits::of) {
            *parties.entry(party).or_insert(0) += 1;
            channels.insert(channel);
            *statuses.entry(status).or_insert(0) += 1;
        }
        assert!((200_000..300_000).contains(&parties.len()), "{}", parties.len());
        let busiest = parties.values().max().copied().unwrap_or_default();
        assert!((1_000..3_000).contains(&busiest), "{busiest}");
        assert_eq!(channels.len(), 36);
        assert!((590_000..610_000).contains(&statuses["completed"]), "{statuses:?}");
    }

    #[test]
    fn times_and_ids_are_what_they_look_like() {
        assert_eq!(time(FIRST_SECOND), "2024-01-01T00:00:00.000Z");
        assert_eq!(time(FIRST_SECOND + 59 * SECONDS_A_DAY + 3661), "2024-02-29T01:01:01.000Z");
        let generator = Generator { documents: 100, size: Size::Small };
        let ids: BTreeSet<_> = (0..100).map(|number| generator.id(number)).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 36 && &id[14..15] == "7"), "{ids:?}");
        assert!(generator.line(7).contains(&generator.id(7)));
    }
}
