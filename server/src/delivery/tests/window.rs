//! Which event is next, and how far all is settled.

use super::super::reading::Fact;
use super::super::window::Window;
use crate::domain::event::{Event, EventKind};
use crate::domain::notification::tests::event;
use crate::store::contract::delivery::LoggedEvent;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn fact(seq: i64, interaction_id: &str) -> Arc<Fact> {
    let event =
        Event { interaction_id: interaction_id.to_owned(), ..event(EventKind::Create, "{}") };
    Fact::of(LoggedEvent { seq, event }).unwrap()
}

/// A window with an event of each of these interactions, numbered from 1.
fn window(connections: usize, interactions: &str) -> Window {
    let mut window = Window::new(0, 0, connections);
    for (seq, interaction) in (1..).zip(interactions.chars()) {
        window.push(fact(seq, &interaction.to_string()));
    }
    window
}

fn next(window: &mut Window) -> Vec<i64> {
    std::iter::from_fn(|| window.next()).map(|fact| fact.seq).collect()
}

#[test]
fn interactions_are_beside_each_other_their_events_are_not() {
    let mut w = window(3, "aabcad");
    assert_eq!(next(&mut w), [1, 3, 4]);
    w.delivered(3);
    assert_eq!((w.cursor(), next(&mut w)), (0, vec![6]));
    w.delivered(1);
    assert_eq!((w.cursor(), next(&mut w)), (1, vec![2]));
    w.delivered(2);
    assert_eq!((w.cursor(), next(&mut w)), (3, vec![5]));
    for seq in [4, 5, 6] {
        w.delivered(seq);
    }
    assert_eq!(w.cursor(), 6);
    w.pass(9);
    assert_eq!(w.cursor(), 9);
}

#[test]
fn in_trouble_only_the_oldest_is_tried() {
    let mut w = window(3, "abcd");
    assert_eq!(next(&mut w), [1, 2, 3]);
    assert_eq!(w.failed(2), 1);
    // 3 was on its way already; that it arrives says nothing about 2.
    w.delivered(3);
    assert!(w.in_trouble() && next(&mut w).is_empty());
    w.delivered(1);
    assert!(w.is_quiet() && w.in_trouble());
    w.rewind();
    assert_eq!((w.cursor(), w.read(), w.attempts()), (1, 1, 1));
    for (seq, interaction) in [(2, "b"), (3, "c"), (4, "d")] {
        w.push(fact(seq, interaction));
    }
    assert_eq!(next(&mut w), [2]);
    assert_eq!(w.failed(2), 2);
    assert_eq!(next(&mut w), [2]);
    w.delivered(2);
    // 3 has been delivered before.
    assert!(!w.in_trouble());
    assert_eq!((w.cursor(), next(&mut w), w.attempts()), (3, vec![4], 0));
}

#[test]
fn what_is_given_up_is_settled_and_the_trouble_stays() {
    let mut w = window(3, "aa");
    assert_eq!(next(&mut w), [1]);
    w.failed(1);
    assert_eq!(w.give_up(1), 1);
    assert_eq!((w.cursor(), w.attempts(), w.in_trouble()), (1, 0, true));
    assert_eq!(next(&mut w), [2]);
    w.delivered(2);
    assert!(!w.in_trouble());
}

#[test]
fn what_is_no_longer_kept_is_passed() {
    let mut w = window(1, "a");
    assert_eq!(next(&mut w), [1]);
    w.failed(1);
    w.rewind();
    w.push(fact(5, "b"));
    assert_eq!(next(&mut w), [5]);
    w.delivered(5);
    assert_eq!((w.cursor(), w.attempts(), w.in_trouble()), (5, 0, false));
}

#[test]
fn what_was_not_sent_is_next_again() {
    let mut w = window(2, "ab");
    assert_eq!(next(&mut w), [1, 2]);
    w.returned(1);
    assert_eq!((next(&mut w), w.attempts()), (vec![1], 0));
}

proptest! {
    /// Whatever fails in whichever order: all arrive once, in order per interaction, and the cursor
    /// never passes what has not.
    #[test]
    fn nothing_is_lost_repeated_or_overtaken(
        interactions in prop::collection::vec(0_u8..4, 1..40),
        connections in 1_usize..5,
        choices in prop::collection::vec((0_usize..9, 0_u8..4), 400),
    ) {
        let log: Vec<_> = (1..).zip(&interactions).map(|(n, i)| fact(n, &i.to_string())).collect();
        let mut w = Window::new(0, 0, connections);
        let (mut in_flight, mut arrived) = (Vec::new(), Vec::new());
        // In the end everything goes well.
        let well = (0, 1);
        for (which, outcome) in choices.into_iter().chain(std::iter::repeat_n(well, 200)) {
            while w.has_room() && (w.read() as usize) < log.len() {
                w.push(Arc::clone(&log[w.read() as usize]));
            }
            in_flight.extend(next(&mut w));
            prop_assert!(in_flight.len() <= connections);
            let busy: BTreeSet<_> = in_flight.iter().map(|n| interactions[*n as usize - 1]).collect();
            prop_assert_eq!(busy.len(), in_flight.len());
            if in_flight.is_empty() {
                break;
            }
            let seq = in_flight.swap_remove(which % in_flight.len());
            if outcome == 0 {
                w.failed(seq);
            } else {
                w.delivered(seq);
                arrived.push(seq);
            }
            if w.in_trouble() && w.is_quiet() {
                w.rewind();
            }
            prop_assert!((1..=w.cursor()).all(|seq| arrived.contains(&seq)));
        }
        prop_assert_eq!(w.cursor() as usize, log.len());
        let mut order: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
        for seq in &arrived {
            order.entry(interactions[*seq as usize - 1]).or_default().push(*seq);
        }
        prop_assert!(order.values().all(|seqs| seqs.is_sorted()), "{:?}", order);
        arrived.sort_unstable();
        prop_assert!(arrived.iter().copied().eq(1..=log.len() as i64), "{:?}", arrived);
    }
}
