//! The exact vote: which stored descriptors of a picture are in the query, and how many of them are turned, scaled and
//! shifted alike.
//!
//! Owns the comparison of one picture. Its work is bounded: 64 x 1,024 distances, three matches a stored descriptor,
//! every match against every other.

use super::local::{Local, PICTURE_LOCALS, distance, is_within};
use super::posting::{Posting, changes_agree};
use super::similarity::Pair;

/// Matches of one stored descriptor that vote: a repeated pattern has many, all but a few by chance.
const MATCHES: usize = 3;
/// A suspect must have this many of its weak votes confirmed before all is compared.
const CONFIRMED: usize = 2;

/// The best agreement of a picture with the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vote {
    /// Descriptors, counted once on either side.
    pub(crate) votes: u32,
    /// 256ths of a turn.
    pub(crate) rotation: u8,
    /// 24ths of an octave.
    pub(crate) ratio: i16,
}

/// A stored descriptor that matches one of the query.
#[derive(Debug, Clone, Copy)]
struct Match {
    stored: usize,
    local: usize,
    pair: Pair,
}

/// Compares pictures with one query.
#[derive(Debug)]
pub(crate) struct Examiner<'a> {
    query: &'a [Local],
    most: u32,
    matches: Vec<Match>,
    agreeing: Vec<usize>,
    distances: Vec<u32>,
}

impl<'a> Examiner<'a> {
    pub(crate) fn new(query: &'a [Local], most: u32) -> Self {
        Self { query, most, matches: Vec::new(), agreeing: Vec::new(), distances: Vec::new() }
    }

    /// Whether enough of the given descriptors of the query are near stored ones that are turned and scaled as `change`
    /// says: cheap, and false for nearly all pictures that are examined.
    pub(crate) fn plausible(&self, locals: &[u16], change: u16, stored: &[Local]) -> bool {
        let near = |local: &Local| {
            let pattern = Posting::new(0, local);
            stored.iter().any(|it| {
                is_within(&it.code, &local.code, self.most)
                    && changes_agree(Posting::new(0, it).change(pattern), change)
            })
        };
        let locals = locals.iter().filter_map(|local| self.query.get(usize::from(*local)));
        locals.filter(|local| near(local)).take(CONFIRMED).count() >= CONFIRMED
    }

    /// The largest number of matches that agree with one of them, the first of equals; None without any match.
    pub(crate) fn vote(&mut self, stored: &[Local]) -> Option<Vote> {
        self.find_matches(stored);
        let mut best: Option<Vote> = None;
        for centre in &self.matches {
            let mut slots = 0_u64;
            self.agreeing.clear();
            for it in self.matches.iter().filter(|it| centre.pair.agrees(&it.pair)) {
                slots |= 1 << (it.stored % PICTURE_LOCALS);
                self.agreeing.push(it.local);
            }
            self.agreeing.sort_unstable();
            self.agreeing.dedup();
            let votes = slots.count_ones().min(u32::try_from(self.agreeing.len()).unwrap_or(u32::MAX));
            if votes > best.map_or(0, |best| best.votes) {
                best = Some(Vote { votes, rotation: centre.pair.rotation, ratio: centre.pair.ratio });
            }
        }
        best
    }

    fn find_matches(&mut self, stored: &[Local]) {
        self.matches.clear();
        let mut near: Vec<(u32, usize)> = Vec::new();
        for (place, it) in stored.iter().take(PICTURE_LOCALS).enumerate() {
            // All of every distance: against a whole query a processor guesses wrong too often which half settles.
            self.distances.clear();
            self.distances.extend(self.query.iter().map(|local| distance(&it.code, &local.code)));
            near.clear();
            for (number, distance) in self.distances.iter().enumerate() {
                if *distance <= self.most {
                    near.push((*distance, number));
                }
            }
            near.sort_unstable();
            for (_, number) in near.iter().take(MATCHES) {
                if let Some(local) = self.query.get(*number) {
                    self.matches.push(Match { stored: place, local: *number, pair: Pair::new(it, local) });
                }
            }
        }
    }
}
