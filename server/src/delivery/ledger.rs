//! Progress on its way to the store: noted by subscribers at any rate, written by the engine in
//! batches.

use crate::store::contract::delivery::Progress;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What has not been written yet, by subscription.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    notes: Mutex<HashMap<String, Progress>>,
    noted: Notify,
}

impl Ledger {
    /// Keeps the latest of each subscription, and all of what is told once.
    pub(super) fn note(&self, progress: Progress) {
        let mut notes = self.lock();
        let earlier = notes.remove(&progress.subscription_id);
        let joined = match earlier {
            Some(earlier) => join(earlier, progress),
            None => progress,
        };
        notes.insert(joined.subscription_id.clone(), joined);
        drop(notes);
        self.noted.notify_one();
    }

    /// Everything noted; it is the caller's to write now.
    pub(super) fn take(&self) -> Vec<Progress> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    /// Gives back what could not be written. What was noted meanwhile is later.
    pub(super) fn put_back(&self, progress: Vec<Progress>) {
        let mut notes = self.lock();
        for earlier in progress {
            let joined = match notes.remove(&earlier.subscription_id) {
                Some(later) => join(earlier, later),
                None => earlier,
            };
            notes.insert(joined.subscription_id.clone(), joined);
        }
        drop(notes);
        self.noted.notify_one();
    }

    /// Waits until something is noted.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was noted under another epoch would be refused: it goes.
fn join(earlier: Progress, later: Progress) -> Progress {
    if earlier.epoch != later.epoch {
        return later;
    }
    let Progress { mut dead, mut redelivered, .. } = earlier;
    dead.extend(later.dead);
    redelivered.extend(later.redelivered);
    Progress {
        last_success: later.last_success.or(earlier.last_success),
        last_failure: later.last_failure.or(earlier.last_failure),
        dead,
        redelivered,
        ended: earlier.ended || later.ended,
        ..later
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::delivery::{Dead, Failed};

    fn failed(at: i64) -> Failed {
        Failed { error: "500".to_owned(), at }
    }

    fn progress(epoch: i64, cursor: i64) -> Progress {
        Progress { subscription_id: "1".to_owned(), epoch, cursor, ..Progress::default() }
    }

    #[test]
    fn the_latest_counts_and_nothing_told_once_is_lost() {
        let ledger = Ledger::default();
        let dead = |seq| Dead { seq, attempts: 1, failed: failed(seq) };
        ledger.note(Progress { dead: vec![dead(4)], last_success: Some(3), ..progress(0, 4) });
        let taken = ledger.take();
        ledger.note(Progress {
            dead: vec![dead(5)],
            last_failure: Some(failed(5)),
            ..progress(0, 5)
        });
        ledger.put_back(taken);
        let expected = Progress {
            dead: vec![dead(4), dead(5)],
            last_success: Some(3),
            last_failure: Some(failed(5)),
            ..progress(0, 5)
        };
        assert_eq!(ledger.take(), [expected]);
        assert!(ledger.take().is_empty());
    }

    #[test]
    fn another_epoch_begins_anew() {
        let ledger = Ledger::default();
        ledger.note(Progress { ended: true, last_success: Some(3), ..progress(0, 9) });
        ledger.note(progress(1, 2));
        assert_eq!(ledger.take(), [progress(1, 2)]);
    }
}
