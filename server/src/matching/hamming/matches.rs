//! What a query found, kept within its limit while it runs: each identifier once, nearest first.

use super::budget::Limits;

/// A registered code within the radius.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Identifier given at insertion.
    pub id: u32,
    /// Differing bits of 256.
    pub distance: u32,
    /// Which of the queried codes it was, counted from 0; the first one of those at the smallest distance.
    pub variant: u8,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Each identifier once, at its smallest distance; sorted by distance, then by identifier.
    pub hits: Vec<Hit>,
    /// There are more hits than the limit allowed; those returned are the nearest, and of those at the same
    /// distance the ones with the smallest identifiers.
    pub truncated: bool,
    /// All registered codes were taken into account. False: the work ran out, hits may be missing.
    pub complete: bool,
    /// Units of work done, as in [`Limits::work`].
    pub work: u64,
}

/// Hits collected so far.
#[derive(Debug)]
pub(crate) struct Matches {
    hits: Vec<Hit>,
    limit: usize,
    truncated: bool,
}

impl Matches {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { hits: Vec::new(), limit: limits.hits, truncated: false }
    }

    pub(crate) fn push(&mut self, hit: Hit) {
        self.hits.push(hit);
        if self.hits.len() >= (2 * self.limit).max(1_024) {
            self.compact();
        }
    }

    /// Notes that hits were left out elsewhere.
    pub(crate) fn truncate(&mut self) {
        self.truncated = true;
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Sorted hits, and whether some were left out.
    pub(crate) fn finish(mut self) -> (Vec<Hit>, bool) {
        self.compact();
        (self.hits, self.truncated)
    }

    fn compact(&mut self) {
        self.hits.sort_unstable_by_key(|hit| (hit.id, hit.distance, hit.variant));
        self.hits.dedup_by_key(|hit| hit.id);
        self.hits.sort_unstable_by_key(|hit| (hit.distance, hit.id));
        if self.hits.len() > self.limit {
            self.hits.truncate(self.limit);
            self.truncated = true;
        }
    }
}
