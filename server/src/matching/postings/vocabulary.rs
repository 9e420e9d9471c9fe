//! Visual words: which list of the index a descriptor belongs to, and which lists a query must visit.
//!
//! The descriptor is cut into its upper and its lower eight cells (128 bits each). Either half is assigned to
//! the nearest of K centres; the pair of centres is the word. A query visits words in the order of the summed
//! distance of its halves to their centres. This is the inverted multi-index of Babenko and Lempitsky (CVPR
//! 2012) in Hamming space: K^2 words of fine resolution for the price of 2 K distances and 32 K bytes.
//!
//! Owns the file of centres. Layout: magic `TSVOCAB1`; K (4 bytes, little-endian); 4 bytes of zero; K centres of
//! the upper half, K of the lower (two words of 64 bits each, little-endian); SHA-256 of everything before.
#![allow(clippy::cast_possible_truncation)] // centres are numbered below 2^12, distances are at most 128

use sha2::{Digest, Sha256};

use super::local::Code;

const MAGIC: [u8; 8] = *b"TSVOCAB1";
/// Bytes before the first centre and after the last.
const HEADER: usize = 16;
const DIGEST: usize = 32;
/// Bits of half a descriptor.
const HALF_BITS: usize = 128;
/// Fewest and most centres of a half: powers of two.
const CENTRES: std::ops::RangeInclusive<usize> = 4..=4_096;

/// How much farther than the nearest the centres are that are looked at first: nearly always enough.
const FIRST_REACH: usize = 12;
/// Distances that are looked through together.
const BLOCK: usize = 32;

/// Half a descriptor.
type Half = [u64; 2];

/// Why bytes are no vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// The bytes are something else.
    #[error("the file is not a vocabulary")]
    Foreign,
    /// The number of centres is not a power of two from 4 to 4,096, or the length does not fit it.
    #[error("the vocabulary has an unsupported size")]
    Size,
    /// The digest does not fit the content.
    #[error("the vocabulary is damaged: its digest does not match")]
    Digest,
}

/// Centres of the two halves of a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    halves: [Vec<Half>; 2],
    digest: [u8; 32],
}

/// The two halves of a code: the upper two rows of cells and the lower two.
#[must_use]
pub fn halves(code: &Code) -> [[u64; 2]; 2] {
    [[code[0], code[2]], [code[1], code[3]]]
}

#[inline]
fn half_distance(a: Half, b: Half) -> u32 {
    (a[0] ^ b[0]).count_ones() + (a[1] ^ b[1]).count_ones()
}

/// The nearest centre, the first of equals.
fn nearest(half: Half, centres: &[Half]) -> u32 {
    let mut best = u32::MAX;
    for (number, centre) in (0..).zip(centres) {
        // Distance above, number below: the smallest is the nearest, then the first.
        best = best.min(half_distance(half, *centre) << 16 | number);
    }
    best & 0xffff
}

impl Vocabulary {
    /// The file of the given centres of the upper and the lower half.
    ///
    /// # Errors
    /// The halves differ in number, or the number is no power of two from 4 to 4,096.
    pub fn encode(upper: &[[u64; 2]], lower: &[[u64; 2]]) -> Result<Vec<u8>, VocabularyError> {
        let count = upper.len();
        if lower.len() != count || !count.is_power_of_two() || !CENTRES.contains(&count) {
            return Err(VocabularyError::Size);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend((count as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(upper.iter().chain(lower).flatten().flat_map(|word| word.to_le_bytes()));
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }

    /// Reads a file of centres.
    ///
    /// # Errors
    /// The bytes are no vocabulary, have the wrong length or are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, VocabularyError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(VocabularyError::Foreign)?;
        let (numbers, _) = rest.split_first_chunk::<8>().ok_or(VocabularyError::Foreign)?;
        let [k0, k1, k2, k3, 0, 0, 0, 0] = *numbers else { return Err(VocabularyError::Size) };
        let count = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let fits = count.is_power_of_two() && CENTRES.contains(&count);
        if !fits || bytes.len() != HEADER + 32 * count + DIGEST {
            return Err(VocabularyError::Size);
        }
        let (body, digest) = bytes.split_last_chunk::<DIGEST>().ok_or(VocabularyError::Size)?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(VocabularyError::Digest);
        }
        let words = body.get(HEADER..).unwrap_or_default().as_chunks::<8>().0;
        let centres: Vec<Half> =
            words.as_chunks().0.iter().map(|pair: &[[u8; 8]; 2]| pair.map(u64::from_le_bytes)).collect();
        let (upper, lower) = centres.split_at_checked(count).ok_or(VocabularyError::Size)?;
        Ok(Self { halves: [upper.to_vec(), lower.to_vec()], digest: *digest })
    }

    /// SHA-256 of the file's content: indexes of different vocabularies do not mix.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Number of words, a power of two: 2^4 to 2^24.
    #[must_use]
    pub fn words(&self) -> u32 {
        let count = self.halves[0].len() as u32;
        count * count
    }

    /// The word of a descriptor.
    #[must_use]
    pub fn word(&self, code: &Code) -> u32 {
        let [upper, lower] = halves(code);
        let [first, second] = &self.halves;
        nearest(upper, first) * second.len() as u32 + nearest(lower, second)
    }
}

/// Finds the words to visit for one descriptor of a query after another, with the same memory.
#[derive(Debug)]
pub(crate) struct Prober<'a> {
    vocabulary: &'a Vocabulary,
    distances: Vec<u8>,
    halves: [Ranked; 2],
}

