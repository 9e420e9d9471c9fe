//! A 256-bit code, the order in which its bits are kept, and its division into keys.
//!
//! Neighbouring bits of a picture's code agree more often than chance (a smooth sky is one gradient in many
//! cells), and a key made of neighbours would crowd few buckets. The bits are therefore spread once, on entry:
//! Hamming distance does not change when both sides are reordered.
#![allow(clippy::cast_possible_truncation)] // keys have at most 24 bits and are cut out of wider words

/// A fingerprint as the rest of the product knows it: 32 bytes, most significant bit first.
pub type Code = [u8; 32];

/// Number of keys a code is divided into: with 11, radius 31 asks for at most 2 flipped bits in a key of 23
/// or 24 bits, and one posting of four bytes for each key and code fits into the memory allowed.
pub(crate) const KEYS: usize = 11;

/// Bit p of the kept order is bit `p * STRIDE mod 256` of the code: on a 16 x 16 grid of bits, each step goes
/// six rows down and seven columns to the right, so the bits of one key lie at least three cells apart.
const STRIDE: usize = 103;

/// Nibbles in a code.
const NIBBLES: usize = 64;

/// What each value of each of the code's nibbles contributes to the kept order.
static SPREAD: [[[u64; 4]; 16]; NIBBLES] = spread_table();

/// Number of bits in which two codes differ.
#[must_use]
pub fn distance(first: &Code, second: &Code) -> u32 {
    Spread::of(first).distance(&Spread::of(second))
}

/// A code with its bits in the kept order, the first one most significant. One cache line never holds part of
/// one, because of the alignment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(align(32))]
pub(crate) struct Spread(pub(crate) [u64; 4]);

impl Spread {
    /// Reorders the bits of `code`.
    pub(crate) fn of(code: &Code) -> Self {
        let mut words = [0; 4];
        for (byte, tables) in code.iter().zip(SPREAD.chunks_exact(2)) {
            if let [high, low] = tables {
                add(&mut words, high, byte >> 4);
                add(&mut words, low, byte & 15);
            }
        }
        Self(words)
    }

    /// Number of differing bits.
    #[inline]
    pub(crate) fn distance(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(mine, theirs)| (mine ^ theirs).count_ones()).sum()
    }

    /// Any part of the code: reading it brings the code into the cache.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let [first, ..] = self.0;
        first
    }

    /// The bits of key `number` (0 to 10) as an integer of [`key_bits`] bits. The codes' own order is the
    /// order of key 0.
    #[inline]
    pub(crate) fn key(&self, number: usize) -> u32 {
        let (start, bits) = (key_start(number), key_bits(number));
        let mut words = self.0.iter().skip(start / 64).copied();
        let (first, second) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
        let pair = (u128::from(first) << 64 | u128::from(second)) << (start % 64);
        (pair >> (128 - bits)) as u32
    }
}

/// Width of key `number` in bits: 256 = 3 x 24 + 8 x 23.
pub(crate) const fn key_bits(number: usize) -> u32 {
    if number < 3 { 24 } else { 23 }
}

/// First bit of key `number` in the kept order.
const fn key_start(number: usize) -> usize {
    if number < 3 { number * 24 } else { 72 + (number - 3) * 23 }
}

#[inline]
fn add(words: &mut [u64; 4], table: &[[u64; 4]; 16], nibble: u8) {
    if let Some(part) = table.get(usize::from(nibble)) {
        for (word, bits) in words.iter_mut().zip(part) {
            *word |= bits;
        }
    }
}

// Evaluated by the compiler: nothing is on a stack, and a wrong index would not compile.
#[allow(clippy::large_stack_arrays, clippy::indexing_slicing)]
const fn spread_table() -> [[[u64; 4]; 16]; NIBBLES] {
    let mut table = [[[0; 4]; 16]; NIBBLES];
    let mut place = 0;
    while place < 256 {
        let bit = place * STRIDE % 256;
        let mut value = 0;
        while value < 16 {
            if value >> (3 - bit % 4) & 1 == 1 {
                table[bit / 4][value][place / 64] |= 1 << (63 - place % 64);
            }
            value += 1;
        }
        place += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_has_its_own_place() {
        let mut all = [0; 4];
        for bit in 0..256_usize {
            let mut code = [0; 32];
            code[bit / 8] = 0x80 >> (bit % 8);
            let Spread(words) = Spread::of(&code);
            assert_eq!(words.iter().map(|word| word.count_ones()).sum::<u32>(), 1, "bit {bit}");
            for (sum, word) in all.iter_mut().zip(words) {
                *sum |= word;
            }
        }
        assert_eq!(all, [u64::MAX; 4]);
    }

    #[test]
    fn keys_partition_the_code() {
        assert_eq!((0..KEYS).map(key_bits).sum::<u32>(), 256);
        for place in 0..256 {
            let mut words = [0; 4];
            words[place / 64] = 1 << (63 - place % 64);
            let spread = Spread(words);
            assert_eq!((0..KEYS).map(|key| spread.key(key).count_ones()).sum::<u32>(), 1, "place {place}");
        }
        for key in 0..KEYS {
            assert_eq!(Spread([u64::MAX; 4]).key(key), (1 << key_bits(key)) - 1);
        }
    }

    #[test]
    fn bits_of_a_key_lie_apart_on_the_grid() {
        let apart = |a: usize, b: usize| (a / 16).abs_diff(b / 16).max((a % 16).abs_diff(b % 16));
        for key in 0..KEYS {
            let bits = key_start(key)..key_start(key) + key_bits(key) as usize;
            let bits: Vec<usize> = bits.map(|place| place * STRIDE % 256).collect();
            for (i, a) in bits.iter().enumerate() {
                assert!(bits.iter().skip(i + 1).all(|b| apart(*a, *b) >= 3), "key {key}, bit {a}");
            }
        }
    }
}
