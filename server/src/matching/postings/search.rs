//! A query: words to visit, weak votes from the postings, exact votes from the stored codes.
//!
//! Weak votes need no stored code: a posting counts where its signature is near, and a picture becomes a suspect
//! when two descriptors of the query agree on how it is turned and scaled (weak geometric consistency, Jegou et
//! al. 2008). The most surprising suspects are examined with their stored codes (module `suspect`). So the index only
//! proposes; what is reported depends on the codes alone.

use super::codes::{CodeStore, CodesError};
use super::examine::{Examiner, Vote};
use super::index::{PostingIndex, State};
use super::local::Local;
use super::posting::Posting;
use super::suspect::{Suspect, WeakVotes};
use super::vocabulary::Prober;

/// Most descriptors of a query; further ones are ignored.
pub const QUERY_LOCALS: usize = 1_024;
/// One list takes at most this part of the postings that are read.
const LISTS: usize = 32;
/// Postings of a list that is worth reading, about: the lists of a million pictures have 64 in the mean, and the short
/// ones are read first.
const LISTED: usize = 32;
/// What the way to a list costs, in postings.
const LIST_COST: u64 = 128;
/// Descriptors come best rank first, and the first ones are those that are likeliest registered, too: the worth falls
/// with the rank plus this.
const HEAD_START: u64 = 32;
/// How much less likely than in the nearest word the same place stands in one that is so many bits farther: measured on
/// attacked photographs.
const ODDS: [u64; 13] = [1, 3, 6, 11, 21, 39, 67, 127, 170, 335, 427, 727, 1_090];
/// The same for words beyond.
const FARTHER: u64 = 2_000;
/// Lists whose beginnings are touched together before any is read.
const AHEAD: usize = 16;
/// Bits of the filter that tells whether a word is visited.
const FILTER: usize = 1 << 20;

/// Bounds of the work of one query, and what counts as a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Words visited for each descriptor. Of 155 poor photographs of screens 64 words proposed the original of 149, 16
    /// words of 141.
    pub probes: usize,
    /// Postings read in all, besides those in no segment yet. No list takes more than a thirty-second part of them: of
    /// a common word only the pictures of the smallest numbers are read, the ones registered first.
    pub postings: usize,
    /// Most differing bits of a signature, of 21.
    pub signature: u32,
    /// Fewest agreeing weak votes of a suspect.
    pub suspicion: usize,
    /// Suspects that are examined, the most surprising first, no more than a quarter of them copies of each other.
    pub examined: usize,
    /// Most differing bits of two descriptors of the same place. Of 135 poor photographs of screens 16 words proposed the
    /// original of 123 within 52 bits, of 115 within 44.
    pub distance: u32,
    /// Fewest agreeing exact votes of a candidate.
    pub votes: u32,
    /// Candidates reported, those with most votes first.
    pub candidates: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            probes: 64,
            postings: 1 << 19,
            signature: 4,
            suspicion: 2,
            examined: 256,
            distance: 52,
            votes: 4,
            candidates: 1_000,
        }
    }
}

/// A registered picture that may be the query's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The picture.
    pub picture: u32,
    /// Descriptors that match and agree.
    pub votes: u32,
    /// How far the query is turned against the picture, 256ths of a turn, the middle of the agreeing votes.
    pub rotation: u8,
    /// How much larger the query's raster shows it, 24ths of an octave.
    pub ratio: i16,
}

/// What a query found, and how much work that was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Candidates, most votes first, then by number.
    pub candidates: Vec<Candidate>,
    /// Postings read.
    pub postings: usize,
    /// Lists that were read only in part or not at all, because the postings were spent.
    pub shortened: usize,
    /// Pictures with enough weak votes.
    pub suspects: usize,
    /// Whether a bound left out descriptors, suspects or candidates. (Shortened lists are no cut: common
    /// words are in every picture.)
    pub cut: bool,
}

/// A word that a descriptor of the query visits. Ordered by word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Probe {
    word: u32,
    local: u16,
    /// The last picture whose posting is read.
    last: u32,
}

