//! A linear scan to compare with, and reproducible codes.
#![allow(dead_code)] // each test binary uses a part

use std::collections::{BTreeMap, BTreeSet};

use touchstone_server::matching::hamming::{Code, Hit, distance};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn code(&mut self) -> Code {
        let mut code = [0; 32];
        for bytes in code.chunks_exact_mut(8) {
            bytes.copy_from_slice(&self.next().to_le_bytes());
        }
        code
    }

    /// `code` with exactly `flips` bits flipped.
    pub(crate) fn near(&mut self, code: &Code, flips: usize) -> Code {
        let (mut near, mut left) = (*code, flips);
        while left > 0 {
            let bit = self.below(256);
            if (near[bit / 8] ^ code[bit / 8]) >> (bit % 8) & 1 == 0 {
                near[bit / 8] ^= 1 << (bit % 8);
                left -= 1;
            }
        }
        near
    }
}

/// What the index promises, in the plainest form.
#[derive(Default)]
pub(crate) struct Oracle {
    entries: BTreeSet<(Code, u32)>,
    withdrawn: BTreeSet<u32>,
}

impl Oracle {
    pub(crate) fn extend(&mut self, entries: &[(Code, u32)]) -> usize {
        let valid = entries.iter().filter(|(_, id)| !self.withdrawn.contains(id));
        let valid: Vec<_> = valid.copied().collect();
        self.entries.extend(&valid);
        valid.len()
    }

    pub(crate) fn withdraw(&mut self, id: u32) -> bool {
        self.withdrawn.insert(id)
    }

    pub(crate) fn search(&self, variants: &[Code], radius: u32) -> Vec<Hit> {
        let mut nearest: BTreeMap<u32, (u32, u8)> = BTreeMap::new();
        for (code, id) in self.entries.iter().filter(|(_, id)| !self.withdrawn.contains(id)) {
            for (query, variant) in variants.iter().zip(0..) {
                let distance = distance(query, code);
                if distance <= radius {
                    let best = nearest.entry(*id).or_insert((distance, variant));
                    *best = (*best).min((distance, variant));
                }
            }
        }
        let mut hits: Vec<Hit> =
            nearest.into_iter().map(|(id, (distance, variant))| Hit { id, distance, variant }).collect();
        hits.sort_by_key(|hit| (hit.distance, hit.id));
        hits
    }
}

/// The plain distance, bit by bit.
pub(crate) fn naive_distance(a: &Code, b: &Code) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}
