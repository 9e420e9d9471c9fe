//! Which identifiers are withdrawn: a bit each, in pages made when first needed. Withdrawal is final, takes
//! effect on queries that already run, and needs no lock.
#![allow(clippy::cast_possible_truncation)] // the upper bits select the page, the lower ones the bit

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifiers in a page (128 KiB), as a power of two.
const PAGE_BITS: u32 = 20;
/// Words in a page.
pub(crate) const PAGE_WORDS: usize = 1 << (PAGE_BITS - 6);
/// Pages that cover all 32-bit identifiers.
pub(crate) const PAGES: usize = 1 << (32 - PAGE_BITS);

/// The set of withdrawn identifiers.
#[derive(Debug)]
pub(crate) struct Withdrawn {
    pages: Box<[OnceLock<Box<[AtomicU64]>>]>,
    count: AtomicU64,
}

impl Withdrawn {
    pub(crate) fn new() -> Self {
        Self { pages: (0..PAGES).map(|_| OnceLock::new()).collect(), count: AtomicU64::new(0) }
    }

    /// Adds `id`; answers whether it was new.
    pub(crate) fn add(&self, id: u32) -> bool {
        let Some(page) = self.pages.get((id >> PAGE_BITS) as usize) else { return false };
        let page = page.get_or_init(|| (0..PAGE_WORDS).map(|_| AtomicU64::new(0)).collect());
        let bit = 1 << (id % 64);
        let Some(word) = page.get(word_of(id)) else { return false };
        let new = word.fetch_or(bit, Ordering::AcqRel) & bit == 0;
        if new {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        new
    }

    #[inline]
    pub(crate) fn contains(&self, id: u32) -> bool {
        let page = self.pages.get((id >> PAGE_BITS) as usize).and_then(OnceLock::get);
        let word = page.and_then(|page| page.get(word_of(id)));
        word.is_some_and(|word| word.load(Ordering::Acquire) >> (id % 64) & 1 == 1)
    }

    /// Number of withdrawn identifiers.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The pages that exist, each with its number and a copy of its words.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (u32, Vec<u64>)> {
        (0..).zip(&self.pages).filter_map(|(number, page)| {
            let words = page.get()?.iter().map(|word| word.load(Ordering::Acquire)).collect();
            Some((number, words))
        })
    }

    /// Adds every identifier set in `words`, the content of page `number`.
    pub(crate) fn add_page(&self, number: u32, words: &[u64]) {
        for (place, word) in (0_u32..).zip(words) {
            let mut rest = *word;
            while rest != 0 {
                self.add(number << PAGE_BITS | place << 6 | rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let made = self.pages.iter().filter(|page| page.get().is_some()).count();
        size_of_val(&*self.pages) + made * PAGE_WORDS * 8
    }
}

fn word_of(id: u32) -> usize {
    (id >> 6) as usize % PAGE_WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_round_trip_at_the_edges() {
        let ids = [0, 1, 63, 64, (1 << 20) - 1, 1 << 20, u32::MAX - 1, u32::MAX];
        let set = Withdrawn::new();
        assert!(ids.iter().all(|id| set.add(*id)) && !set.add(0));
        let copy = Withdrawn::new();
        for (number, words) in set.pages() {
            copy.add_page(number, &words);
        }
        assert_eq!(copy.count(), ids.len() as u64);
        assert!(ids.iter().all(|id| copy.contains(*id)) && !copy.contains(2) && !copy.contains(1 << 21));
    }
}