impl PostingIndex {
    /// Registered pictures that share at least [`Limits::votes`] places with the query, turned and scaled alike.
    /// The same index content and query give the same answer, however the content is arranged in segments, as long as
    /// [`Limits::postings`] leaves nothing out: which lists are worth reading is told by their lengths in the segments,
    /// withdrawn postings included, and what stands in no segment yet follows the lists that are read.
    ///
    /// A suspect whose stored codes are damaged is passed over.
    ///
    /// # Errors
    /// Stored codes cannot be read.
    pub fn search(
        &self,
        query: &[Local],
        codes: &impl CodeStore,
        limits: &Limits,
    ) -> Result<Answer, CodesError> {
        let mut answer = Answer { cut: query.len() > QUERY_LOCALS, ..Answer::default() };
        let query = query.get(..QUERY_LOCALS.min(query.len())).unwrap_or_default();
        let suspects = self.suspects(query, limits, &mut answer);
        let mut examiner = Examiner::new(query, limits.distance);
        let mut stored = Vec::new();
        for Suspect { picture, change, locals, .. } in suspects {
            stored.clear();
            if !self.read(codes, picture, &mut stored)? || !examiner.plausible(&locals, change, &stored) {
                continue;
            }
            if let Some(Vote { votes, rotation, ratio }) = examiner.vote(&stored)
                && votes >= limits.votes
            {
                answer.candidates.push(Candidate { picture, votes, rotation, ratio });
            }
        }
        answer.candidates.sort_unstable_by_key(|it| (std::cmp::Reverse(it.votes), it.picture));
        answer.cut |= answer.candidates.len() > limits.candidates;
        answer.candidates.truncate(limits.candidates);
        Ok(answer)
    }

    /// The stored codes of a suspect; false if there are none to use. One damaged record must not keep all other
    /// pictures from being found.
    fn read(
        &self,
        codes: &impl CodeStore,
        picture: u32,
        stored: &mut Vec<Local>,
    ) -> Result<bool, CodesError> {
        match codes.read(picture, stored) {
            Err(CodesError::Damaged(_)) => {
                self.report_damage(picture);
                Ok(false)
            }
            read => read,
        }
    }

    /// Reads the lists; gives the pictures that are worth reading their codes.
    fn suspects(&self, query: &[Local], limits: &Limits, answer: &mut Answer) -> Vec<Suspect> {
        let state = self.state();
        let probes = self.choose(query, &state, limits, answer);
        let patterns: Vec<Posting> = query.iter().map(|local| Posting::new(0, local)).collect();
        let mut votes = WeakVotes::new(limits.signature);
        for segment in &state.segments {
            for group in probes.chunks(AHEAD) {
                let lists = group.iter().map(|probe| segment.list(probe.word));
                let mut found: [&[Posting]; AHEAD] = [&[]; AHEAD];
                found.iter_mut().zip(lists).for_each(|(cell, list)| *cell = list);
                // The beginnings of all lists of the group together, so that their cache misses overlap.
                let touched = found.iter().filter_map(|list| list.first());
                std::hint::black_box(touched.fold(0, |sum, posting| sum ^ posting.0));
                for (probe, list) in group.iter().zip(found) {
                    let Some(pattern) = patterns.get(usize::from(probe.local)) else { continue };
                    let read = match probe.last {
                        u32::MAX => list.len(),
                        last => list.partition_point(|it| it.picture() <= last),
                    };
                    votes.add(list.get(..read).unwrap_or_default(), *pattern, probe.local);
                }
            }
        }
        let visited = Visited::new(&probes);
        for (word, posting) in state.tail.iter().flat_map(|entries| entries.iter()) {
            for probe in visited.probes(*word).iter().filter(|probe| posting.picture() <= probe.last) {
                if let Some(pattern) = patterns.get(usize::from(probe.local)) {
                    votes.add(std::slice::from_ref(posting), *pattern, probe.local);
                }
            }
        }
        let mut suspects = votes.suspects(state.len(), limits.suspicion);
        suspects.retain(|suspect| !self.withdrawn().contains(suspect.picture));
        answer.suspects = suspects.len();
        answer.cut |= suspects.len() > limits.examined;
        suspects.sort_unstable_by_key(|it| (std::cmp::Reverse(it.surprise), it.picture));
        select(suspects, limits.examined)
    }

