//! Statements that wait to be appended together: one durable transaction serves all that came while the last one ran.
//!
//! Bounded by the number of statements. Knows nothing of what is done with them.

use super::{Inner, Refusal, register::Job};
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
    /// Most statements of one transaction. A larger request is one by itself.
    pub together: usize,
    /// How long the first one waits for others to come.
    pub patience: Duration,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { waiting: 20_000, together: 2_000, patience: Duration::from_millis(1) }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    statements: usize,
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
        let statements = waiting.statements + job.len();
        if waiting.closed {
            return Err(Refusal::unavailable("the registry is stopping"));
        }
        // A request that is larger than the whole queue still goes through an empty one.
        if statements > self.gathering.waiting && waiting.statements > 0 {
            let cause = format!("{} statements wait to be appended", waiting.statements);
            return Err(Refusal::busy(cause));
        }
        waiting.statements = statements;
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
        (!jobs.is_empty()).then_some(jobs)
    }

    /// Lets the sequencer end once the queue is empty.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.filled.notify_all();
    }
}

/// Starts the thread that appends what waits, for as long as the registry lives.
pub(super) fn sequence(queue: Arc<Queue>, registry: Weak<Inner>) -> io::Result<()> {
    let work = move || {
        while let Some(jobs) = queue.take() {
            let Some(inner) = registry.upgrade() else { return };
            inner.append_together(jobs);
        }
    };
    thread::Builder::new().name("sequencer".to_owned()).spawn(work).map(drop)
}
