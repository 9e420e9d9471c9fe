//! One key's inverted lists: for each value of the key's upper bits, which codes have it.
//!
//! Two flat arrays (compressed sparse rows). A posting is one word: the key's lower bits above, the place of
//! the code below. Buckets by upper bits only keep the directory small and let one cache line answer for many
//! key values; the lower bits in the posting reject most codes without touching them, and as a bucket is sorted
//! by them, the postings with given lower bits are one run.
#![allow(clippy::cast_possible_truncation)] // places and counts fit 32 bits: a segment is smaller than that

use std::ops::Range;

use super::code::{Spread, key_bits};

/// Mean number of postings in a bucket, at least, as a power of two. 2^5 is a tenth slower among ten million codes; the
/// directories of 2^3 would need more than 80 bytes a code in all.
const BUCKET_BITS: u32 = 4;
/// Postings about the guessed place of a run that are searched first.
const WINDOW: usize = 16;
/// Postings that are judged together: by comparisons that take several at once, and seldom is one of them near.
pub(crate) const BLOCK: usize = 16;
/// Widest directory. Narrower than the narrowest key.
const MAX_HEAD_BITS: u32 = 22;

/// The lists of one key.
#[derive(Debug)]
pub(crate) struct Table {
    key: usize,
    /// Upper key bits, which choose the bucket.
    head_bits: u32,
    /// Lower bits of a posting, which hold the place.
    place_bits: u32,
    /// Where each bucket begins, and the end of the last.
    starts: Box<[u32]>,
    /// Sorted by bucket, then by value. Empty for key 0: the codes themselves are in its order.
    postings: Box<[u32]>,
}

/// What a query needs of a posting: these lower key bits, within this many flips.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    low: u32,
    place_bits: u32,
    low_bits: u32,
}

impl Wanted {
    /// Flipped lower key bits of a posting.
    #[inline]
    pub(crate) fn flips(self, posting: u32) -> u32 {
        ((posting ^ self.low) >> self.place_bits).count_ones()
    }

    /// Some postings of a bucket, among them all whose lower key bits differ in none. Looks first about where they
    /// lie if the lower bits are evenly spread, which is one or two cache lines and not a search through the bucket.
    #[inline]
    pub(crate) fn about(self, bucket: &[u32]) -> &[u32] {
        let near = self.near(bucket.len());
        let window = bucket.get(near..).unwrap_or_default();
        let window = window.get(..WINDOW).unwrap_or(window);
        let below = near == 0 || window.first().is_some_and(|first| *first < self.low);
        let above = near + WINDOW >= bucket.len()
            || window.last().is_some_and(|last| last >> self.place_bits > self.low >> self.place_bits);
        if below && above {
            return window;
        }
        let start = bucket.partition_point(|posting| *posting < self.low);
        let run = bucket.get(start..).unwrap_or_default();
        let len = run.iter().take_while(|posting| self.flips(**posting) == 0).count();
        run.get(..len).unwrap_or_default()
    }

    /// Whether any of `postings` is within `flips`.
    #[inline]
    pub(crate) fn any(self, postings: &[u32; BLOCK], flips: u32) -> bool {
        let mut flipped = postings.map(|posting| (posting ^ self.low) >> self.place_bits);
        for _ in 0..flips {
            // Clears the lowest one of each.
            flipped = flipped.map(|bits| bits & bits.wrapping_sub(1));
        }
        flipped.iter().fold(false, |any, bits| any | (*bits == 0))
    }

    /// Where in a bucket of `len` postings [`Wanted::about`] looks first.
    #[inline]
    pub(crate) fn near(self, len: usize) -> usize {
        let guess = ((len as u64 * u64::from(self.low)) >> (self.place_bits + self.low_bits)) as usize;
        guess.saturating_sub(WINDOW / 2).min(len.saturating_sub(WINDOW))
    }

    /// The place in a posting.
    #[inline]
    pub(crate) fn place(self, posting: u32) -> u32 {
        posting & ((1 << self.place_bits) - 1)
    }
}

