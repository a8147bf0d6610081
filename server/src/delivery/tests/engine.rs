//! The engine at work.

use super::*;
use crate::store::contract::delivery::{LoggedEvent, Redelivered};
use std::collections::BTreeMap;

/// Each interaction's events in the order they were acknowledged.
fn by_interaction(fixture: &Fixture, acknowledged: &[String]) -> BTreeMap<String, Vec<i64>> {
    let tables = fixture.store.tables();
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for id in acknowledged {
        let seq: i64 = id.parse().unwrap();
        let event = &tables.log[seq as usize - 1].event;
        found.entry(event.interaction_id.clone()).or_default().push(seq);
    }
    found
}

#[tokio::test(start_paused = true)]
async fn all_is_delivered_beside_each_other_and_in_order_per_interaction() {
    let f = Fixture::new();
    let listener = Listener::good();
    f.subscribe("s", &listener);
    for n in 0..50 {
        f.store.happen(["a", "b", "c", "d", "e"][n % 5]);
    }
    let engine = f.start();
    listener.until(|l| l.acknowledged().len() == 50).await;
    // Live now.
    for n in 0..50 {
        f.store.happen(["a", "a", "b"][n % 3]);
    }
    listener.until(|l| l.acknowledged().len() == 100).await;
    let acknowledged = listener.acknowledged();
    for (interaction, seqs) in by_interaction(&f, &acknowledged) {
        assert!(seqs.is_sorted(), "{interaction}: {seqs:?}");
    }
    assert_eq!(listener.requests().len(), 100);
    assert_eq!(listener.most_in_flight.load(Ordering::SeqCst), 4);
    f.until(|store| store.cursor("s") == 100).await;
    engine.stop(Instant::now()).await;
    assert!(f.store.tables().released);
}

