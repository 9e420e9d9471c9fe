//! Bounds on what one query may cost and return, so that no set of registered codes, however hostile, can
//! make a query slow or its answer large.

/// Bounds on one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At most this many hits are returned, the nearest ones.
    pub hits: usize,
    /// At most about this many units of work are done. A unit is one posting read, on average about a
    /// nanosecond; looking into a bucket and comparing a code count as several. A query in 10 million codes
    /// that crowd no bucket needs about 100,000 at radius 31.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hits: 256, work: 20_000_000 }
    }
}

/// Cost of looking into one bucket, in units of work.
pub(crate) const PROBE: u64 = 12;
/// Cost of comparing a code that lies anywhere in memory.
pub(crate) const COMPARE: u64 = 16;
/// Cost of comparing a code in a run of a few: beside the one before, but mostly on a line of memory of its own.
pub(crate) const NEARBY: u64 = 9;
/// Cost of comparing a code that follows the one before in a long run.
pub(crate) const SCAN: u64 = 3;

/// The work a query may still do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    total: u64,
    left: u64,
    exhausted: bool,
}

impl Budget {
    pub(crate) fn new(work: u64) -> Self {
        Self { total: work, left: work, exhausted: false }
    }

    /// Takes `count` pieces of work at `cost` units each, or as many as are left; answers how many were
    /// granted.
    #[inline]
    pub(crate) fn take(&mut self, count: usize, cost: u64) -> usize {
        let wanted = count as u64 * cost;
        if wanted <= self.left {
            self.left -= wanted;
            return count;
        }
        self.exhausted = true;
        let granted = (self.left / cost).min(count as u64);
        self.left = 0;
        usize::try_from(granted).unwrap_or(count)
    }

    /// Whether work was refused: the answer may then lack hits.
    pub(crate) fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// Units used.
    pub(crate) fn used(&self) -> u64 {
        self.total - self.left
    }
}
