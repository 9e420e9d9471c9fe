//! An immutable part of the index: the lists of all words one after the other, and where each begins.
//!
//! The directory is a bitmap of the words that occur, with the number of set bits before each of its 64-bit words,
//! and one offset per word that occurs. It is small for small segments and needs two look-ups for large ones.
#![allow(clippy::cast_possible_truncation)] // a segment holds fewer than 2^31 postings

use super::posting::Posting;
use crate::matching::withdrawn::Withdrawn;

/// Most postings of a segment.
pub(crate) const MAX_POSTINGS: usize = 1 << 31;

/// Sorted lists of postings.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    occupied: Vec<u64>,
    before: Vec<u32>,
    /// Where the list of each word that occurs begins, and the end.
    starts: Vec<u32>,
    postings: Vec<Posting>,
}

impl Segment {
    /// A segment of entries in any order; withdrawn ones are left out.
    pub(crate) fn build(mut entries: Vec<(u32, Posting)>, words: u32, withdrawn: &Withdrawn) -> Self {
        entries.retain(|(_, posting)| !withdrawn.contains(posting.picture()));
        entries.sort_unstable();
        let mut builder = Builder::new(words, entries.len());
        for (word, posting) in entries {
            builder.open(word);
            builder.segment.postings.push(posting);
        }
        builder.finish()
    }

    /// The union of segments, without what is withdrawn.
    pub(crate) fn merge(parts: &[&Self], words: u32, withdrawn: &Withdrawn) -> Self {
        let mut builder = Builder::new(words, parts.iter().map(|part| part.len()).sum());
        for block in 0..words.div_ceil(64) {
            let place = block as usize;
            let mut bits =
                parts.iter().fold(0, |all, part| all | part.occupied.get(place).copied().unwrap_or(0));
            while bits != 0 {
                let word = block * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                let begin = builder.segment.postings.len();
                for part in parts {
                    let kept = part.list(word).iter().filter(|it| !withdrawn.contains(it.picture()));
                    builder.segment.postings.extend(kept);
                }
                if builder.segment.postings.len() > begin {
                    builder.open_at(word, begin);
                    builder.segment.postings.get_mut(begin..).unwrap_or_default().sort_unstable();
                }
            }
        }
        builder.finish()
    }

    /// A segment of what a snapshot holds: the words that occur with the lengths of their lists, and the lists.
    /// None if words or lists are not in order.
    pub(crate) fn restore(lists: &[(u32, u32)], postings: Vec<Posting>, words: u32) -> Option<Self> {
        let mut builder = Builder::new(words, 0);
        builder.segment.postings = postings;
        let mut end = 0_usize;
        let mut last = None;
        for (word, len) in lists {
            if *word >= words || *len == 0 || last.is_some_and(|last| last >= *word) {
                return None;
            }
            let begin = end;
            end += *len as usize;
            if !builder.segment.postings.get(begin..end)?.is_sorted() {
                return None;
            }
            builder.open_at(*word, begin);
            last = Some(*word);
        }
        (end == builder.segment.postings.len()).then(|| builder.finish())
    }

    pub(crate) fn len(&self) -> usize {
        self.postings.len()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        8 * (self.occupied.len() + self.postings.len()) + 4 * (self.before.len() + self.starts.len())
    }

    /// The postings of `word`, by picture.
    #[inline]
    pub(crate) fn list(&self, word: u32) -> &[Posting] {
        let block = (word / 64) as usize;
        let bits = self.occupied.get(block).copied().unwrap_or(0);
        let bit = 1_u64 << (word % 64);
        if bits & bit == 0 {
            return &[];
        }
        let before = self.before.get(block).map_or(0, |before| *before as usize);
        let place = before + (bits & (bit - 1)).count_ones() as usize;
        let Some([start, end]) = self.starts.get(place..place + 2) else { return &[] };
        self.postings.get(*start as usize..*end as usize).unwrap_or_default()
    }

    /// The words that occur, ascending, with the lengths of their lists.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (u32, u32)> {
        let words = (0_u32..).zip(&self.occupied).flat_map(|(block, bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| block * 64 + bit)
        });
        words.zip(self.starts.array_windows().map(|[start, end]| end - start))
    }

    pub(crate) fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

/// A segment under construction; words come in ascending order.
struct Builder {
    segment: Segment,
    last: Option<u32>,
}

impl Builder {
    fn new(words: u32, capacity: usize) -> Self {
        let blocks = words.div_ceil(64) as usize;
        let segment = Segment {
            occupied: vec![0; blocks],
            before: vec![0; blocks],
            starts: Vec::new(),
            postings: Vec::with_capacity(capacity),
        };
        Self { segment, last: None }
    }

    /// Begins the list of `word` at the end of the postings, unless it has begun.
    fn open(&mut self, word: u32) {
        if self.last != Some(word) {
            self.open_at(word, self.segment.postings.len());
        }
    }

    fn open_at(&mut self, word: u32, begin: usize) {
        if let Some(bits) = self.segment.occupied.get_mut((word / 64) as usize) {
            *bits |= 1 << (word % 64);
            self.segment.starts.push(begin as u32);
        }
        self.last = Some(word);
    }

    fn finish(mut self) -> Segment {
        let mut total = 0;
        for (before, bits) in self.segment.before.iter_mut().zip(&self.segment.occupied) {
            *before = total;
            total += bits.count_ones();
        }
        self.segment.starts.push(self.segment.postings.len() as u32);
        self.segment.starts.shrink_to_fit();
        self.segment.postings.shrink_to_fit();
        self.segment
    }
}
