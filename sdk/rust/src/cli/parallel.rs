//! Many files at once: a few threads work, the results come out in the order of the arguments.

use super::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// How many threads work: between two and four.
fn threads() -> usize {
    thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4))
}

/// Calls `work` for every item on several threads, and `done` with each result in the items' order, on this thread.
pub(crate) fn in_order<I: Sync, R: Send>(
    items: &[I],
    work: impl Fn(&I) -> R + Sync,
    mut done: impl FnMut(usize, R),
) {
    let done = |at, result: Option<R>| {
        if let Some(result) = result {
            done(at, result);
        }
    };
    in_order_until(items, work, |_| false, done);
}

/// As [`in_order`], until a result `ends` the work: the items that were not begun by then come last and have none.
pub(crate) fn in_order_until<I: Sync, R: Send>(
    items: &[I],
    work: impl Fn(&I) -> R + Sync,
    ends: impl Fn(&R) -> bool + Sync,
    mut done: impl FnMut(usize, Option<R>),
) {
    let (next, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut due = 0;
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads().min(items.len()) {
            let (sender, next, ended, work, ends) = (sender.clone(), &next, &ended, &work, &ends);
            scope.spawn(move || {
                // Asked before an item is taken: what was taken has a result.
                while !ended.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = work(item);
                    if ends(&result) {
                        ended.store(true, Ordering::Relaxed);
                    }
                    if sender.send((at, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        for (at, result) in receiver {
            waiting.insert(at, result);
            while let Some(result) = waiting.remove(&due) {
                done(due, Some(result));
                due += 1;
            }
        }
    });
    (due..items.len()).for_each(|at| done(at, None));
}

/// A bar on standard error while many files are worked on; nothing where nobody watches.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(out: &Output, steps: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        if out.progress && steps > 1 {
            if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {eta}") {
                bar.set_style(style);
            }
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        Self(bar)
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Several steps are done.
    pub(crate) fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Prints while the bar makes room.
    pub(crate) fn print(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u64> = (0..50).collect();
        let mut seen = Vec::new();
        let work = |item: &u64| {
            // Later items finish earlier.
            thread::sleep(Duration::from_micros(50 * (50 - item)));
            item * 2
        };
        in_order(&items, work, |at, result| seen.push((at, result)));
        assert_eq!(seen, (0..50).map(|n| (n as usize, n * 2)).collect::<Vec<_>>());
        in_order(&[], |item: &u64| *item, |_, _| panic!("nothing to do"));
    }

    #[test]
    fn what_ends_the_work_leaves_the_rest_undone() {
        let items: Vec<usize> = (0..50).collect();
        let mut seen = Vec::new();
        in_order_until(&items, |item| *item, |item| *item == 5, |at, result| seen.push((at, result)));
        assert_eq!(seen.iter().map(|(at, _)| *at).collect::<Vec<_>>(), items);
        assert!(seen.iter().all(|(at, result)| result.is_none_or(|result| result == *at)));
        assert!(seen.iter().take(6).all(|(_, result)| result.is_some()), "what came before it");
        let mut all = 0;
        in_order_until(&items, |item| *item, |_| false, |_, result| all += usize::from(result.is_some()));
        assert_eq!(all, 50);
    }
}
