//! The exact vote: which stored descriptors of a picture are in the query, and how many of them are turned, scaled and
//! shifted alike.
//!
//! Owns the comparison of one picture. Only descriptors that are turned and scaled about as the weak votes said are
//! compared, about one pair in six. The work is bounded: 64 x 1,024 distances, three matches a stored descriptor, every match
//! against every other.

use super::local::{Local, PICTURE_LOCALS, distance_within};
use super::posting::{Posting, changes_agree};
use super::similarity::Pair;

/// Matches of one stored descriptor that vote: a repeated pattern has many, all but a few by chance.
const MATCHES: usize = 3;
/// A suspect must have this many of its weak votes confirmed before all is compared.
const CONFIRMED: usize = 2;

/// How far a pair may be from the change that the weak votes gave, 256ths of a turn and 24ths of an octave: it may be as
/// far from the centre of the exact vote as pairs agree, the weak vote on the other side likewise; and what the coarse
/// fields of a posting have lost.
const TURNED: u8 = 2 * 16 + 3;
const SCALED: u8 = 2 * 12 + 7;

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
    /// The query's descriptors by direction, with their numbers, and where each direction begins.
    turned: Vec<(Local, u16)>,
    starts: Box<[usize; 257]>,
    most: u32,
    matches: Vec<Match>,
    agreeing: Vec<usize>,
}

impl<'a> Examiner<'a> {
    pub(crate) fn new(query: &'a [Local], most: u32) -> Self {
        let mut turned: Vec<(Local, u16)> = query.iter().copied().zip(0..=u16::MAX).collect();
        turned.sort_by_key(|(local, _)| local.angle);
        let mut starts = Box::new([0; 257]);
        for (direction, start) in starts.iter_mut().enumerate() {
            *start = turned.partition_point(|(local, _)| usize::from(local.angle) < direction);
        }
        Self { query, turned, starts, most, matches: Vec::new(), agreeing: Vec::new() }
    }

    /// Whether enough of the given descriptors of the query are near stored ones that are turned and scaled as `change`
    /// says: cheap, and false for nearly all pictures that are examined.
    pub(crate) fn plausible(&self, locals: &[u16], change: u16, stored: &[Local]) -> bool {
        let near = |local: &Local| {
            let pattern = Posting::new(0, local);
            stored.iter().any(|it| {
                distance_within(&it.code, &local.code, self.most).is_some()
                    && changes_agree(Posting::new(0, it).change(pattern), change)
            })
        };
        let locals = locals.iter().filter_map(|local| self.query.get(usize::from(*local)));
        locals.filter(|local| near(local)).take(CONFIRMED).count() >= CONFIRMED
    }

    /// The largest number of matches that agree with one of them, the first of equals, among those that are turned and
    /// scaled about as `change` says; None without any.
    pub(crate) fn vote(&mut self, change: u16, stored: &[Local]) -> Option<Vote> {
        self.find_matches(change, stored);
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

    fn find_matches(&mut self, change: u16, stored: &[Local]) {
        self.matches.clear();
        let mut near: Vec<(u32, u16)> = Vec::new();
        let (rotation, ratio) = middle(change);
        for (place, it) in stored.iter().take(PICTURE_LOCALS).enumerate() {
            near.clear();
            for (local, number) in self.about(it.angle.wrapping_add(rotation)) {
                let scaled = local.log_scale.wrapping_sub(it.log_scale).wrapping_sub(ratio);
                if scaled.wrapping_add(SCALED) > 2 * SCALED {
                    continue;
                }
                if let Some(distance) = distance_within(&it.code, &local.code, self.most) {
                    near.push((distance, *number));
                }
            }
            near.sort_unstable();
            for (_, number) in near.iter().take(MATCHES) {
                let number = usize::from(*number);
                if let Some(local) = self.query.get(number) {
                    self.matches.push(Match { stored: place, local: number, pair: Pair::new(it, local) });
                }
            }
        }
    }

    /// The descriptors of the query whose direction is about `angle`.
    fn about(&self, angle: u8) -> impl Iterator<Item = &(Local, u16)> {
        let (first, last) = (angle.wrapping_sub(TURNED), angle.wrapping_add(TURNED));
        let from = |first: u8, last: u8| {
            let start = self.starts.get(usize::from(first)).copied().unwrap_or(0);
            let end = self.starts.get(usize::from(last) + 1).copied().unwrap_or(0);
            self.turned.get(start..end).unwrap_or_default()
        };
        // Around the clock in two parts.
        let (one, other) =
            if first <= last { (from(first, last), &[][..]) } else { (from(first, u8::MAX), from(0, last)) };
        one.iter().chain(other)
    }
}

/// A change, as of [`Posting::change`], in 256ths of a turn and 24ths of an octave around the clock.
fn middle(change: u16) -> (u8, u8) {
    let [ratio, rotation] = [change << 3, change >> 5 << 2].map(|field| field.to_le_bytes()[0]);
    (rotation, ratio)
}
