//! Statements that wait to be appended together: one durable transaction serves all that came while the last one ran.
//!
//! Bounded by the number of statements and by their bytes. Knows nothing of what is done with them.

use super::{Inner, Refusal, register::Job};
use crate::log::{guard::HaltOnPanic, view::View};
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

/// How statements are gathered.
#[derive(Debug, Clone, Copy)]
pub struct Gathering {
    /// Most statements that wait; more are told to come back.
    pub waiting: usize,
    /// Most bytes of their envelopes together.
    pub waiting_bytes: usize,
    /// Most statements of one transaction. A larger request is one by itself.
    pub together: usize,
    /// How long the first one waits for others to come.
    pub patience: Duration,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { waiting: 20_000, waiting_bytes: 64 << 20, together: 2_000, patience: Duration::from_millis(1) }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    statements: usize,
    bytes: usize,
    closed: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    gathering: Gathering,
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

impl Queue {
    pub(super) fn new(gathering: Gathering) -> Arc<Self> {
        Arc::new(Self { gathering, waiting: Mutex::default(), filled: Condvar::new() })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request's statements at the end.
    ///
    /// # Errors
    /// A busy [`Refusal`] if too many wait.
    pub(super) fn push(&self, job: Job) -> Result<(), Refusal> {
        let mut waiting = self.waiting();
        let (statements, bytes) = (waiting.statements + job.len(), waiting.bytes + job.bytes());
        let Gathering { waiting: most, waiting_bytes: most_bytes, .. } = self.gathering;
        if waiting.closed {
            return Err(Refusal::unavailable("the registry is stopping"));
        }
        // A request that is larger than the whole queue still goes through an empty one.
        if (statements > most || bytes > most_bytes) && waiting.statements > 0 {
            let Waiting { statements, bytes, .. } = *waiting;
            let cause = format!("{statements} statements of {bytes} bytes wait to be appended");
            return Err(Refusal::busy(cause));
        }
        (waiting.statements, waiting.bytes) = (statements, bytes);
        waiting.jobs.push_back(job);
        self.filled.notify_one();
        Ok(())
    }

    /// How many statements wait.
    pub(super) fn len(&self) -> usize {
        self.waiting().statements
    }

    /// The next requests that go together, in order; nothing once the queue is closed and empty.
    fn take(&self) -> Option<Vec<Job>> {
        let Gathering { together, patience, .. } = self.gathering;
        let waiting = self.filled.wait_while(self.waiting(), |w| w.jobs.is_empty() && !w.closed);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let few = |w: &mut Waiting| w.statements < together && !w.closed;
        let (mut waiting, _) =
            self.filled.wait_timeout_while(waiting, patience, few).unwrap_or_else(PoisonError::into_inner);
        let (mut jobs, mut statements) = (Vec::new(), 0);
        while let Some(next) = waiting.jobs.front().map(Job::len) {
            if !jobs.is_empty() && statements + next > together {
                break;
            }
            statements += next;
            jobs.extend(waiting.jobs.pop_front());
        }
        waiting.statements -= statements;
        waiting.bytes -= jobs.iter().map(Job::bytes).sum::<usize>();
        (!jobs.is_empty()).then_some(jobs)
    }

    /// Lets the sequencer end once the queue is empty.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.filled.notify_all();
    }

    /// Tells everybody who waits that nothing is appended any more.
    fn abandon(&self) {
        // Requests learn it when what they wait for is dropped.
        *self.waiting() = Waiting { closed: true, ..Waiting::default() };
        self.filled.notify_all();
    }
}

/// Starts the thread that appends what waits, for as long as the registry lives.
pub(super) fn sequence(queue: Arc<Queue>, log: Arc<View>, registry: Weak<Inner>) -> io::Result<()> {
    let left = Arc::clone(&queue);
    let guard = HaltOnPanic::new(log, "appending to the log").and(move || left.abandon());
    let work = move || {
        let _guard = guard;
        while let Some(jobs) = queue.take() {
            let Some(inner) = registry.upgrade() else { return };
            inner.append_together(jobs);
        }
    };
    thread::Builder::new().name("sequencer".to_owned()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Arc<Queue> {
        let patience = Duration::from_millis(1);
        Queue::new(Gathering { waiting: 4, waiting_bytes: 1_000, together: 2, patience })
    }

    #[test]
    fn neither_many_statements_nor_long_ones_wait() {
        let queue = queue();
        queue.push(Job::refused(5_000)).unwrap();
        let refused = queue.push(Job::refused(1)).unwrap_err();
        assert!(refused.busy && refused.with_causes().contains("5000 bytes"), "{refused:?}");
        assert_eq!(queue.take().unwrap().len(), 1);
        for _ in 0..4 {
            queue.push(Job::refused(250)).unwrap();
        }
        assert!(queue.push(Job::refused(0)).unwrap_err().busy);
        assert_eq!((queue.take().unwrap().len(), queue.len()), (2, 2));
        queue.push(Job::refused(500)).unwrap();
        assert!(queue.push(Job::refused(1)).unwrap_err().busy, "its bytes still wait");
        assert_eq!((queue.take().unwrap().len(), queue.take().unwrap().len()), (2, 1));
        queue.push(Job::refused(1_000)).unwrap();
    }

    #[test]
    fn nobody_waits_for_a_sequencer_that_died() {
        let queue = queue();
        queue.push(Job::refused(1)).unwrap();
        queue.abandon();
        assert_eq!(queue.len(), 0);
        assert!(queue.push(Job::refused(1)).is_err());
        assert!(queue.take().is_none());
    }
}
