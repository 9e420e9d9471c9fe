//! Nearest descriptors.

use crate::features::{Code, Query, Reference};

/// A registered feature and the feature of the query that resembles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Index into the reference's features.
    pub reference: usize,
    /// Index into the query's features.
    pub query: usize,
    /// Differing bits of the two descriptors, 0 to 256.
    pub distance: u32,
}

/// Most differing bits of a match.
const MAX_DISTANCE: u32 = 76;
/// A match must beat every match elsewhere in the query by this ratio of distances (numerator, denominator).
const RATIO: (u32, u32) = (9, 10);
/// Pixels within which two features of the query count as the same place.
const SAME_PLACE: f32 = 6.0;

/// Number of differing bits.
#[inline]
pub(super) fn distance(a: &Code, b: &Code) -> u32 {
    (a[0] ^ b[0]).count_ones()
        + (a[1] ^ b[1]).count_ones()
        + (a[2] ^ b[2]).count_ones()
        + (a[3] ^ b[3]).count_ones()
}

/// The descriptors of a query's features, as they are or mirrored.
pub(super) fn codes(query: &Query, mirrored: bool) -> Vec<Code> {
    query.features.iter().map(|two| if mirrored { two.mirrored } else { two.feature.code }).collect()
}

/// The nearest feature of the query for each registered one, where it is near enough and clearly nearer than
/// any feature elsewhere. In the order of the registered features; several may share one of the query.
pub(super) fn nearest(reference: &Reference, query: &Query, codes: &[Code]) -> Vec<Match> {
    let mut matches = Vec::with_capacity(reference.features.len());
    for (index, feature) in reference.features.iter().enumerate() {
        let mut best = (u32::MAX, 0_usize);
        let mut second = u32::MAX;
        for (candidate, code) in codes.iter().enumerate() {
            let distance = distance(&feature.code, code);
            if distance >= second {
                continue;
            }
            if distance < best.0 {
                if best.0 != u32::MAX && !same_place(query, best.1, candidate) {
                    second = best.0;
                }
                best = (distance, candidate);
            } else if !same_place(query, best.1, candidate) {
                second = distance;
            }
        }
        let clear = second == u32::MAX || best.0 * RATIO.1 <= second * RATIO.0;
        if best.0 <= MAX_DISTANCE && clear {
            matches.push(Match { reference: index, query: best.1, distance: best.0 });
        }
    }
    matches
}

fn same_place(query: &Query, a: usize, b: usize) -> bool {
    let (Some(a), Some(b)) = (query.features.get(a), query.features.get(b)) else { return false };
    let (a, b) = (a.feature.keypoint, b.feature.keypoint);
    (a.x - b.x).abs() < SAME_PLACE && (a.y - b.y).abs() < SAME_PLACE
}
