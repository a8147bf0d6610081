//! The event log, cursors, leases, and what operators do.

use super::*;
use crate::store::contract::delivery::{
    Administered, Claimed, Dead, DeadQuery, DeliveryStore, Failed, Lease, Progress, Pruned,
    Redelivered, ReplayFrom, Retention, State, SubscriptionStatus,
};
use crate::store::contract::{Subscribed, Subscription};
use proptest::prelude::*;

const MANY: u32 = 1_000;

fn subscription(id: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        api_version: "v4".to_owned(),
        callback: format!("http://listener/{id}"),
        query: None,
        base_url: "http://h/v4".to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

fn lease(owner: &str, now: i64) -> Lease {
    Lease { owner: owner.to_owned(), now, until: now + 30 }
}

fn failed(error: &str, at: i64) -> Failed {
    Failed { error: error.to_owned(), at }
}

/// An event with an id drawn in that second of 1970.
fn event_in(second: i64) -> Event {
    let id = format!(
        "{:08x}-{:04x}-7000-8000-000000000000",
        (second * 1000) >> 16,
        (second * 1000) & 0xffff
    );
    let time = format!("1970-01-01T00:{:02}:{:02}.000Z", second / 60, second % 60);
    Event { id, time, ..event("a") }
}

impl Fixture {
    async fn subscribe(&self, id: &str) {
        let subscribed = self.store.subscribe(subscription(id), MANY).await.unwrap();
        assert_eq!(subscribed, Subscribed::Done);
    }

    /// Events `1..=n`, as [`event_in`] makes them.
    async fn with_events(&self, n: i64) {
        for second in 1..=n {
            let events = vec![event_in(second)];
            self.store.create(record(&second.to_string(), 1, "{}"), events).await.unwrap();
        }
    }

    async fn claim(&self, owner: &str, now: i64) -> Vec<Claimed> {
        self.store.claim(lease(owner, now), MANY).await.unwrap()
    }

    async fn claimed_ids(&self, owner: &str, now: i64) -> Vec<String> {
        let mut ids: Vec<_> = self
            .claim(owner, now)
            .await
            .into_iter()
            .map(|claimed| claimed.subscription.id)
            .collect();
        ids.sort();
        ids
    }

    async fn progress(&self, owner: &str, progress: Progress) -> bool {
        let id = progress.subscription_id.clone();
        let refused = self.store.progress(owner.to_owned(), vec![progress]).await.unwrap();
        assert!(refused.is_empty() || refused == [id]);
        refused.is_empty()
    }

    async fn status(&self, id: &str) -> SubscriptionStatus {
        self.store.subscription(id).await.unwrap().unwrap()
    }

    async fn dead_seqs(&self) -> Vec<(String, u32, bool)> {
        let dead = self.store.dead(DeadQuery::default(), 0, None).await.unwrap();
        assert_eq!(dead.total, dead.items.len() as u64);
        dead.items.into_iter().map(|dead| (dead.failed.error, dead.attempts, dead.queued)).collect()
    }
}

fn at(id: &str, epoch: i64, cursor: i64) -> Progress {
    Progress { subscription_id: id.to_owned(), epoch, cursor, ..Progress::default() }
}

#[tokio::test]
async fn subscriptions_are_there_once() {
    let f = Fixture::new();
    let subscribe = async |id: &str, api_version: &str, query: Option<&str>, most| {
        let one = Subscription {
            api_version: api_version.to_owned(),
            callback: "http://listener/".to_owned(),
            query: query.map(str::to_owned),
            ..subscription(id)
        };
        f.store.subscribe(one, most).await
    };
    let unsubscribe = async |id: &str, version: &str| {
        f.store.unsubscribe(id.to_owned(), version.to_owned()).await.unwrap()
    };
    use Subscribed::{Already, Done, TooMany};
    assert_eq!(subscribe("1", "v4", None, MANY).await.unwrap(), Done);
    assert_eq!(subscribe("2", "v4", None, MANY).await.unwrap(), Already);
    assert_eq!(subscribe("3", "v5", None, MANY).await.unwrap(), Done);
    assert_eq!(subscribe("4", "v4", Some("eventType=x"), MANY).await.unwrap(), Done);
    assert_eq!(subscribe("5", "v4", Some("eventType=x"), MANY).await.unwrap(), Already);
    assert_eq!(subscribe("5", "v4", Some("eventType=y"), 3).await.unwrap(), TooMany);
    assert_eq!(subscribe("5", "v4", Some("eventType=x"), 3).await.unwrap(), Already);
    assert!(!unsubscribe("1", "v5").await);
    assert!(unsubscribe("1", "v4").await);
    assert!(!unsubscribe("1", "v4").await);
    assert_eq!(subscribe("2", "v4", None, 3).await.unwrap(), Done);
    assert!(subscribe("2", "v5", Some("x"), MANY).await.is_err());
}

#[tokio::test]
async fn the_log_is_read_as_it_was_written() {
    let f = Fixture::new();
    let whole = Event {
        foreign_href: Some("http://old/a".to_owned()),
        correlation_id: Some("c".to_owned()),
        document: r#"{"n":1e3}"#.to_owned(),
        changed: vec!["a\"b".to_owned(), "c".to_owned()],
        ..event("a")
    };
    let events = vec![whole.clone(), event("a"), event("a")];
    f.store.create(record("a", 1, "{}"), events.clone()).await.unwrap();
    let page = f.store.events_after(0, 2).await.unwrap();
    assert_eq!((page.read_to, page.head), (2, 3));
    assert_eq!(page.events[0].event, whole);
    let page = f.store.events_after(page.read_to, 2).await.unwrap();
    assert_eq!((page.read_to, page.head, page.events[0].seq), (3, 3, 3));
    assert_eq!(page.events[0].event, events[2]);
    let page = f.store.events_after(3, 2).await.unwrap();
    assert_eq!((page.read_to, page.head, page.events.len()), (3, 3, 0));
}

#[tokio::test]
async fn a_page_of_long_events_is_short() {
    let f = Fixture::new();
    let long = || Event { document: "x".repeat(600 << 10), ..event("a") };
    f.store.create(record("a", 1, "{}"), vec![long(), long(), long()]).await.unwrap();
    for after in 0..3 {
        let page = f.store.events_after(after, MANY).await.unwrap();
        assert_eq!((page.events.len(), page.read_to, page.head), (1, after + 1, 3));
    }
}

#[tokio::test]
async fn who_waits_for_news_is_woken_by_its_commit() {
    let f = Fixture::new();
    let (grown, ()) = tokio::join!(f.store.log_beyond(1), f.with_events(2));
    assert_eq!(grown.unwrap(), 2);
    let f = f.reopen().await;
    assert_eq!(f.store.log_beyond(1).await.unwrap(), 2);
    let (changed, ()) = tokio::join!(f.store.subscriptions_changed(0), f.subscribe("1"));
    assert_eq!(changed.unwrap(), 1);
    // What was rolled back is no news.
    let twice = vec![event_in(2)];
    assert!(f.store.create(record("b", 1, "{}"), twice).await.is_err());
    let waits = tokio::time::timeout(std::time::Duration::ZERO, f.store.log_beyond(2));
    assert!(waits.await.is_err());
}

#[tokio::test]
async fn a_subscription_begins_where_the_log_ends() {
    let f = Fixture::new();
    f.with_events(3).await;
    f.subscribe("1").await;
    let claimed = f.claim("p", 0).await;
    assert_eq!(claimed[0].cursor, 3);
    assert_eq!(claimed[0].subscription, subscription("1"));
}

#[tokio::test]
async fn two_owners_never_have_the_same_subscription() {
    let f = Fixture::new();
    for id in ["1", "2", "3"] {
        f.subscribe(id).await;
    }
    assert_eq!(f.store.claim(lease("p", 0), 2).await.unwrap().len(), 2);
    assert_eq!(f.claimed_ids("q", 10).await, ["3"]);
    // p renews in time, and takes no more than it may.
    assert_eq!(f.store.claim(lease("p", 29), 2).await.unwrap().len(), 2);
    assert_eq!(f.claimed_ids("q", 39).await, ["3"]);
    // p is late.
    assert_eq!(f.claimed_ids("q", 59).await, ["1", "2", "3"]);
    assert_eq!(f.claimed_ids("p", 60).await, [""; 0]);
    assert!(!f.progress("p", at("1", 0, 5)).await);
    f.store.release("q".to_owned()).await.unwrap();
    assert_eq!(f.claimed_ids("p", 61).await, ["1", "2", "3"]);
    assert_eq!(f.count("delivery_lease"), 1);
}

#[tokio::test]
async fn progress_is_kept_over_a_restart() {
    let f = Fixture::new();
    f.subscribe("1").await;
    f.with_events(4).await;
    f.claim("p", 0).await;
    let progress = Progress {
        attempts: 3,
        next_attempt: Some(77),
        last_success: Some(70),
        last_failure: Some(failed("500", 76)),
        dead: vec![Dead { seq: 1, attempts: 12, failed: failed("timeout", 69) }],
        ..at("1", 0, 2)
    };
    assert!(f.progress("p", progress).await);
    // What is not told stays as it was.
    assert!(
        f.progress("p", Progress { attempts: 4, next_attempt: Some(78), ..at("1", 0, 2) }).await
    );
    let f = f.reopen().await;
    let claimed = f.claim("q", 31).await.remove(0);
    assert_eq!((claimed.cursor, claimed.attempts, claimed.next_attempt), (2, 4, Some(78)));
    let status = f.status("1").await;
    assert_eq!((status.state, status.lag, status.dead), (State::Active, 2, 1));
    assert_eq!((status.last_success, status.last_failure), (Some(70), Some(failed("500", 76))));
    assert_eq!(status.oldest_pending.as_deref(), Some("1970-01-01T00:00:03.000Z"));
    let dead = f.store.dead(DeadQuery::default(), 0, None).await.unwrap().items.remove(0);
    assert_eq!((dead.interaction_id.as_str(), dead.attempts, dead.queued), ("a", 12, false));
    assert_eq!(f.store.dead_delivery(dead.id).await.unwrap(), Some(dead));
}

#[tokio::test]
async fn what_an_operator_did_is_not_undone_by_a_worker() {
    let f = Fixture::new();
    f.subscribe("1").await;
    f.with_events(5).await;
    f.claim("p", 0).await;
    assert!(f.progress("p", Progress { attempts: 2, ..at("1", 0, 4) }).await);

    assert_eq!(f.store.pause("1".into()).await.unwrap(), Administered::Done);
    assert!(!f.progress("p", at("1", 0, 5)).await);
    assert!(f.claim("p", 1).await.is_empty());
    let replay = async |from| f.store.replay("1".into(), from).await.unwrap();
    assert_eq!(replay(ReplayFrom::Event(event_in(2).id)).await, Administered::Done);
    assert_eq!(f.status("1").await.state, State::Paused);
    assert_eq!(f.store.resume("1".into()).await.unwrap(), Administered::Done);
    assert!(!f.progress("p", at("1", 0, 5)).await);
    let claimed = f.claim("p", 1).await.remove(0);
    assert_eq!((claimed.epoch, claimed.cursor, claimed.attempts), (3, 1, 0));
    assert!(f.progress("p", at("1", 3, 5)).await);

    assert_eq!(replay(ReplayFrom::Time(2_001)).await, Administered::Done);
    assert_eq!(f.claim("p", 1).await[0].cursor, 2);
    assert_eq!(replay(ReplayFrom::Time(0)).await, Administered::Done);
    assert_eq!(f.claim("p", 1).await[0].cursor, 0);
    assert_eq!(replay(ReplayFrom::Time(6_000)).await, Administered::Done);
    assert_eq!(f.claim("p", 1).await[0].cursor, 5);
    assert_eq!(replay(ReplayFrom::Event("none".into())).await, Administered::NotKept);
    assert_eq!(f.store.pause("2".into()).await.unwrap(), Administered::Missing);
    assert_eq!(f.store.redeliver(1).await.unwrap(), Administered::Missing);

    let epoch = f.claim("p", 1).await[0].epoch;
    assert!(f.progress("p", Progress { ended: true, ..at("1", epoch, 5) }).await);
    assert_eq!(f.status("1").await.state, State::Ended);
    assert!(f.claim("p", 1).await.is_empty());
    assert_eq!(f.store.resume("1".into()).await.unwrap(), Administered::Ended);
    // One that has ended does not stand in the way, nor does it count.
    let again = Subscription { id: "9".to_owned(), ..subscription("1") };
    assert_eq!(f.store.subscribe(again, 1).await.unwrap(), Subscribed::Done);
    let listed = f.store.subscriptions(Some(State::Ended), 0, Some(10)).await.unwrap();
    assert_eq!((listed.total, listed.items[0].subscription.id.as_str()), (1, "1"));
    let listed = f.store.subscriptions(None, 1, Some(10)).await.unwrap();
    assert_eq!((listed.total, listed.items[0].subscription.id.as_str()), (2, "9"));
}

#[tokio::test]
async fn a_dead_delivery_gets_another_try() {
    let f = Fixture::new();
    f.subscribe("1").await;
    f.with_events(3).await;
    f.claim("p", 0).await;
    let dead = |seq| Dead { seq, attempts: 12, failed: failed("500", seq) };
    let progress = Progress { dead: vec![dead(1), dead(2)], ..at("1", 0, 3) };
    assert!(f.progress("p", progress).await);
    for (id, epoch) in [(1, 1), (2, 2)] {
        assert_eq!(f.store.redeliver(id).await.unwrap(), Administered::Done);
        let claimed = f.claim("p", 0).await.remove(0);
        assert!(claimed.queued && claimed.epoch == epoch);
    }
    let queued = f.store.queued("1", MANY).await.unwrap();
    assert_eq!(queued.iter().map(|logged| logged.seq).collect::<Vec<_>>(), [1, 2]);
    let redelivered = vec![
        Redelivered { seq: 1, failed: None },
        Redelivered { seq: 2, failed: Some(failed("again", 9)) },
    ];
    assert!(f.progress("p", Progress { redelivered, ..at("1", 2, 3) }).await);
    assert_eq!(f.dead_seqs().await, [("again".to_owned(), 13, false)]);
    assert!(!f.claim("p", 0).await[0].queued);
    assert!(f.store.unsubscribe("1".into(), "v4".into()).await.unwrap());
    assert_eq!(f.count("dead_delivery"), 0);
}

fn retention(beyond_cursors: bool, keep: Option<u64>, second: Option<i64>, most: u32) -> Retention {
    let older_than = second.map(|second| event_in(second).time);
    Retention { now: 9, older_than, keep, beyond_cursors, most }
}

#[tokio::test]
async fn what_is_old_goes_with_all_that_hangs_off_it() {
    let f = Fixture::new();
    f.subscribe("1").await;
    f.subscribe("2").await;
    f.with_events(9).await;
    f.claim("p", 0).await;
    let dead = vec![Dead { seq: 2, attempts: 1, failed: failed("x", 1) }];
    assert!(f.progress("p", Progress { dead, ..at("1", 0, 6) }).await);
    assert!(f.progress("p", Progress { ended: true, ..at("2", 0, 3) }).await);
    let prune = async |retention| f.store.prune(retention).await.unwrap();
    assert_eq!(prune(retention(false, None, None, 99)).await, Pruned::default());
    assert_eq!(prune(retention(false, None, Some(99), 2)).await, Pruned { events: 2, losers: 0 });
    assert_eq!((f.count("dead_delivery"), f.count("subscription")), (0, 2));
    assert_eq!(prune(retention(false, Some(5), None, 99)).await.events, 2);
    assert_eq!(f.count("subscription"), 1);
    assert_eq!(prune(retention(false, None, Some(99), 99)).await.events, 2);
    assert_eq!(f.status("1").await.lost_events, None);
    assert_eq!(f.status("1").await.lag, 3);
    let replay = async |from| f.store.replay("1".into(), from).await.unwrap();
    assert_eq!(replay(ReplayFrom::Time(5_000)).await, Administered::NotKept);
    assert_eq!(replay(ReplayFrom::Event(event_in(6).id)).await, Administered::NotKept);
    assert_eq!(replay(ReplayFrom::Time(8_000)).await, Administered::Done);
    assert_eq!(prune(retention(true, None, Some(9), 99)).await, Pruned { events: 2, losers: 1 });
    assert_eq!(prune(retention(true, None, Some(99), 99)).await, Pruned { events: 1, losers: 1 });
    let status = f.status("1").await;
    assert_eq!((status.lost_events, status.lag), (Some(9), 0));
    // The end of the log is known although nothing is left of it.
    assert_eq!(f.store.events_after(7, MANY).await.unwrap().read_to, 9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_that_is_still_wanted_goes(
        cursors in prop::collection::vec(0_i64..12, 1..4),
        keep in prop::option::of(0_u64..12),
        second in prop::option::of(0_i64..14),
        most in 1_u32..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let f = Fixture::new();
            for n in 0..cursors.len() {
                f.subscribe(&n.to_string()).await;
            }
            f.with_events(12).await;
            f.claim("p", 0).await;
            for (n, cursor) in cursors.iter().enumerate() {
                assert!(f.progress("p", at(&n.to_string(), 0, *cursor)).await);
            }
            while f.store.prune(retention(false, keep, second, most)).await.unwrap().events > 0 {}
            let left = f.store.events_after(0, MANY).await.unwrap();
            let first = left.events.first().map_or(13, |logged| logged.seq);
            let old = second.map_or(0, |second| second - 1).min(12);
            let surplus = keep.map_or(0, |keep| 12 - i64::try_from(keep).unwrap());
            let settled = *cursors.iter().min().unwrap();
            assert_eq!(first, old.max(surplus).clamp(0, settled) + 1);
            assert_eq!(left.events.len() as i64, 13 - first);
        });
    }
}
