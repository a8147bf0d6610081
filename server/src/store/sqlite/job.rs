//! A job: one unit of work on its way through the queue, with the way back to its caller.

use super::change::Unit;
use super::error::failed_because;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::room::Place;
use tokio::sync::oneshot;

/// A unit of work in the queue, its result type forgotten.
pub(super) trait Job: Send {
    /// Does the work and keeps the result.
    fn run(&mut self, unit: &mut Unit<'_>) -> rusqlite::Result<()>;
    /// What it is, for errors.
    fn what(&self) -> &'static str;
    /// Tells the caller how it ended: with the result kept, or with `error`.
    fn answer(self: Box<Self>, error: Option<StoreError>);
}

/// A job, and the first end of the channel its answer comes through. `place` is what it takes of the queue.
pub(super) fn job<T, F>(
    what: &'static str,
    place: Place,
    work: F,
) -> (Box<dyn Job>, oneshot::Receiver<StoreResult<T>>)
where
    T: Send + 'static,
    F: FnMut(&mut Unit<'_>) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { what, place, work, result: None, reply }), answer)
}

struct Task<T, F> {
    what: &'static str,
    place: Place,
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<StoreResult<T>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&mut Unit<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, unit: &mut Unit<'_>) -> rusqlite::Result<()> {
        self.result = Some((self.work)(unit)?);
        Ok(())
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn answer(self: Box<Self>, error: Option<StoreError>) {
        let result = match (error, self.result) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => Ok(result),
            (None, None) => Err(failed_because(self.what, "it was not run")),
        };
        // Who has the answer finds room for more.
        drop((self.work, self.place));
        // A caller that no longer waits is no failure.
        let _ = self.reply.send(result);
    }
}
