//! Codes and queries by formula.

use touchstone_server::matching::hamming::Code;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A code of random bits.
    pub(crate) fn code(&mut self) -> Code {
        let mut code = [0; 32];
        for bytes in code.as_chunks_mut::<8>().0 {
            *bytes = self.next().to_le_bytes();
        }
        code
    }

    /// `code` with exactly `flips` bits flipped, at most 256.
    pub(crate) fn near(&mut self, code: &Code, flips: usize) -> Code {
        let (mut near, mut left) = (*code, flips.min(256));
        while left > 0 {
            let bit = self.below(256);
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            if (near[byte] ^ code[byte]) & mask == 0 {
                near[byte] ^= mask;
                left -= 1;
            }
        }
        near
    }
}

/// Codes of the registered pictures with their identifiers: uniform bits, as those of PDQ nearly are.
pub(super) fn registered(count: usize) -> Vec<(Code, u32)> {
    let mut random = Random(1);
    (0_u32..).take(count).map(|id| (random.code(), id)).collect()
}

/// Queries and the identifiers they are near to: 0 to `radius` bits away, all distances equally often.
pub(super) fn queries(entries: &[(Code, u32)], count: usize, radius: u32) -> Vec<(Code, u32)> {
    let mut random = Random(u64::from(radius) << 32 | 2);
    let planted = |_| {
        let (code, id) = entries[random.below(entries.len())];
        let flips = random.below(radius as usize + 1);
        (random.near(&code, flips), id)
    };
    (0..count).map(planted).collect()
}