#[tokio::test(start_paused = true)]
async fn one_interaction_is_told_one_by_one() {
    let f = Fixture::new();
    let listener = Listener::good();
    f.subscribe("s", &listener);
    let _engine = f.start();
    for _ in 0..40 {
        f.store.happen("a");
    }
    listener.until(|l| l.acknowledged().len() == 40).await;
    assert_eq!(listener.acknowledged(), (1..=40).map(|n: i64| n.to_string()).collect::<Vec<_>>());
    assert_eq!(listener.most_in_flight.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listener_in_trouble_is_asked_by_one_request_at_a_time() {
    let f = Fixture::new();
    // The first four are sent together and fail; then the oldest twice more.
    let listener = Listener::new(|n| after(10, if n < 6 { no("500") } else { Attempt::Delivered }));
    f.subscribe("s", &listener);
    for n in 0..8 {
        f.store.happen(&n.to_string());
    }
    let _engine = f.start();
    listener.until(|l| l.acknowledged().len() == 8).await;
    let requests = listener.requests();
    assert_eq!(requests[4..7], ["1", "1", "1"]);
    let mut acknowledged = listener.acknowledged();
    acknowledged.sort();
    assert_eq!(acknowledged, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    let pauses = listener.pauses();
    assert!((0.8..1.3).contains(&pauses[3]), "{pauses:?}");
    assert!((1.6..2.5).contains(&pauses[4]), "{pauses:?}");
    assert!((4.0..6.1).contains(&pauses[5]), "{pauses:?}");
    assert!(pauses[6] < 0.1, "{pauses:?}");
    f.until(|store| store.cursor("s") == 8).await;
    let tables = f.store.tables();
    let failing = tables.written.iter().filter(|progress| progress.attempts > 0);
    assert!(
        failing.clone().all(|progress| progress.cursor == 0 && progress.next_attempt.is_some())
    );
    assert_eq!(failing.map(|progress| progress.attempts).max(), Some(3));
    let last = tables.written.last().unwrap();
    assert_eq!((last.attempts, last.next_attempt), (0, None));
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_the_next_event_has_its_turn() {
    let f = Fixture::new();
    let listener = Listener::new(|n| after(1, if n < 4 { no("500") } else { Attempt::Delivered }));
    f.subscribe("s", &listener);
    f.store.happen("a");
    let _engine = f.start();
    listener.until(|l| l.requests().len() == 4).await;
    f.store.happen("a");
    f.until(|store| store.cursor("s") == 2).await;
    assert_eq!(listener.requests(), ["1", "1", "1", "1", "2"]);
    let tables = f.store.tables();
    let dead: Vec<_> = tables.written.iter().flat_map(|progress| &progress.dead).collect();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].seq, dead[0].attempts, dead[0].failed.error.as_str()), (1, 4, "500"));
}

#[tokio::test(start_paused = true)]
async fn what_a_listener_asks_for_is_waited_for() {
    let f = Fixture::new();
    let wait = Some(Duration::from_secs(100));
    let listener = Listener::new(move |n| {
        let failed = Attempt::Failed { error: "503".into(), retry_after: wait };
        after(1, if n == 0 { failed } else { Attempt::Delivered })
    });
    f.subscribe("s", &listener);
    f.store.happen("a");
    let _engine = f.start();
    listener.until(|l| l.acknowledged().len() == 1).await;
    assert!((100.0..101.0).contains(&listener.pauses()[0]), "{:?}", listener.pauses());
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_gone_is_left_alone() {
    let f = Fixture::new();
    let listener = Listener::new(|_| after(1, Attempt::Gone));
    f.subscribe("s", &listener);
    f.store.happen("a");
    let _engine = f.start();
    f.until(|store| store.tables().subscriptions["s"].ended).await;
    f.store.happen("b");
    sleep(Duration::from_secs(1_000)).await;
    assert_eq!(listener.requests(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_or_panics_holds_up_nobody_else() {
    let f = Fixture::new();
    let hangs = Listener::new(|_| std::future::pending().boxed());
    let panics = Listener::new(|_| async { panic!("a listener that panics") }.boxed());
    let slow = Listener::new(|_| after(1_000, Attempt::Delivered));
    let good = Listener::good();
    for (id, listener) in [("h", &hangs), ("p", &panics), ("s", &slow), ("g", &good)] {
        f.subscribe(id, listener);
    }
    let engine = f.start();
    let since = Instant::now();
    for n in 0..100 {
        f.store.happen(&n.to_string());
        sleep(Duration::from_millis(10)).await;
    }
    good.until(|l| l.acknowledged().len() == 100).await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    // Its queue was full long ago.
    slow.until(|l| l.acknowledged().len() == 100).await;
    assert_eq!(slow.requests().len(), 100);
    hangs.until(|l| l.requests().len() >= 4).await;
    f.until(|store| {
        store.tables().written.iter().any(|progress| {
            let failure = progress.last_failure.as_ref();
            failure.is_some_and(|failed| failed.error == "no answer in time")
        })
    })
    .await;
    engine.stop(Instant::now()).await;
    assert!(f.store.tables().released);
}

#[tokio::test(start_paused = true)]
async fn an_operators_word_is_followed() {
    let f = Fixture::new();
    let listener = Listener::good();
    f.subscribe("s", &listener);
    for _ in 0..3 {
        f.store.happen("a");
    }
    let _engine = f.start();
    f.until(|store| store.cursor("s") == 3).await;
    let since = Instant::now();
    f.store.administer("s", |row| row.claimed.cursor = 1);
    listener.until(|l| l.acknowledged().len() == 5).await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(listener.acknowledged(), ["1", "2", "3", "2", "3"]);
    // Another process has it, which nobody told this one.
    f.store.tables().subscriptions.get_mut("s").unwrap().owner = Some("other".into());
    f.store.happen("a");
    listener.until(|l| l.acknowledged().len() == 6).await;
    sleep(Duration::from_secs(1)).await;
    f.store.happen("a");
    sleep(Duration::from_secs(100)).await;
    assert_eq!(listener.requests().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn without_a_lease_nothing_is_sent() {
    let f = Fixture::new();
    let listener = Listener::good();
    f.subscribe("s", &listener);
    let _engine = f.start();
    f.store.happen("a");
    listener.until(|l| l.acknowledged().len() == 1).await;
    f.store.tables().is_busy = true;
    sleep(Duration::from_secs(31)).await;
    f.store.happen("a");
    sleep(Duration::from_secs(100)).await;
    assert_eq!(listener.requests().len(), 1);
    f.store.tables().is_busy = false;
    listener.until(|l| l.acknowledged().len() == 2).await;
    f.until(|store| store.cursor("s") == 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_before_a_restart_counts() {
    let f = Fixture::new();
    let listener = Listener::new(|_| after(1, no("500")));
    f.subscribe("s", &listener);
    f.store.happen("a");
    f.store.administer("s", |row| row.claimed.attempts = 2);
    let _engine = f.start();
    listener.until(|l| l.requests().len() == 2).await;
    f.until(|store| store.cursor("s") == 1).await;
    assert!((4.0..6.1).contains(&listener.pauses()[0]), "{:?}", listener.pauses());
}

#[tokio::test(start_paused = true)]
async fn queued_deliveries_come_first_and_are_tried_once() {
    let f = Fixture::new();
    let listener = Listener::new(|n| after(1, if n == 1 { no("500") } else { Attempt::Delivered }));
    f.subscribe("s", &listener);
    for _ in 0..4 {
        f.store.happen("a");
    }
    let queued: Vec<LoggedEvent> = f.store.tables().log[..2].to_vec();
    f.store.tables().queued = queued;
    f.store.administer("s", |row| (row.claimed.cursor, row.claimed.queued) = (3, true));
    let _engine = f.start();
    f.until(|store| store.cursor("s") == 4).await;
    assert_eq!(listener.requests(), ["1", "2", "4"]);
    let tables = f.store.tables();
    let again: Vec<&Redelivered> =
        tables.written.iter().flat_map(|progress| &progress.redelivered).collect();
    assert_eq!((again[0].seq, &again[0].failed), (1, &None));
    assert_eq!((again[1].seq, again[1].failed.as_ref().unwrap().error.as_str()), (2, "500"));
    assert_eq!(again.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_to_get_moves_on_all_the_same() {
    let f = Fixture::new();
    f.store.subscribe("s", None);
    let listener = Listener::good();
    f.listeners.lock().unwrap().insert("s".into(), listener);
    let readings = Box::new(|_: &_| Ok(reading("eventType=PartyInteractionDeleteEvent")));
    let Settings { delivery, events, .. } = Settings::with_flags(&Flags::default()).unwrap();
    let store: Arc<dyn DeliveryStore> = f.store.clone();
    let deliver = Box::new(|_, _, _| panic!("it wants nothing"));
    let _engine = Engine::with(Tail::of(store), deliver, Options { delivery, events, readings });
    for _ in 0..200 {
        f.store.happen("a");
        sleep(Duration::from_millis(100)).await;
    }
    f.until(|store| store.cursor("s") == 200).await;
    // Without writing it down for every event.
    assert!(f.store.tables().written.len() < 10, "{:?}", f.store.tables().written.len());
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_what_is_in_flight() {
    let f = Fixture::new();
    let listener = Listener::new(|_| after(5_000, Attempt::Delivered));
    f.subscribe("s", &listener);
    f.store.happen("a");
    f.store.happen("a");
    let engine = f.start();
    sleep(Duration::from_secs(1)).await;
    engine.stop(Instant::now() + Duration::from_secs(30)).await;
    assert_eq!((listener.acknowledged().len(), listener.requests().len()), (1, 1));
    assert_eq!(f.store.cursor("s"), 1);
    let engine = f.start();
    sleep(Duration::from_secs(1)).await;
    engine.stop(Instant::now() + Duration::from_secs(1)).await;
    assert_eq!((listener.acknowledged().len(), listener.requests().len()), (1, 2));
    assert_eq!((f.store.cursor("s"), f.store.tables().released), (1, true));
}
