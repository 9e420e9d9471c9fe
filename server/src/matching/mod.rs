//! Candidate search by fingerprint: which registered pictures look like this one?
//!
//! First form: an exact scan of every PDQ code in memory, for the eight orientations of the query at once. It is
//! lossless, needs 40 bytes a picture, and inserts while queries run: a query takes a snapshot of reference-counted
//! segments and holds no lock while it scans. It knows log indexes and codes, nothing else.

use std::sync::{Arc, PoisonError, RwLock};

/// Codes in one segment: large enough to scan fast, small enough to copy when an insert meets a running query.
const SEGMENT: usize = 4_096;

/// A registered picture whose code lies within the radius.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Log index of the statement.
    pub index: u64,
    /// Differing bits of 256.
    pub distance: u32,
    /// Which of the eight orientations of the query it was, 0 for upright.
    pub orientation: u8,
}

#[derive(Debug, Clone, Default)]
struct Segment {
    codes: Vec<[u64; 4]>,
    indexes: Vec<u64>,
}

/// All searchable codes.
#[derive(Debug, Default)]
pub struct PictureIndex {
    segments: RwLock<Vec<Arc<Segment>>>,
}

fn words(code: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(code.chunks_exact(8)) {
        let mut eight = [0; 8];
        eight.copy_from_slice(bytes);
        *word = u64::from_ne_bytes(eight);
    }
    words
}

/// Hamming distance, or a value above `radius` as soon as it is certain to exceed it.
fn distance_within(a: &[u64; 4], b: &[u64; 4], radius: u32) -> u32 {
    // Unrelated codes differ in about half of their bits: two words settle nearly all of them.
    let first = (a[0] ^ b[0]).count_ones() + (a[1] ^ b[1]).count_ones();
    if first > radius {
        return first;
    }
    first + (a[2] ^ b[2]).count_ones() + (a[3] ^ b[3]).count_ones()
}

fn insert(segments: &mut Vec<Arc<Segment>>, index: u64, code: &[u8; 32]) {
    if segments.last().is_none_or(|last| last.codes.len() >= SEGMENT) {
        segments.push(Arc::default());
    }
    if let Some(last) = segments.last_mut() {
        let last = Arc::make_mut(last);
        last.codes.push(words(code));
        last.indexes.push(index);
    }
}

impl PictureIndex {
    /// Adds a picture that is not there yet.
    pub fn insert(&self, index: u64, code: &[u8; 32]) {
        insert(&mut self.segments.write().unwrap_or_else(PoisonError::into_inner), index, code);
    }

    /// Gives a picture another code, or takes it out. A query sees it as it was or as it is, never without it in
    /// between.
    pub fn replace(&self, index: u64, code: Option<&[u8; 32]>) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        for segment in segments.iter_mut() {
            let Some(place) = segment.indexes.iter().position(|i| *i == index) else { continue };
            if code.is_some_and(|code| segment.codes[place] == words(code)) {
                return;
            }
            let segment = Arc::make_mut(segment);
            segment.codes.swap_remove(place);
            segment.indexes.swap_remove(place);
            break;
        }
        if let Some(code) = code {
            insert(&mut segments, index, code);
        }
    }

    /// Number of searchable pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.iter().map(|segment| segment.codes.len()).sum()
    }

    /// Whether nothing is searchable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pictures within `radius` of any of the orientations, nearest first, then oldest first; at most `limit`.
    #[must_use]
    pub fn search(&self, orientations: &[[u8; 32]], radius: u32, limit: usize) -> Vec<Candidate> {
        let snapshot = self.segments.read().unwrap_or_else(PoisonError::into_inner).clone();
        let queries: Vec<[u64; 4]> = orientations.iter().map(words).collect();
        let mut found: Vec<Candidate> = Vec::new();
        for segment in &snapshot {
            for (code, index) in segment.codes.iter().zip(&segment.indexes) {
                let mut best: Option<(u32, u8)> = None;
                for (orientation, query) in (0_u8..).zip(&queries) {
                    let distance = distance_within(query, code, radius);
                    if distance <= radius && best.is_none_or(|(nearest, _)| distance < nearest) {
                        best = Some((distance, orientation));
                    }
                }
                if let Some((distance, orientation)) = best {
                    found.push(Candidate { index: *index, distance, orientation });
                }
            }
            // A query near a flood of equal pictures must not hold them all.
            if found.len() > 16 * limit.max(64) {
                keep_nearest(&mut found, limit);
            }
        }
        keep_nearest(&mut found, limit);
        found
    }
}

fn keep_nearest(found: &mut Vec<Candidate>, limit: usize) {
    found.sort_unstable_by_key(|candidate| (candidate.distance, candidate.index));
    found.truncate(limit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(codes: &[[u8; 32]], queries: &[[u8; 32]], radius: u32) -> Vec<(u64, u32)> {
        let distance = |a: &[u8; 32], b: &[u8; 32]| a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum();
        let mut found: Vec<(u64, u32)> = (0..)
            .zip(codes)
            .filter_map(|(i, code)| {
                let nearest: u32 = queries.iter().map(|query| distance(query, code)).min()?;
                (nearest <= radius).then_some((i, nearest))
            })
            .collect();
        found.sort_unstable_by_key(|(index, distance)| (*distance, *index));
        found
    }

    proptest! {
        #[test]
        fn finds_exactly_what_a_naive_scan_finds(
            base: [u8; 32],
            flips in proptest::collection::vec(proptest::collection::vec(0_usize..256, 0..60), 1..200),
            radius in 0_u32..64,
        ) {
            let codes: Vec<[u8; 32]> = flips.iter().map(|bits| {
                let mut code = base;
                for bit in bits { code[bit / 8] ^= 1 << (bit % 8); }
                code
            }).collect();
            let queries = [base, base.map(|b| !b)];
            let index = PictureIndex::default();
            for (i, code) in (0..).zip(&codes) { index.insert(i, code); }
            let found: Vec<(u64, u32)> =
                index.search(&queries, radius, usize::MAX / 64).iter().map(|c| (c.index, c.distance)).collect();
            prop_assert_eq!(found, naive(&codes, &queries, radius));
        }
    }

    #[test]
    fn removal_and_segments() {
        let index = PictureIndex::default();
        for i in 0..3 * SEGMENT as u64 {
            index.insert(i, &[0; 32]);
        }
        assert_eq!(index.len(), 3 * SEGMENT);
        assert_eq!(index.search(&[[0; 32]], 0, 10).len(), 10);
        index.replace(5000, None);
        index.replace(5000, None);
        assert_eq!(index.len(), 3 * SEGMENT - 1);
        index.replace(4000, Some(&[1; 32]));
        assert_eq!(index.len(), 3 * SEGMENT - 1);
        assert_eq!(index.search(&[[1; 32]], 0, 9).iter().map(|c| c.index).collect::<Vec<_>>(), [4000]);
        assert!(index.search(&[[0; 32]], 0, usize::MAX / 64).iter().all(|c| c.index != 5000));
    }

    #[test]
    fn queries_run_while_pictures_are_added() {
        let index = PictureIndex::default();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000).for_each(|i| index.insert(i, &[7; 32])));
            let mut seen = 0;
            for _ in 0..50 {
                let now = index.search(&[[7; 32]], 0, usize::MAX / 64).len();
                assert!(now >= seen);
                seen = now;
            }
        });
        assert_eq!(index.search(&[[7; 32]], 0, usize::MAX / 64).len(), 20_000);
    }
}
