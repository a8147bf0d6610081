//! The law of postings: whatever happened, and whichever state somebody stands at, what a probe finds is
//! what is there. Over random histories of a database that is a vector of states.

use super::postings::Postings;
use super::session::Session;
use super::snapshot::{Age, Amendment, Show, Snapshot};
use crate::domain::index::{self, Key, KeyValue, Lookup};
use crate::domain::interaction::Interaction;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::{Probe, Set};
use proptest::collection::vec;
use proptest::prelude::*;
use roaring::RoaringTreemap;
use std::collections::BTreeMap;
use tokio::sync::watch;

/// `status`, and a day of January 1970 as `creationDate`, 0: none.
type Content = (u8, u8);

/// What is done to the database; the first number stands for an interaction.
#[derive(Clone, Debug)]
enum Step {
    Create(Content),
    Replace(u8, Content),
    Delete(u8),
}

/// A state, and at the same time the snapshot of it.
#[derive(Clone, Debug, Default)]
struct State {
    /// The last number: none is given out twice, whatever was deleted.
    given_out: u64,
    age: Age,
    interactions: BTreeMap<u64, Content>,
    /// The end of the log.
    amendments: Vec<Amendment>,
}

/// How many amendments a state remembers.
const REMEMBERED: usize = 6;

const DAY_US: i64 = 86_400_000_000;

