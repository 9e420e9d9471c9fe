//! How a query's radius is split over the keys, and which buckets that opens.
//!
//! If each key i were searched within t(i) flips and missed a code, the code would differ in at least t(i) + 1
//! bits of every key; so nothing within radius r is missed as long as the t(i) + 1 add up to r + 1. Any such
//! split is exact (t = -1 leaves a key out). The cheapest is found greedily, one flip at a time, from the true
//! sizes of this query's buckets: a key on which many codes crowd, by chance or by malice, is searched less
//! deeply or not at all, and the others more deeply.

#![allow(clippy::cast_possible_truncation)] // depths are small: there are at most 257 flips to give

use std::ops::Range;

use super::budget::{NEARBY, PROBE, SCAN};
use super::code::{KEYS, Spread};
use super::table::Table;

/// Estimates are raised by a quarter, so that a shell whose true size turns out as expected is then taken at
/// once and no rival is looked up in vain.
const CAUTION: (u64, u64) = (5, 4);

/// The buckets of one key that are open, by shells of equal numbers of flipped head bits.
#[derive(Debug, Default)]
struct Shells {
    /// Non-empty buckets of all shells looked up.
    buckets: Vec<Range<u32>>,
    /// End of each shell in `buckets`.
    ends: Vec<usize>,
    /// Shells to search.
    taken: usize,
    /// Cost of the next shell, and whether it has been looked up.
    next: (u64, bool),
}

/// Reusable memory for the split of one query over one segment.
#[derive(Debug, Default)]
pub(crate) struct Allotment {
    shells: [Shells; KEYS],
}

impl Allotment {
    /// Splits `radius` over `tables` of a segment of `codes` codes. Answers the buckets looked up, or nothing
    /// if comparing every code is cheaper.
    pub(crate) fn split(
        &mut self,
        tables: &[Table],
        codes: usize,
        query: &Spread,
        radius: u32,
    ) -> Option<u64> {
        let most = codes as u64 * SCAN;
        let (mut total, mut probes) = (0, 0);
        for (shells, table) in self.shells.iter_mut().zip(tables) {
            shells.buckets.clear();
            shells.ends.clear();
            shells.taken = 0;
            shells.next = (estimate(table, 0, codes), false);
        }
        for _ in 0..=radius {
            loop {
                let pairs = self.shells.iter_mut().zip(tables);
                let (shells, table) = pairs.min_by_key(|(shells, _)| shells.next.0)?;
                let (cost, known) = shells.next;
                if total + cost > most {
                    return None;
                }
                if known {
                    total += cost;
                    shells.taken += 1;
                    shells.next = (estimate(table, shells.taken, codes), false);
                    break;
                }
                probes += shells.look_up(table, query);
            }
        }
        Some(probes)
    }

    /// The open buckets of key `key`, shell by shell, each with the flips still allowed in the lower bits.
    pub(crate) fn open(&self, key: usize) -> impl Iterator<Item = (u32, &[Range<u32>])> {
        let shells = self.shells.get(key);
        let (taken, ends) =
            shells.map_or((0, [].as_slice()), |shells| (shells.taken, shells.ends.as_slice()));
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).take(taken).zip((0_u32..taken as u32).rev()).map(move |((start, end), flips)| {
            (flips, shells.and_then(|shells| shells.buckets.get(start..*end)).unwrap_or_default())
        })
    }
}

impl Shells {
    /// Looks up the next shell: sets its true cost and answers how many buckets that took.
    fn look_up(&mut self, table: &Table, query: &Spread) -> u64 {
        let head = table.head(query);
        let (mut count, mut postings) = (0, 0);
        for flips in Combinations::new(table.head_bits(), self.taken as u32) {
            let bucket = table.bucket(head ^ flips);
            count += 1;
            postings += bucket.len() as u64;
            if !bucket.is_empty() {
                self.buckets.push(bucket);
            }
        }
        self.ends.push(self.buckets.len());
        self.next = (count * PROBE + postings * posting_cost(table), true);
        count
    }
}

/// Expected cost of searching the buckets with `flips` flipped head bits.
fn estimate(table: &Table, flips: usize, codes: usize) -> u64 {
    let bits = u64::from(table.head_bits());
    let mut buckets = 1_u64;
    for step in 0..flips as u64 {
        buckets = buckets.saturating_mul(bits.saturating_sub(step)) / (step + 1);
    }
    if buckets == 0 {
        // All buckets are open already: what is left to give is depth in the lower bits, which opens whole
        // buckets in the end.
        return codes as u64;
    }
    let postings = buckets.saturating_mul(codes as u64) >> bits;
    buckets.saturating_mul(PROBE).saturating_add(postings.saturating_mul(posting_cost(table))) * CAUTION.0
        / CAUTION.1
}

/// Key 0 has codes in the place of postings.
fn posting_cost(table: &Table) -> u64 {
    if table.key() == 0 { NEARBY } else { 1 }
}

/// All words of `bits` bits with a given number of ones, ascending.
struct Combinations {
    next: u64,
    end: u64,
}

impl Combinations {
    fn new(bits: u32, ones: u32) -> Self {
        let end = 1 << bits;
        Self { next: if ones > bits { end } else { (1 << ones) - 1 }, end }
    }
}

impl Iterator for Combinations {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let word = self.next;
        if word >= self.end {
            return None;
        }
        // Gosper's step: move the lowest block's top one up, and the rest of the block to the bottom.
        let lowest = word & word.wrapping_neg();
        let ripple = word + lowest;
        self.next =
            if word == 0 { self.end } else { ripple | (word ^ ripple) >> (2 + lowest.trailing_zeros()) };
        u32::try_from(word).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_all_words_with_so_many_ones() {
        for bits in 0..12 {
            for ones in 0..14 {
                let expected: Vec<u32> =
                    (0..1_u32 << bits).filter(|word| word.count_ones() == ones).collect();
                assert_eq!(Combinations::new(bits, ones).collect::<Vec<_>>(), expected, "{ones} of {bits}");
            }
        }
    }
}
