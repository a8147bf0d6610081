//! Who is handed what.

use super::super::live::{Handed, Live, Registry};
use super::reading;
use crate::domain::event::{Event, EventKind};
use crate::domain::notification::tests::{DOCUMENT, event};
use crate::store::contract::delivery::LoggedEvent;
use std::sync::Arc;

fn logged(seq: i64, kind: EventKind, document: &str) -> LoggedEvent {
    LoggedEvent { seq, event: Event { id: seq.to_string(), ..event(kind, document) } }
}

fn handed(live: &mut Live) -> Vec<i64> {
    std::iter::from_fn(|| live.queue.try_recv().ok())
        .map(|handed| match handed {
            Handed::Fact(fact) => fact.seq,
            Handed::Position(seq) => -seq,
        })
        .collect()
}

#[test]
fn events_go_to_those_who_want_them() {
    let registry = Arc::new(Registry::default());
    let mut lives: Vec<_> = [
        "",
        "eventType=PartyInteractionDeleteEvent",
        "event.partyInteraction.relatedParty.partyOrPartyRole.id=42",
        "event.partyInteraction.relatedParty.partyOrPartyRole.id=41,42&eventType=PartyInteractionDeleteEvent",
        "event.partyInteraction.status.ne=open",
    ]
    .into_iter()
    .map(|query| registry.join(&Arc::new(reading(query)), 0).unwrap())
    .collect();
    registry.hand_over(0, logged(1, EventKind::Create, DOCUMENT));
    registry.hand_over(0, logged(2, EventKind::Delete, DOCUMENT));
    registry.hand_over(0, logged(3, EventKind::Delete, r#"{"status":"closed"}"#));
    registry.hand_over(0, logged(4, EventKind::Delete, "no JSON"));
    let got: Vec<_> = lives.iter_mut().map(handed).collect();
    assert_eq!(got, [vec![1, 2, 3], vec![2, 3], vec![1, 2], vec![2], vec![3]]);
    registry.pass(0, 7);
    registry.mark();
    registry.mark();
    assert!(lives.iter_mut().all(|live| handed(live) == [-7]));
    let left = lives.swap_remove(2);
    drop(left);
    registry.hand_over(7, logged(8, EventKind::Create, DOCUMENT));
    assert_eq!(handed(&mut lives[0]), [8]);
}

#[test]
fn who_comes_later_misses_nothing() {
    let registry = Arc::new(Registry::default());
    let all = Arc::new(reading(""));
    let mut first = registry.join(&all, 5).unwrap();
    assert!(registry.join(&all, 4).is_none());
    // It has read what the dispatcher has still to hand over.
    let mut second = registry.join(&all, 7).unwrap();
    for seq in 6..9 {
        registry.hand_over(5, logged(seq, EventKind::Create, "{}"));
    }
    assert_eq!((handed(&mut first), handed(&mut second)), (vec![6, 7, 8], vec![8]));
    assert!(registry.join(&all, 7).is_none());
    drop((first, second));
    // A page that was read for those who have left says nothing to those who came.
    let mut third = registry.join(&all, 2).unwrap();
    registry.hand_over(8, logged(9, EventKind::Create, "{}"));
    registry.pass(8, 9);
    assert!(handed(&mut third).is_empty());
    registry.hand_over(2, logged(3, EventKind::Create, "{}"));
    assert_eq!(handed(&mut third), [3]);
}

#[test]
fn who_does_not_keep_up_is_left_to_itself() {
    let registry = Arc::new(Registry::default());
    let all = Arc::new(reading(""));
    let (mut slow, mut quick) = (registry.join(&all, 0).unwrap(), registry.join(&all, 0).unwrap());
    for seq in 1..100 {
        registry.hand_over(0, logged(seq, EventKind::Create, "{}"));
        assert_eq!(handed(&mut quick), [seq]);
    }
    let got = handed(&mut slow);
    assert!(got.len() < 99 && got.iter().copied().eq(1..=got.len() as i64), "{got:?}");
    assert!(slow.queue.is_closed());
    assert!(!quick.queue.is_closed());
}
