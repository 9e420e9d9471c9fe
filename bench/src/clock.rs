//! Time of one thread, told in a way that neighbours on the machine disturb little.

use std::fs;
use touchstone_sdk::entropy::Stopwatch;

/// Milliseconds of `work`.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Stopwatch::start();
    let value = work();
    (value, start.elapsed().as_secs_f64() * 1e3)
}

/// Milliseconds that this thread has been on a processor; `None` where the system does not tell (only Linux does).
fn processor() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? * 1e-6)
}

/// Milliseconds of a set of queries.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Times {
    /// Processor time of all passes, by query; wall clock where there is no processor time.
    pub(crate) mean: f64,
    /// Wall clock of each query's best pass.
    pub(crate) median: f64,
    /// The same, the slowest twentieth.
    pub(crate) p95: f64,
}

impl Times {
    /// The middle of two measurements.
    pub(crate) fn between(self, other: Self) -> Self {
        let middle = |one: f64, other: f64| f64::midpoint(one, other);
        Self {
            mean: middle(self.mean, other.mean),
            median: middle(self.median, other.median),
            p95: middle(self.p95, other.p95),
        }
    }
}

/// Runs `query` for every place below `count` in `passes` rounds: between two runs of one query run all others, so that
/// none finds its own lines in the cache.
pub(crate) fn measure(count: usize, passes: usize, mut query: impl FnMut(usize)) -> Times {
    let mut best = vec![f64::INFINITY; count];
    let (before, mut wall) = (processor(), 0.0);
    for _ in 0..passes {
        for (place, cell) in best.iter_mut().enumerate() {
            let ((), milliseconds) = timed(|| query(place));
            *cell = cell.min(milliseconds);
            wall += milliseconds;
        }
    }
    let used = processor().zip(before).map_or(wall, |(after, before)| after - before);
    best.sort_by(f64::total_cmp);
    let at = |share: f64| crate::load::percentile(&best, share);
    Times { mean: used / (passes * count).max(1) as f64, median: at(0.5), p95: at(0.95) }
}
