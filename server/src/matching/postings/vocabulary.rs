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

    /// The first `most` words to visit for a query's descriptor, nearest first, in a fixed order.
    pub(crate) fn probes(&self, code: &Code, most: usize, out: &mut Vec<u32>) {
        out.clear();
        let [upper, lower] = halves(code);
        let [first, second] = &self.halves;
        let (first, second) = (Ranked::new(upper, first, most), Ranked::new(lower, second, most));
        let columns = self.halves[1].len() as u32;
        for sum in first.least + second.least..=2 * HALF_BITS {
            for near in first.least..=sum.saturating_sub(second.least).min(HALF_BITS) {
                for row in first.at(near) {
                    for column in second.at(sum - near) {
                        if out.len() >= most {
                            return;
                        }
                        out.push(u32::from(*row) * columns + u32::from(*column));
                    }
                }
            }
        }
    }
}

/// Centres in the order of their distance to half a descriptor.
struct Ranked {
    order: Vec<u16>,
    /// Where the centres at each distance begin in `order`.
    starts: [u16; HALF_BITS + 2],
    /// Distance of the nearest centre.
    least: usize,
}

impl Ranked {
    /// Counting sort by distance. Only the nearest `most` centres can be part of the nearest `most` words; those
    /// beyond the distance of the last of them are left out.
    fn new(half: Half, centres: &[Half], most: usize) -> Self {
        let distances: Vec<u8> = centres.iter().map(|centre| half_distance(half, *centre) as u8).collect();
        let mut counts = [0_u16; HALF_BITS + 1];
        for distance in &distances {
            if let Some(count) = counts.get_mut(usize::from(*distance)) {
                *count += 1;
            }
        }
        let mut starts = [0_u16; HALF_BITS + 2];
        let (mut total, mut farthest) = (0_u16, 0_u8);
        for (distance, (start, count)) in (0_u8..).zip(starts.iter_mut().skip(1).zip(counts)) {
            if usize::from(total) < most {
                total += count;
                farthest = distance;
            }
            *start = total;
        }
        let mut order = vec![0; usize::from(total)];
        let mut next = starts;
        for (number, distance) in (0_u16..).zip(&distances).filter(|(_, distance)| **distance <= farthest) {
            if let Some(place) = next.get_mut(usize::from(*distance)) {
                if let Some(cell) = order.get_mut(usize::from(*place)) {
                    *cell = number;
                }
                *place += 1;
            }
        }
        let least = starts.iter().skip(1).position(|start| *start > 0).unwrap_or(HALF_BITS);
        Self { order, starts, least }
    }

    /// The centres at `distance`.
    fn at(&self, distance: usize) -> &[u16] {
        let start = self.starts.get(distance).map_or(0, |start| usize::from(*start));
        let end = self.starts.get(distance + 1).map_or(start, |end| usize::from(*end));
        self.order.get(start..end).unwrap_or_default()
    }
}