    /// The lists to read, ascending by word, so that they are read in the order of memory.
    ///
    /// What a list is worth is the chance that the posting of the same place stands in it; what it costs is its
    /// length. The lists are taken by worth per cost until the postings are spent: many short ones of descriptors that
    /// tell, before the long ones of patterns that are everywhere. What the first lists leave over goes to further ones in
    /// no order.
    fn choose(&self, query: &[Local], state: &State, limits: &Limits, answer: &mut Answer) -> Vec<Probe> {
        let longest = (limits.postings / LISTS).max(1);
        let (mut priced, mut words) = (Vec::new(), Vec::new());
        let mut prober = Prober::new(self.vocabulary());
        for (local, number) in query.iter().zip(0_u16..) {
            prober.words(&local.code, limits.probes, &mut words);
            for (word, excess) in &words {
                let len: usize = state.segments.iter().map(|segment| segment.count(*word)).sum();
                if len == 0 && state.tail.is_empty() {
                    continue;
                }
                let odds = ODDS.get(*excess).copied().unwrap_or(FARTHER);
                let price = (len as u64 + LIST_COST) * odds * (u64::from(number) + HEAD_START);
                priced.push((price, Probe { word: *word, local: number, last: u32::MAX }, len));
            }
        }
        let total: usize = priced.iter().map(|(_, _, len)| *len).sum();
        if total > limits.postings {
            // The cheap ones are ordered alone as long as they are many enough to spend nearly everything.
            let cheap = (limits.postings / LISTED).min(priced.len());
            if let Some(last) = cheap.checked_sub(1) {
                priced.select_nth_unstable(last);
            }
            let (first, rest) = priced.split_at_mut(cheap);
            first.sort_unstable();
            if first.iter().map(|(_, _, len)| (*len).min(longest)).sum::<usize>() < limits.postings {
                rest.sort_unstable();
            }
        }
        let mut left = limits.postings;
        let (mut probes, mut shortened) = (Vec::with_capacity(priced.len()), 0);
        for (_, mut probe, mut len) in priced {
            if len.min(longest) > left {
                shortened += 1;
                continue;
            }
            if len > longest {
                shortened += 1;
                let lists = state.segments.iter().map(|segment| segment.list(probe.word));
                (len, probe.last) = oldest(&lists, longest);
            }
            left -= len;
            probes.push(probe);
        }
        answer.shortened = shortened;
        answer.postings = limits.postings - left;
        probes.sort_unstable();
        probes
    }
}

/// The first `most` suspects. Those that rest only on descriptors of the query which already speak for a quarter of
/// that many come last: a thousand copies of one picture must not hide another one beside it.
fn select(suspects: Vec<Suspect>, most: usize) -> Vec<Suspect> {
    let quota = most.div_ceil(4);
    let mut supported = vec![0_usize; QUERY_LOCALS];
    let (mut selected, repeated): (Vec<Suspect>, Vec<Suspect>) = suspects.into_iter().partition(|suspect| {
        let support = |local: &u16| supported.get(usize::from(*local)).copied().unwrap_or(quota);
        let fresh = suspect.locals.iter().any(|local| support(local) < quota);
        for local in suspect.locals.iter().filter(|_| fresh) {
            if let Some(count) = supported.get_mut(usize::from(*local)) {
                *count += 1;
            }
        }
        fresh
    });
    selected.extend(repeated);
    selected.truncate(most);
    selected
}

/// How many postings of sorted lists belong to the pictures of the smallest numbers, and the last of these pictures: as
/// many whole pictures as have at most `most` postings in all.
fn oldest<'a>(lists: &(impl Iterator<Item = &'a [Posting]> + Clone), most: usize) -> (usize, u32) {
    let until =
        |last: u32| lists.clone().map(|list| list.partition_point(|it| it.picture() <= last)).sum::<usize>();
    let newest = lists.clone().filter_map(<[Posting]>::last).map(|it| it.picture()).max().unwrap_or(0);
    // The first picture that goes beyond, bit by bit from the highest: none is larger than the newest.
    let mut beyond = 0_u32;
    for bit in (0..=newest.checked_ilog2().unwrap_or(0)).rev() {
        let further = beyond | 1 << bit;
        if until(further - 1) <= most {
            beyond = further;
        }
    }
    beyond.checked_sub(1).map_or((0, 0), |last| (until(last), last))
}

/// The words that are visited, as a bitmap of their remainders: nearly all postings of the tail end here.
struct Visited<'a> {
    bits: Vec<u64>,
    probes: &'a [Probe],
}

impl<'a> Visited<'a> {
    fn new(probes: &'a [Probe]) -> Self {
        let mut bits = vec![0_u64; FILTER / 64];
        for probe in probes {
            if let Some(cell) = bits.get_mut(probe.word as usize % FILTER / 64) {
                *cell |= 1 << (probe.word % 64);
            }
        }
        Self { bits, probes }
    }

    #[inline]
    fn probes(&self, word: u32) -> &'a [Probe] {
        let cell = self.bits.get(word as usize % FILTER / 64).copied().unwrap_or(0);
        if cell >> (word % 64) & 1 == 0 {
            return &[];
        }
        let start = self.probes.partition_point(|probe| probe.word < word);
        let rest = self.probes.get(start..).unwrap_or_default();
        let end = rest.iter().take_while(|probe| probe.word == word).count();
        rest.get(..end).unwrap_or_default()
    }
}
