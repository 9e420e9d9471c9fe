//! Weak votes: which pictures are worth reading their codes.
//!
//! A descriptor of the query meets some pictures by chance. How surprising a vote is follows from the query itself:
//! if a fraction f of all pictures got a vote as good from this descriptor, the vote is worth -log2 f bits. So common
//! descriptors weigh little without any list of what is common, near signatures weigh more, and a hundred copies of
//! one picture do not hide each other. A suspect's surprise is the sum over the descriptors that agree.
//!
//! Owns the votes of one query. Their number is that of the postings read, which the query bounds.

use super::local::PICTURE_LOCALS;
use super::posting::{Posting, changes_agree};
use super::search::QUERY_LOCALS;

/// Counters of votes, shared by pictures that have the same remainder: 256 KiB for each running query.
const COUNTERS: usize = 1 << 18;
/// Votes of one picture that are compared with each other.
const GROUP: usize = 256;
/// Signature distances that are told apart; larger ones count as the last.
const GRADES: usize = 8;
/// Bits of a vote: picture above, then descriptor, signature distance and change.
const PICTURE: u32 = 32;
const LOCAL: u32 = 14;
const GRADE: u32 = 11;

/// A vote. Ordered by picture, descriptor of the query, signature distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Vote(u64);

impl Vote {
    fn picture(self) -> u32 {
        (self.0 >> PICTURE) as u32
    }
    fn local(self) -> u16 {
        (self.0 >> LOCAL) as u16 % QUERY_LOCALS as u16
    }
    fn grade(self) -> usize {
        (self.0 >> GRADE) as usize % GRADES
    }
    fn change(self) -> u16 {
        self.0 as u16 % (1 << GRADE)
    }
}

/// A picture that is worth reading its codes.
#[derive(Debug)]
pub(crate) struct Suspect {
    pub(crate) picture: u32,
    /// Sixteenths of a bit.
    pub(crate) surprise: u32,
    /// How the query is turned and scaled against it, as of [`Posting::change`].
    pub(crate) change: u16,
    /// The agreeing descriptors of the query.
    pub(crate) locals: Vec<u16>,
}

/// Votes as they come, and roughly how many each picture has.
#[derive(Debug)]
pub(crate) struct WeakVotes {
    most: u32,
    votes: Vec<Vote>,
    counts: Vec<u8>,
}

impl WeakVotes {
    /// No votes yet; `most` differing bits of a signature will count.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, votes: Vec::new(), counts: vec![0; COUNTERS] }
    }

    /// Notes that descriptor `local` of the query, of which `pattern` is the posting, has met `postings`.
    #[inline]
    pub(crate) fn add(&mut self, postings: &[Posting], pattern: Posting, local: u16) {
        for posting in postings {
            let distance = posting.signature_distance(pattern);
            if distance > self.most {
                continue;
            }
            let (picture, grade) = (posting.picture(), (distance as usize).min(GRADES - 1));
            let vote = u64::from(picture) << PICTURE
                | u64::from(local) << LOCAL
                | (grade as u64) << GRADE
                | u64::from(posting.change(pattern));
            self.votes.push(Vote(vote));
            if let Some(count) = self.counts.get_mut(picture as usize % COUNTERS) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Pictures with at least `least` agreeing votes of different descriptors, by number; `postings` in all are in the
    /// index.
    pub(crate) fn suspects(mut self, postings: usize, least: usize) -> Vec<Suspect> {
        let worth = Worth::new(&self.votes, postings);
        let counts = std::mem::take(&mut self.counts);
        self.votes.retain(|vote| {
            let count = counts.get(vote.picture() as usize % COUNTERS);
            count.is_some_and(|count| usize::from(*count) >= least.min(255))
        });
        self.votes.sort_unstable();
        let groups = self.votes.chunk_by(|a, b| a.picture() == b.picture());
        groups
            .filter(|group| group.len() >= least)
            .filter_map(|group| suspect(group, &worth, least))
            .collect()
    }
}

/// The largest agreement among the votes of one picture.
fn suspect(group: &[Vote], worth: &Worth, least: usize) -> Option<Suspect> {
    let group = group.get(..group.len().min(GROUP))?;
    let mut best = (0, Vote(0));
    for centre in group {
        let (mut count, mut sum) = (0, 0);
        for vote in agreeing(group, *centre) {
            count += 1;
            sum += worth.of(vote);
        }
        if count >= least && sum >= best.0 {
            best = (sum, *centre);
        }
    }
    let locals: Vec<u16> = agreeing(group, best.1).map(Vote::local).collect();
    (locals.len() >= least).then(|| Suspect {
        picture: best.1.picture(),
        surprise: best.0,
        change: best.1.change(),
        locals,
    })
}

/// The votes that agree with `centre`, the best one of each descriptor of the query.
fn agreeing(group: &[Vote], centre: Vote) -> impl Iterator<Item = Vote> {
    let mut last = None;
    group.iter().copied().filter(move |vote| {
        let new = last != Some(vote.local()) && changes_agree(vote.change(), centre.change());
        if new {
            last = Some(vote.local());
        }
        new
    })
}

/// How surprising a vote is, by descriptor of the query and signature distance.
struct Worth {
    bits: Vec<[u32; GRADES]>,
}

impl Worth {
    fn new(votes: &[Vote], postings: usize) -> Self {
        let mut bits = vec![[0_u32; GRADES]; QUERY_LOCALS];
        for vote in votes {
            if let Some(count) =
                bits.get_mut(usize::from(vote.local())).and_then(|row| row.get_mut(vote.grade()))
            {
                *count = count.saturating_add(1);
            }
        }
        let all = log2(postings / PICTURE_LOCALS);
        for row in &mut bits {
            let mut total = 0;
            for cell in row {
                total += *cell as usize;
                *cell = all.saturating_sub(log2(total));
            }
        }
        Self { bits }
    }

    fn of(&self, vote: Vote) -> u32 {
        let cell = self.bits.get(usize::from(vote.local())).and_then(|row| row.get(vote.grade()));
        cell.copied().unwrap_or(0)
    }
}

/// Binary logarithm in sixteenths, linear between powers of two (at most 0.09 too small); that of 0 is 0.
fn log2(value: usize) -> u32 {
    let value = value.max(1) as u64;
    let whole = value.ilog2();
    let fraction = ((value << (63 - whole)) >> 59) as u32 % 16;
    whole * 16 + fraction
}
