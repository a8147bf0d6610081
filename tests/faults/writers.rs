//! Clients that write and do not give up: each create is repeated with its key until it is answered.

use crate::scene::{creates_told, is_unavailable, reasons};
use harness::{Caller, DEADLINE};
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Clients that write at once.
const WRITERS: usize = 4;

/// Writers at work.
pub struct Writers {
    work: JoinSet<Vec<(String, String)>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    made: AtomicUsize,
    refused: AtomicUsize,
    news: Notify,
}

impl Writers {
    /// Sets them to work. What they are refused for has to be `why`.
    pub fn start(caller: &Caller, why: &'static str) -> Self {
        let (mut work, state) = (JoinSet::new(), Arc::<State>::default());
        for writer in 0..WRITERS {
            work.spawn(write(caller.clone(), writer, why, Arc::clone(&state)));
        }
        Self { work, state }
    }

    /// Waits until so many more are made.
    pub async fn make(&self, more: usize) {
        self.until(&self.state.made, more).await;
    }

    /// Waits until so many more are refused.
    pub async fn are_refused(&self, more: usize) {
        self.until(&self.state.refused, more).await;
    }

    async fn until(&self, count: &AtomicUsize, more: usize) {
        let goal = count.load(Ordering::Relaxed) + more;
        while count.load(Ordering::Relaxed) < goal {
            timeout(DEADLINE, self.state.news.notified()).await.expect("news of writers in time");
        }
    }

    /// Lets them end: what each has begun is made by then. All of it is there, once, as it was answered,
    /// and has been told once.
    pub async fn end(self, caller: &Caller) {
        self.state.is_over.store(true, Ordering::Relaxed);
        let made = timeout(DEADLINE, self.work.join_all()).await.expect("writers that end");
        let mut made: Vec<_> = made.into_iter().flatten().collect();
        made.sort();
        let mut found = reasons(caller).await;
        found.retain(|(reason, _)| reason.starts_with("writer-"));
        assert_eq!(found, made);
        let told = creates_told(caller).await;
        let untold: Vec<_> = made.iter().filter(|(_, id)| !told.contains(id)).collect();
        assert!(untold.is_empty(), "{untold:?}");
    }
}

/// A writer: what it made, each with its id.
async fn write(
    caller: Caller,
    writer: usize,
    why: &'static str,
    state: Arc<State>,
) -> Vec<(String, String)> {
    let mut made = Vec::new();
    while !state.is_over.load(Ordering::Relaxed) {
        let reason = format!("writer-{writer}-call-{}", made.len());
        let body = caller.api.sample(&reason).to_string();
        let answer = loop {
            let call = caller.call(Method::POST, "/partyInteraction");
            let call = call.header("idempotency-key", &reason);
            let answer = call.body("application/json", body.clone()).send().await;
            if answer.status == 201 {
                break answer;
            }
            is_unavailable(answer, why);
            state.refused.fetch_add(1, Ordering::Relaxed);
            state.news.notify_one();
        };
        made.push((reason, answer.id()));
        state.made.fetch_add(1, Ordering::Relaxed);
        state.news.notify_one();
    }
    made
}