impl<'a> Prober<'a> {
    pub(crate) fn new(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, distances: Vec::new(), halves: Default::default() }
    }

    /// The first `most` words to visit for `code`, nearest first, each with its excess: how many bits it is farther than
    /// the nearest. Of words at one distance those come first whose
    /// upper half is nearer, then those of the smaller numbers.
    pub(crate) fn words(&mut self, code: &Code, most: usize, out: &mut Vec<(u32, usize)>) {
        out.clear();
        let columns = self.vocabulary.halves[1].len() as u32;
        let most = most.min(self.vocabulary.words() as usize);
        let mut reach = FIRST_REACH;
        let [first, second] = loop {
            let halves = self.vocabulary.halves.iter().zip(halves(code));
            for (ranked, (centres, half)) in self.halves.iter_mut().zip(halves) {
                ranked.rank(half, centres, reach, &mut self.distances);
            }
            // Pairs that are together no farther than the reach are all there.
            if self.halves[0].pairs(&self.halves[1], reach) >= most || reach >= 2 * HALF_BITS {
                break &self.halves;
            }
            reach *= 2;
        };
        for sum in 0..=reach {
            for near in 0..=sum {
                for row in first.at(near) {
                    for column in second.at(sum - near) {
                        if out.len() >= most {
                            return;
                        }
                        out.push((u32::from(*row) * columns + u32::from(*column), sum));
                    }
                }
            }
        }
    }
}

/// The nearest centres of half a descriptor, by how much farther they are than the nearest one.
#[derive(Debug, Default)]
struct Ranked {
    /// Numbers of centres, the nearer and then the smaller first.
    order: Vec<u16>,
    /// Where the centres at each excess begin in `order`, and the end.
    starts: Vec<u16>,
    /// Excess above, number below: to be sorted.
    keys: Vec<u32>,
}

impl Ranked {
    /// Takes the centres that are at most `reach` farther than the nearest. Few are: all distances are computed, and
    /// then looked through in blocks.
    fn rank(&mut self, half: Half, centres: &[Half], reach: usize, distances: &mut Vec<u8>) {
        distances.clear();
        distances.extend(centres.iter().map(|centre| half_distance(half, *centre) as u8));
        let least = distances.iter().copied().min().unwrap_or(0);
        let most = usize::from(least).saturating_add(reach).min(usize::from(u8::MAX)) as u8;
        self.keys.clear();
        for (block, number) in distances.chunks(BLOCK).zip((0_u32..).step_by(BLOCK)) {
            if block.iter().fold(u8::MAX, |low, distance| low.min(*distance)) > most {
                continue;
            }
            let near = block.iter().zip(number..).filter(|(distance, _)| **distance <= most);
            self.keys.extend(near.map(|(distance, number)| u32::from(distance - least) << 16 | number));
        }
        self.keys.sort_unstable();
        self.order.clear();
        self.order.extend(self.keys.iter().map(|key| *key as u16));
        self.starts.clear();
        self.starts.push(0);
        for excess in 0..=reach as u32 {
            let from = self.starts.last().map_or(0, |start| usize::from(*start));
            let here = self.keys.iter().skip(from).take_while(|key| **key >> 16 <= excess).count();
            self.starts.push((from + here) as u16);
        }
    }

    /// How many pairs of centres are together at most `reach` farther than the nearest pair.
    fn pairs(&self, other: &Self, reach: usize) -> usize {
        let until = |excess: usize| other.starts.get(excess + 1).map_or(0, |end| usize::from(*end));
        (0..=reach).map(|excess| self.at(excess).len() * until(reach - excess)).sum()
    }

    /// The centres at `excess`.
    fn at(&self, excess: usize) -> &[u16] {
        let start = self.starts.get(excess).map_or(0, |start| usize::from(*start));
        let end = self.starts.get(excess + 1).map_or(start, |end| usize::from(*end));
        self.order.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn words_to_visit_are_those_of_a_look_at_every_word() {
        let mut state = 3_u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        let mut half = || (0..32).map(|_| [random(), random()]).collect::<Vec<Half>>();
        let bytes = Vocabulary::encode(&half(), &half()).unwrap();
        let vocabulary = Vocabulary::decode(&bytes).unwrap();
        let mut prober = Prober::new(&vocabulary);
        let mut found = Vec::new();
        for most in [0, 1, 2, 16, 100, 1_024, 5_000] {
            let [[a, b], [c, d]] = [half()[0], half()[1]];
            let code = [a, c, b, d];
            let [upper, lower] = halves(&code);
            let [first, second] = &vocabulary.halves;
            let mut all = Vec::new();
            for (row, one) in (0_u32..).zip(first) {
                for (column, other) in (0_u32..).zip(second) {
                    let (near, far) = (half_distance(upper, *one), half_distance(lower, *other));
                    all.push((near + far, near, row * 32 + column));
                }
            }
            all.sort_unstable();
            let least = all[0].0;
            let wanted: Vec<(u32, usize)> =
                all.iter().take(most).map(|(sum, _, word)| (*word, (sum - least) as usize)).collect();
            prober.words(&code, most, &mut found);
            assert_eq!(found, wanted, "{most} words");
            assert!(most == 0 || found[0].0 == vocabulary.word(&code));
        }
    }
}
