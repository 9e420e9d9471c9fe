//! A gate before costly work: a few at a time, a bounded queue, everybody else is told to come back.

use super::problem::Failure;
use crate::registry::Refusal;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When somebody who found the queue full should try again, in seconds.
const RETRY_SECONDS: u32 = 2;

/// Lets a bounded number of jobs run and a bounded number wait.
#[derive(Debug)]
pub struct Gate {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
}

/// Counts somebody who waits; no longer when it is dropped, even if the client went away meanwhile.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// `slots` jobs at a time, `queue` that wait.
    #[must_use]
    pub fn new(slots: usize, queue: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.max(1))), waiting: AtomicUsize::new(0), queue }
    }

    /// Waits for a slot; it is free again when the permit is dropped. Slots are given in the order of asking.
    ///
    /// # Errors
    /// Unavailable, with a time to retry, when the queue is full.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(permit);
        }
        let ahead = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if ahead >= self.queue {
            return Err(full("too many requests of this kind are waiting"));
        }
        Arc::clone(&self.slots).acquire_owned().await.map_err(|_| full("the server is stopping"))
    }
}

/// The refusal of a busy server.
pub(super) fn full(cause: &'static str) -> Failure {
    Refusal { retry_after_seconds: Some(RETRY_SECONDS), ..Refusal::busy(cause) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn the_queue_is_bounded_and_slots_come_back() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().await.unwrap();
        let waiting = gate.enter();
        let refused = async {
            assert!(gate.enter().await.is_err());
            drop(first);
        };
        let (second, ()) = futures_util::future::join(waiting, refused).await;
        drop(second.unwrap());
        drop(gate.enter().await.unwrap());
        assert_eq!(gate.waiting.load(Ordering::Acquire), 0);
    }
}