impl Table {
    /// Builds the lists of key `key` over sorted `codes`, fewer than 2^28 of them.
    pub(crate) fn new(key: usize, codes: &[Spread]) -> Self {
        let head_bits = codes.len().max(1).ilog2().saturating_sub(bucket_bits(key)).min(MAX_HEAD_BITS);
        let place_bits = codes.len().max(2).next_power_of_two().ilog2();
        let low_bits = key_bits(key) - head_bits;
        let mut starts: Box<[u32]> = vec![0; (1 << head_bits) + 1].into();
        for code in codes {
            if let Some(count) = starts.get_mut((code.key(key) >> low_bits) as usize) {
                *count += 1;
            }
        }
        // First the end of each bucket; filling backwards then turns it into its start.
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        if key == 0 {
            starts.rotate_right(1);
            if let Some(first) = starts.first_mut() {
                *first = 0;
            }
            return Self { key, head_bits, place_bits, starts, postings: Box::default() };
        }
        let mut postings: Box<[u32]> = vec![0; codes.len()].into();
        for (place, code) in (0..codes.len() as u32).zip(codes).rev() {
            let value = code.key(key);
            let low = value & ((1 << low_bits) - 1);
            if let Some(start) = starts.get_mut((value >> low_bits) as usize) {
                *start -= 1;
                if let Some(posting) = postings.get_mut(*start as usize) {
                    *posting = low << place_bits | place;
                }
            }
        }
        for (start, end) in starts.iter().zip(starts.iter().skip(1)) {
            postings.get_mut(*start as usize..*end as usize).unwrap_or_default().sort_unstable();
        }
        Self { key, head_bits, place_bits, starts, postings }
    }

    /// Number of the key.
    pub(crate) fn key(&self) -> usize {
        self.key
    }

    /// Bits that choose the bucket: with `flips` of them flipped there are so many choose `flips` buckets.
    pub(crate) fn head_bits(&self) -> u32 {
        self.head_bits
    }

    /// Bucket of `query`.
    #[inline]
    pub(crate) fn head(&self, query: &Spread) -> u32 {
        query.key(self.key) >> (key_bits(self.key) - self.head_bits)
    }

    /// Postings of bucket `head`.
    #[inline]
    pub(crate) fn bucket(&self, head: u32) -> Range<u32> {
        match self.starts.get(head as usize..) {
            Some([start, end, ..]) => *start..*end,
            _ => 0..0,
        }
    }

    /// What `query` asks of the postings in its buckets.
    pub(crate) fn wanted(&self, query: &Spread) -> Wanted {
        let low_bits = key_bits(self.key) - self.head_bits;
        let low = query.key(self.key) & ((1 << low_bits) - 1);
        Wanted { low: low << self.place_bits, place_bits: self.place_bits, low_bits }
    }

    /// The postings in `range`; none for key 0, whose postings would be the places themselves.
    #[inline]
    pub(crate) fn postings(&self, range: Range<u32>) -> &[u32] {
        self.postings.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Reads the ends of a window of postings at each of `starts`, which brings it into the cache.
    #[inline]
    pub(crate) fn touch(&self, starts: &[u32]) -> u32 {
        starts.iter().fold(0, |sum, start| {
            let first = self.postings.get(*start as usize).copied().unwrap_or_default();
            let last = self.postings.get(*start as usize + WINDOW - 1).copied().unwrap_or_default();
            sum ^ first ^ last
        })
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.postings)
    }
}

/// Key 0's buckets hold whole codes, so they are smaller.
fn bucket_bits(key: usize) -> u32 {
    if key == 0 { 2 } else { BUCKET_BITS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE_BITS: u32 = 12;

    proptest! {
        /// Where the lower bits are spread evenly, and where they are heaped so that the guess is far off.
        #[test]
        fn all_postings_with_the_wanted_bits_are_about_them(
            low_bits in 1_u32..12,
            wanted in any::<u32>(),
            lows in prop::collection::vec(prop_oneof![any::<u32>(), 0_u32..4, Just(7)], 0..200),
        ) {
            let mask = (1 << low_bits) - 1;
            let mut bucket: Vec<u32> =
                (0..).zip(&lows).map(|(place, low): (u32, _)| (low & mask) << PLACE_BITS | place).collect();
            bucket.sort_unstable();
            for low in [wanted & mask, 7 & mask, 0] {
                let wanted = Wanted { low: low << PLACE_BITS, place_bits: PLACE_BITS, low_bits };
                let alike = |postings: &[u32]| {
                    postings.iter().copied().filter(|it| wanted.flips(*it) == 0).collect::<Vec<_>>()
                };
                prop_assert_eq!(alike(wanted.about(&bucket)), alike(&bucket));
            }
        }

        #[test]
        fn a_block_is_judged_as_its_postings_are(
            postings in prop::array::uniform16(any::<u32>()), low in any::<u32>(), flips in 0_u32..6,
        ) {
            let wanted = Wanted { low: low & !((1 << PLACE_BITS) - 1), place_bits: PLACE_BITS, low_bits: 20 };
            let each = postings.iter().any(|it| wanted.flips(*it) <= flips);
            prop_assert_eq!(wanted.any(&postings, flips), each);
        }
    }
}
