//! Readers of the log: each event once and in order, whoever else reads, and however slowly.

use super::super::dispatcher;
use super::super::feed::{Feed, FeedError, Follower};
use super::*;
use tokio::task::{JoinSet, yield_now};

const CREATED: &str = "eventType=PartyInteractionCreateEvent";

struct Readers {
    store: Arc<MemoryStore>,
    feed: Feed,
    _dispatcher: JoinSet<()>,
}

impl Readers {
    fn new(streams: u32) -> Self {
        let store = Arc::new(MemoryStore::new());
        let tail = Tail::of(store.clone());
        let mut dispatcher = JoinSet::new();
        dispatcher.spawn(dispatcher::run(Arc::clone(&tail.registry), store.clone()));
        Self { store, feed: Feed::new(tail, streams), _dispatcher: dispatcher }
    }

    fn happen(&self, times: usize) {
        (0..times).for_each(|_| self.store.happen("a"));
    }

    async fn follow(&self, since: Option<i64>) -> Follower {
        self.feed.follow(reading(CREATED), since).await.unwrap()
    }
}

async fn numbers(follower: &mut Follower, times: usize) -> Vec<i64> {
    let mut numbers = Vec::new();
    for _ in 0..times {
        numbers.push(follower.next().await.unwrap().seq);
    }
    numbers
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_where_the_one_before_ended() {
    let f = Readers::new(1);
    f.happen(300);
    let (mut since, mut found) = (None, Vec::new());
    loop {
        let page = f.feed.page(&reading(CREATED), since, 7).await.unwrap();
        if since == Some(page.read_to) {
            break;
        }
        assert!(page.told.len() <= 7);
        found.extend(page.told.iter().map(|told| told.seq));
        since = Some(page.read_to);
    }
    assert_eq!(found, (1..=300).collect::<Vec<_>>());
    let none = reading("eventType=PartyInteractionDeleteEvent");
    let page = f.feed.page(&none, None, 7).await.unwrap();
    assert_eq!((page.told.len(), page.read_to), (0, 300));
    let beyond = f.feed.page(&none, Some(301), 7).await;
    assert!(matches!(beyond, Err(FeedError::Beyond(300))), "{beyond:?}");
}

#[tokio::test(start_paused = true)]
async fn followers_get_each_event_once_and_in_order() {
    let f = Readers::new(3);
    f.happen(5);
    let (mut all, mut new) = (f.follow(Some(0)).await, f.follow(None).await);
    assert_eq!(numbers(&mut all, 5).await, [1, 2, 3, 4, 5]);
    // Somebody is live while another one comes from behind.
    for n in 6..20 {
        f.happen(1);
        assert_eq!(numbers(&mut all, 1).await, [n]);
    }
    let mut late = f.follow(Some(3)).await;
    // More than any queue holds, with nobody taking it.
    f.happen(500);
    sleep(Duration::from_secs(2)).await;
    f.happen(1);
    assert_eq!(numbers(&mut all, 501).await, (20..=520).collect::<Vec<_>>());
    assert_eq!(numbers(&mut new, 515).await, (6..=520).collect::<Vec<_>>());
    assert_eq!(numbers(&mut late, 517).await, (4..=520).collect::<Vec<_>>());
    assert_eq!([all.position(), new.position(), late.position()], [520; 3]);
}

#[tokio::test(start_paused = true)]
async fn places_are_bounded_and_closing_ends_all() {
    let f = Readers::new(1);
    let mut one = f.follow(None).await;
    let another = f.feed.follow(reading(CREATED), None).await;
    assert!(matches!(another.err(), Some(FeedError::TooMany)));
    tokio::join!(async { assert_eq!(one.next().await, None) }, async {
        yield_now().await;
        f.feed.close();
    });
    drop(one);
    let closed = f.feed.follow(reading(CREATED), None).await;
    assert!(matches!(closed.err(), Some(FeedError::Store(_))));
}
