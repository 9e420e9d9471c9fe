//! An immutable part of the index: the lists of all words one after the other, and where each begins.
//!
//! The directory has an offset for every word, so that a list is found in one step: 4 bytes a word (4 MiB for the
//! built-in words), whatever the segment holds.
#![allow(clippy::cast_possible_truncation)] // a segment holds fewer than 2^31 postings

use super::posting::Posting;
use crate::matching::withdrawn::Withdrawn;

/// Most postings of a segment.
pub(crate) const MAX_POSTINGS: usize = 1 << 31;

/// Sorted lists of postings.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// Where the list of each word begins, and the end of the last.
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
            builder.begin(word);
            builder.segment.postings.push(posting);
        }
        builder.finish()
    }

    /// The union of segments, without what is withdrawn.
    pub(crate) fn merge(parts: &[&Self], words: u32, withdrawn: &Withdrawn) -> Self {
        let mut builder = Builder::new(words, parts.iter().map(|part| part.len()).sum());
        for word in 0..words {
            builder.begin(word);
            let begin = builder.segment.postings.len();
            for part in parts {
                let kept = part.list(word).iter().filter(|it| !withdrawn.contains(it.picture()));
                builder.segment.postings.extend(kept);
            }
            // Stable for its speed: it merges what is sorted already.
            builder.segment.postings.get_mut(begin..).unwrap_or_default().sort();
        }
        builder.finish()
    }

    /// A segment of what a snapshot holds: the words that occur with the lengths of their lists, and the lists.
    /// None if words or lists are not in order.
    pub(crate) fn restore(lists: &[(u32, u32)], postings: Vec<Posting>, words: u32) -> Option<Self> {
        let mut starts = vec![0_u32; words as usize + 1];
        let (mut end, mut next) = (0_usize, 0_usize);
        for (word, len) in lists {
            let (begin, word) = (end, *word as usize);
            end += *len as usize;
            if word < next || *len == 0 || !postings.get(begin..end)?.is_sorted() {
                return None;
            }
            starts.get_mut(next..=word).filter(|_| word < words as usize)?.fill(begin as u32);
            next = word + 1;
        }
        starts.get_mut(next..)?.fill(end as u32);
        (end == postings.len()).then_some(Self { starts, postings })
    }

    pub(crate) fn len(&self) -> usize {
        self.postings.len()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        8 * self.postings.len() + 4 * self.starts.len()
    }

    /// The postings of `word`, by picture.
    #[inline]
    pub(crate) fn list(&self, word: u32) -> &[Posting] {
        let Some([start, end, ..]) = self.starts.get(word as usize..) else { return &[] };
        self.postings.get(*start as usize..*end as usize).unwrap_or_default()
    }

    /// The number of postings of `word`.
    #[inline]
    pub(crate) fn count(&self, word: u32) -> usize {
        match self.starts.get(word as usize..) {
            Some([start, end, ..]) => (end - start) as usize,
            _ => 0,
        }
    }

    /// The words that occur, ascending, with the lengths of their lists.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (u32, u32)> {
        let lens = self.starts.array_windows().map(|[start, end]| end - start);
        (0_u32..).zip(lens).filter(|(_, len)| *len > 0)
    }

    pub(crate) fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

/// A segment under construction; words come in ascending order.
struct Builder {
    segment: Segment,
    words: u32,
}

impl Builder {
    fn new(words: u32, capacity: usize) -> Self {
        let starts = Vec::with_capacity(words as usize + 1);
        Self { segment: Segment { starts, postings: Vec::with_capacity(capacity) }, words }
    }

    /// Begins the list of `word` at the end of the postings, unless it has begun; words between have none.
    fn begin(&mut self, word: u32) {
        let segment = &mut self.segment;
        if segment.starts.len() <= word as usize {
            segment.starts.resize(word as usize + 1, segment.postings.len() as u32);
        }
    }

    fn finish(mut self) -> Segment {
        self.begin(self.words);
        self.segment.postings.shrink_to_fit();
        self.segment
    }
}