impl State {
    /// A list that somebody waits for.
    fn session<'a>(
        &'a self,
        postings: &'a Postings,
        lifeline: &'a watch::Receiver<()>,
    ) -> Session<'a> {
        Session {
            snapshot: self,
            age: self.age,
            postings,
            wanted: &|| true,
            lifeline,
            sort_bytes: 0,
            scan_documents: None,
        }
    }

    fn do_step(&mut self, step: &Step) {
        let nth = |n: u8| {
            let many = self.interactions.len().max(1);
            self.interactions.keys().nth(usize::from(n) % many).copied()
        };
        let amended = match step {
            Step::Create(content) => {
                self.given_out += 1;
                self.age.newest = self.given_out;
                self.interactions.insert(self.given_out, *content);
                None
            }
            Step::Replace(n, content) => nth(*n).inspect(|number| {
                self.interactions.insert(*number, *content);
            }),
            Step::Delete(n) => nth(*n).inspect(|number| {
                self.interactions.remove(number);
            }),
        };
        if let Some(of) = amended {
            self.age.amendments += 1;
            self.amendments.push(Amendment { number: self.age.amendments, of });
            let forgotten = self.amendments.len().saturating_sub(REMEMBERED);
            self.amendments.drain(..forgotten);
        }
        // As SQLite does it: the number of the newest there is.
        if self.age.origin == 1 {
            self.age.newest = self.interactions.keys().max().copied().unwrap_or(0);
        }
    }

    fn interaction(content: Content) -> Interaction {
        let (status, day) = content;
        let date = match day {
            0 => String::new(),
            day => format!(r#","creationDate":"1970-01-{day:02}T00:00:00Z""#),
        };
        let text = format!(r#"{{"status":"s{status}"{date}}}"#);
        Interaction { id: String::new(), version: 1, foreign_href: None, text }
    }

    /// What is there, by looking at everything.
    fn plainly(&self, probe: &Probe) -> RoaringTreemap {
        let has = |content: &Content| {
            let keys = index::keys(&Self::interaction(*content).members().unwrap());
            match probe {
                Probe::Every => true,
                Probe::Index(Lookup::Key(key)) => keys.contains(key),
                Probe::Index(Lookup::Instants { path, from_us, to_us }) => {
                    keys.iter().any(|key| match key.value {
                        KeyValue::Instant(us) => {
                            key.path == *path && *from_us <= us && us <= *to_us
                        }
                        KeyValue::Text(_) => false,
                    })
                }
                Probe::Present(path) => keys.iter().any(|key| key.path == *path),
                _ => unreachable!("no such probe here"),
            }
        };
        let found = self.interactions.iter().filter(|(_, content)| has(content));
        found.map(|(number, _)| *number).collect()
    }
}

impl Snapshot for State {
    fn age(&self) -> StoreResult<Age> {
        Ok(self.age)
    }

    fn count(&self) -> StoreResult<Option<u64>> {
        Ok(None)
    }

    fn count_above(&self, _: u64, _: u64) -> StoreResult<(u64, u64)> {
        unreachable!("windows are not tested here")
    }

    fn amended_after(&self, number: u64) -> StoreResult<Option<Vec<Amendment>>> {
        let oldest = self.amendments.first().map_or(1, |amendment| amendment.number);
        let newer = self.amendments.iter().filter(|amendment| amendment.number > number);
        Ok((oldest <= number + 1).then(|| newer.copied().collect()))
    }

    fn each_found(
        &self,
        probe: &Probe,
        above: u64,
        show: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        let _enough = self.plainly(probe).into_iter().filter(|n| *n > above).all(show);
        Ok(())
    }

    fn found_among(&self, probe: &Probe, numbers: &[u64]) -> StoreResult<Vec<u64>> {
        let found = self.plainly(probe);
        Ok(numbers.iter().copied().filter(|number| found.contains(*number)).collect())
    }

    fn each_between(&self, above: u64, up_to: u64, show: &mut Show<'_>) -> StoreResult<()> {
        for (number, content) in self.interactions.range(above + 1..=up_to) {
            if !show(*number, Self::interaction(*content))? {
                break;
            }
        }
        Ok(())
    }

    fn each_of(&self, numbers: &[u64], show: &mut Show<'_>) -> StoreResult<()> {
        for number in numbers {
            if let Some(content) = self.interactions.get(number)
                && !show(*number, Self::interaction(*content))?
            {
                break;
            }
        }
        Ok(())
    }

    fn has_texts(&self, _: u16) -> StoreResult<bool> {
        Ok(false)
    }

    fn present(&self, path: u16) -> StoreResult<RoaringTreemap> {
        Ok(self.plainly(&Probe::Present(path)))
    }

    fn each_instant(
        &self,
        path: u16,
        from_us: i64,
        _: bool,
        show: &mut dyn FnMut(i64, u64) -> StoreResult<bool>,
    ) -> StoreResult<()> {
        let all = Probe::Index(Lookup::Instants { path, from_us, to_us: i64::MAX });
        let mut entries: Vec<(i64, u64)> = self
            .plainly(&all)
            .into_iter()
            .map(|number| (i64::from(self.interactions[&number].1 - 1) * DAY_US, number))
            .collect();
        entries.sort_unstable();
        for (us, number) in entries {
            if !show(us, number)? {
                break;
            }
        }
        Ok(())
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let content = (0..3_u8, 0..4_u8);
    let step = prop_oneof![
        3 => content.clone().prop_map(Step::Create),
        2 => (any::<u8>(), content).prop_map(|(n, content)| Step::Replace(n, content)),
        1 => any::<u8>().prop_map(Step::Delete),
    ];
    vec(step, 1..40)
}

fn probes() -> impl Strategy<Value = Probe> {
    let key = |status: u8| Key { path: 3, value: KeyValue::Text(format!("s{status}")) };
    let range = |(from, days): (i64, i64)| Lookup::Instants {
        path: 6,
        from_us: from * DAY_US,
        to_us: (from + days) * DAY_US,
    };
    prop_oneof![
        1 => Just(Probe::Every),
        3 => (0..4_u8).prop_map(move |status| Probe::Index(Lookup::Key(key(status)))),
        2 => (0..3_i64, 0..3_i64).prop_map(move |days| Probe::Index(range(days))),
        1 => Just(Probe::Present(6)),
    ]
}

fn sets() -> impl Strategy<Value = Vec<Set>> {
    let some = || vec(probes(), 0..3);
    let set = (any::<bool>(), some(), some());
    let set = set.prop_map(|(negated, sure, doubtful)| Set { negated, sure, doubtful });
    vec(set, 1..4)
}

/// Of the possible, and of the unsure among them.
fn put_together(state: &State, sets: &[Set]) -> (RoaringTreemap, RoaringTreemap) {
    let every = state.plainly(&Probe::Every);
    let any = |probes: &[Probe]| {
        probes.iter().fold(RoaringTreemap::new(), |any, probe| any | state.plainly(probe))
    };
    let (mut possible, mut sure) = (every.clone(), every.clone());
    for set in sets {
        let (is, may_be) = (any(&set.sure), any(&set.sure) | any(&set.doubtful));
        let (is, may_be) = if set.negated { (&every - may_be, &every - is) } else { (is, may_be) };
        possible &= may_be;
        sure &= is;
    }
    let unsure = &possible - sure;
    (possible, unsure)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn what_is_found_is_what_is_there(
        steps in steps(),
        // Two databases: as after a failover.
        origins in vec(0..2_i64, 1..40),
        looks in vec((any::<prop::sample::Index>(), probes(), sets(), 0..8_u64), 1..60),
        few in 0..6_u64,
        most_bytes in prop_oneof![Just(0), Just(4_000), Just(1 << 20)],
    ) {
        let mut databases = [State::default(), State::default()];
        databases[1].age.origin = 1;
        let mut states = databases.to_vec();
        for (step, origin) in steps.iter().zip(origins.iter().cycle()) {
            let database = &mut databases[usize::try_from(*origin).unwrap()];
            database.do_step(step);
            states.push(database.clone());
        }
        let postings = Postings::new(most_bytes, few);
        let (_open, lifeline) = watch::channel(());
        for (place, probe, sets, wanted) in looks {
            let state = place.get(&states);
            let session = state.session(&postings, &lifeline);
            let there = state.plainly(&probe);
            match wanted {
                0..3 => prop_assert_eq!(&*session.whole(&probe).unwrap(), &there),
                3..5 => match session.at_hand(&probe).unwrap() {
                    Some(found) => prop_assert_eq!(&*found, &there),
                    None => prop_assert!(there.len() > few),
                },
                5 => {
                    let among = state.plainly(&Probe::Every);
                    prop_assert_eq!(session.among(&probe, &among).unwrap(), there);
                }
                _ => {
                    let (possible, unsure) = put_together(state, &sets);
                    let found = session.possible(&sets).unwrap();
                    prop_assert_eq!(&*found, &possible);
                    prop_assert_eq!(session.unsure(&sets, &found).unwrap(), unsure);
                }
            }
            prop_assert!(postings.bytes() <= most_bytes);
        }
    }
}

#[test]
fn a_walk_ends_when_the_lists_are_closed() {
    let mut state = State::default();
    (0..2000).for_each(|_| state.do_step(&Step::Create((0, 0))));
    let postings = Postings::new(1 << 20, 0);
    let (open, lifeline) = watch::channel(());
    drop(open);
    let session = state.session(&postings, &lifeline);
    assert!(matches!(session.every(), Err(StoreError::Closed)));
}
