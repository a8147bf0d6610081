//! A store in memory, listeners that are functions, and the engine between them, in paused time.

mod engine;
mod feed;
mod live;
mod store;
mod window;

use super::reading::Reading;
use super::sender::Attempt;
use super::{Engine, Options, Tail};
use crate::config::{Flags, Settings};
use crate::domain::notification::Shape;
use crate::query::parse::{QueryContext, QueryLimits};
use crate::query::subscription::EventFilter;
use crate::query::vocabulary::Vocabulary;
use crate::store::contract::delivery::DeliveryStore;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::MemoryStore;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// What a listener does with the n-th request.
type Answers = dyn Fn(usize) -> BoxFuture<'static, Attempt> + Send + Sync;

/// A listener, and what it has seen.
struct Listener {
    answers: Box<Answers>,
    /// Event id and time of each request.
    requests: Mutex<Vec<(String, Instant)>>,
    acknowledged: Mutex<Vec<String>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    told: Notify,
}

impl Listener {
    fn new(
        answers: impl Fn(usize) -> BoxFuture<'static, Attempt> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answers: Box::new(answers),
            requests: Mutex::default(),
            acknowledged: Mutex::default(),
            in_flight: AtomicUsize::default(),
            most_in_flight: AtomicUsize::default(),
            told: Notify::new(),
        })
    }

    /// Takes a moment, and acknowledges.
    fn good() -> Arc<Self> {
        Self::new(|_| after(10, Attempt::Delivered))
    }

    async fn hear(self: Arc<Self>, event_id: String) -> Attempt {
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push((event_id.clone(), Instant::now()));
            requests.len() - 1
        };
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(in_flight, Ordering::SeqCst);
        let attempt = (self.answers)(number).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        if attempt == Attempt::Delivered {
            self.acknowledged.lock().unwrap().push(event_id);
        }
        self.told.notify_one();
        attempt
    }

    fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap().clone()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    /// Whole seconds between requests.
    fn pauses(&self) -> Vec<f64> {
        let requests = self.requests.lock().unwrap();
        requests.windows(2).map(|two| (two[1].1 - two[0].1).as_secs_f64()).collect()
    }

    /// Waits until so many requests have been answered as the condition wants.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let wait = async {
            while !condition(self) {
                self.told.notified().await;
            }
        };
        let patience = Duration::from_secs(10 * 86_400);
        assert!(timeout(patience, wait).await.is_ok(), "{:?}", self.requests());
    }
}

fn after(milliseconds: u64, attempt: Attempt) -> BoxFuture<'static, Attempt> {
    async move {
        sleep(Duration::from_millis(milliseconds)).await;
        attempt
    }
    .boxed()
}

fn no(error: &str) -> Attempt {
    Attempt::Failed { error: error.to_owned(), retry_after: None }
}

/// A store, listeners by callback, and the engine between them.
struct Fixture {
    store: Arc<MemoryStore>,
    listeners: Arc<Mutex<HashMap<String, Arc<Listener>>>>,
    retry_seconds: Vec<u64>,
}

impl Fixture {
    fn new() -> Self {
        let listeners = Arc::default();
        Self { store: Arc::new(MemoryStore::new()), listeners, retry_seconds: vec![1, 2, 5] }
    }

    /// A subscription whose listener that is.
    fn subscribe(&self, id: &str, listener: &Arc<Listener>) {
        self.listeners.lock().unwrap().insert(id.to_owned(), Arc::clone(listener));
        self.store.subscribe(id, None);
    }

    fn start(&self) -> Engine {
        let Settings { mut delivery, events, .. } =
            Settings::with_flags(&Flags::default()).unwrap();
        delivery.retry_seconds.clone_from(&self.retry_seconds);
        let listeners = Arc::clone(&self.listeners);
        let readings = Box::new(|_: &_| {
            Ok(Reading { filter: None, shape: Shape::V5, href_prefix: String::new() })
        });
        let store: Arc<dyn DeliveryStore> = self.store.clone();
        let deliver = Box::new(move |callback: String, event_id, _| {
            let listener = Arc::clone(&listeners.lock().unwrap()[&callback]);
            listener.hear(event_id).boxed()
        });
        Engine::with(Tail::of(store), deliver, Options { delivery, events, readings })
    }

    /// Waits until the store says so.
    async fn until(&self, condition: impl Fn(&MemoryStore) -> bool) {
        let wait = async {
            while !condition(&self.store) {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let patience = Duration::from_secs(3_600);
        assert!(timeout(patience, wait).await.is_ok(), "{:?}", self.store.tables());
    }
}

/// A subscription with that query.
fn reading(query: &str) -> Reading {
    let schemas = include_str!("../../../../generated/src/v5/schemas.json");
    let context = QueryContext {
        vocabulary: &Vocabulary::from_schema(schemas, "PartyInteraction").unwrap(),
        canonical_paths: &|path| vec![path.to_vec()],
        knows_extension: &|_| false,
        href_prefix: "http://h/",
        shape: Shape::V5,
        limits: QueryLimits { comparisons: 9, items: None, regex_bytes: 99, jsonpath_bytes: 99 },
    };
    let filter = EventFilter::parse(query, &context).unwrap();
    Reading { filter: Some(filter), shape: Shape::V5, href_prefix: "http://h/".to_owned() }
}
